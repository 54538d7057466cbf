# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's .pth and .pt files: zip archives, and the format before them.

The pickle inside is interpreted here, by a machine that makes tensors, containers and plain values, and
neither imports nor calls anything that the file names.
"""

import io
import math
import os
import pickletools
import struct
import zipfile

import numpy

from . import Budget, Problem, is_count, is_counts, network

MAX_PICKLE = 256 << 20
MAX_STORAGE = 8 << 30
MAX_MODULES = 200000
# A state_dict of L2 has 50 thousand, a whole module a million.
MAX_OPERATIONS = 4000000


class Global:
    """A name in a pickle. It is never looked up."""

    def __init__(self, name):
        self.name = name


class Opaque:
    """What a pickle would have made by calling a name that is not ours to call."""

    def __init__(self, name):
        self.name = name
        self.state = None


class Tensor:
    """Where a tensor's numbers are; they are read when they are asked for."""

    def __init__(self, storage, offset, shape, stride):
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.stride = stride


# torch's storage classes: what effvk calls the type, numpy's name of it. bfloat16 is kept as its bits.
STORAGES = {"FloatStorage": ("F32", "<f4"), "DoubleStorage": ("F64", "<f8"),
            "HalfStorage": ("F16", "<f2"), "BFloat16Storage": ("BF16", "<u2"),
            "LongStorage": ("I64", "<i8"), "IntStorage": ("I32", "<i4"),
            "ShortStorage": ("I16", "<i2"), "CharStorage": ("I8", "<i1"),
            "ByteStorage": ("U8", "<u1"), "BoolStorage": ("BOOL", "<u1")}


class Storage:
    def __init__(self, kind, key, n):
        self.dtype, self.numpy = STORAGES[kind]
        self.key = key
        self.n = n


def make_storage(pid):
    """What a persistent id stands for: ("storage", class, key, place, numbers[, view])."""
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
        return pid[1] if isinstance(pid, tuple) and pid[:1] == ("module",) and len(pid) > 1 else None
    kind = pid[1].name.rpartition(".")[2] if isinstance(pid[1], Global) else "?"
    if kind not in STORAGES or not isinstance(pid[2], str) or not is_count(pid[4]):
        return Opaque(f"a storage of type {kind}")
    if len(pid) > 5 and pid[5] is not None:
        return Opaque("a view of another storage")
    return Storage(kind, pid[2], pid[4])


def rebuild_tensor(*args):
    if len(args) < 4 or not isinstance(args[0], Storage):
        return args[0] if args and isinstance(args[0], Opaque) else Opaque("a tensor without a storage")
    if not is_count(args[1]) or not is_counts(args[2]) or not is_counts(args[3]) \
            or len(args[2]) != len(args[3]):
        return Opaque("a tensor without a shape")
    return Tensor(args[0], args[1], tuple(args[2]), tuple(args[3]))


def ordered_dict(pairs=()):
    made = {}
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            put(made, *pair)
    return made


REBUILD = {
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_parameter": lambda data=None, *_: data,
    "torch._utils._rebuild_parameter_with_state": lambda data=None, *_: data,
    "collections.OrderedDict": ordered_dict,
}


def call(function, args):
    name = function.name if isinstance(function, Global) else "?"
    return REBUILD[name](*args) if name in REBUILD else Opaque(name)


def put(target, key, value):
    """Other keys than texts are of no use here, and hashing them may be made to cost much."""
    if isinstance(target, Opaque) and isinstance(target.state, dict):
        target = target.state
    if isinstance(target, dict) and isinstance(key, str):
        target[key] = value


class Unpickler:
    """Pickle's machine, as far as plain data need it. Ops that it lacks are refused."""

    LITERALS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
                "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
                "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
    CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
    EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": list}
    MARK = object()

    def __init__(self):
        self.stack = []
        self.memo = {}

    def pop(self, n):
        """The last n, the first of them first."""
        if n > len(self.stack) or any(value is self.MARK for value in self.stack[len(self.stack) - n:]):
            raise Problem("the pickle is damaged: it takes more from its stack than there is")
        taken = self.stack[len(self.stack) - n:]
        del self.stack[len(self.stack) - n:]
        return taken

    def pop_mark(self):
        taken = []
        while self.stack:
            value = self.stack.pop()
            if value is self.MARK:
                return taken[::-1]
            taken.append(value)
        raise Problem("the pickle is damaged: a mark is missing")

    def top(self):
        (value,) = self.pop(1)
        self.stack.append(value)
        return value

    def load(self, file):
        """One pickle, from where the file stands to behind it."""
        try:
            for number, (op, arg, _) in enumerate(pickletools.genops(file)):
                if op.name == "STOP":
                    return self.pop(1)[0]
                if number == MAX_OPERATIONS:
                    raise Problem(f"expected at most {MAX_OPERATIONS} operations in a pickle, found more")
                self.step(op.name, arg)
        except (ValueError, IndexError, OverflowError, struct.error, AttributeError) as error:
            raise Problem(f"the pickle is damaged: {error}") from error
        raise Problem("the pickle is damaged: it has no end")

    def step(self, op, arg):
        push = self.stack.append
        if op in self.LITERALS:
            push(arg)
        elif op in self.CONSTANTS:
            push(self.CONSTANTS[op])
        elif op in self.EMPTY:
            push(self.EMPTY[op]())
        elif op in ("PROTO", "FRAME"):
            pass
        elif op == "MARK":
            push(self.MARK)
        elif op == "POP":
            if self.stack:
                self.stack.pop()
        elif op == "POP_MARK":
            self.pop_mark()
        elif op == "DUP":
            push(self.top())
        elif op in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[arg] = self.top()
        elif op == "MEMOIZE":
            self.memo[len(self.memo)] = self.top()
        elif op in ("GET", "BINGET", "LONG_BINGET"):
            if arg not in self.memo:
                raise Problem("the pickle is damaged: it takes from its memo what is not there")
            push(self.memo[arg])
        elif op in ("TUPLE1", "TUPLE2", "TUPLE3"):
            push(tuple(self.pop(int(op[-1]))))
        elif op == "TUPLE":
            push(tuple(self.pop_mark()))
        elif op in ("LIST", "FROZENSET"):
            push(self.pop_mark())
        elif op in ("APPEND", "APPENDS", "ADDITEMS"):
            values = self.pop(1) if op == "APPEND" else self.pop_mark()
            target = self.top()
            if isinstance(target, list):
                target.extend(values)
        elif op in ("SETITEM", "SETITEMS", "DICT"):
            values = self.pop(2) if op == "SETITEM" else self.pop_mark()
            if op == "DICT":
                push({})
            target = self.top()
            for key, value in zip(values[::2], values[1::2]):
                put(target, key, value)
        elif op == "GLOBAL":
            push(Global(arg.replace(" ", ".", 1)))
        elif op == "STACK_GLOBAL":
            module, name = self.pop(2)
            push(Global(f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "?"))
        elif op == "INST":
            push(call(Global(arg.replace(" ", ".", 1)), self.pop_mark()))
        elif op == "OBJ":
            function, *args = self.pop_mark() or [None]
            push(call(function, args))
        elif op in ("REDUCE", "NEWOBJ"):
            function, args = self.pop(2)
            push(call(function, args if isinstance(args, tuple) else ()))
        elif op == "NEWOBJ_EX":
            function, args, _ = self.pop(3)
            push(call(function, args if isinstance(args, tuple) else ()))
        elif op == "BUILD":
            (state,) = self.pop(1)
            target = self.top()
            if isinstance(target, Opaque):
                target.state = state
        elif op == "BINPERSID":
            push(make_storage(self.pop(1)[0]))
        else:
            raise Problem(f"the pickle has an operation that tensors do not need: {op}")


class Numbers:
    """Makes arrays of tensors; read (storage) gives the bytes of one. size: of the file."""

    def __init__(self, read, size):
        self.read = read
        self.cache = (None, None)
        self.budget = Budget(size)

    def array(self, name, tensor):
        storage = tensor.storage
        n = math.prod(tensor.shape)
        last = tensor.offset + sum((s - 1) * t for s, t in zip(tensor.shape, tensor.stride)) if n else 0
        if n > storage.n or last >= max(storage.n, 1):
            raise Problem(f'tensor "{name}": expected {list(tensor.shape)} within the {storage.n} '
                          "numbers of its storage, found more")
        self.budget.spend(name, n)
        if self.cache[0] != storage.key:
            self.cache = (storage.key, self.read(storage))
        data = self.cache[1]
        size = numpy.dtype(storage.numpy).itemsize
        if len(data) < storage.n * size:
            raise Problem(f'tensor "{name}": expected {storage.n * size} bytes in the file, '
                          f"found {len(data)}")
        flat = numpy.frombuffer(data, storage.numpy, storage.n)[tensor.offset:]
        strides = [t * size for t in tensor.stride]
        strided = numpy.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)
        return storage.dtype, numpy.ascontiguousarray(strided)


def read_zip(archive, size):
    members = {name: info for name, info in ((i.filename, i) for i in archive.infolist())}
    if any(name.endswith("/constants.pkl") for name in members):
        raise Problem("this is a TorchScript file. In Python, torch.save (torch.jit.load (FILE).state_dict (), OUT) "
                      "writes what effvk-convert reads")
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise Problem("expected PyTorch's data.pkl in the zip file, found none")
    folder = pickles[0][:-len("data.pkl")]

    def read(name, limit):
        info = members.get(folder + name)
        if info is None:
            raise Problem(f'expected "{name}" in the zip file, found none')
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
            raise Problem(f'"{name}" in the zip file: expected at most {limit} bytes, not compressed, '
                          f"found {info.file_size}")
        return archive.read(info)

    if folder + "byteorder" in members and read("byteorder", 16) != b"little":
        raise Problem("expected little-endian numbers, found others")
    root = Unpickler().load(io.BytesIO(read("data.pkl", MAX_PICKLE)))
    return root, Numbers(lambda storage: read("data/" + storage.key, MAX_STORAGE), size)


MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class LegacyUnpickler(Unpickler):
    """Notes the storages, whose sizes say where each begins in the file."""

    def __init__(self):
        super().__init__()
        self.storages = {}

    def step(self, op, arg):
        super().step(op, arg)
        if op == "BINPERSID" and isinstance(self.stack[-1], Storage):
            self.storages.setdefault(self.stack[-1].key, self.stack[-1])


def read_legacy(file, size):
    if Unpickler().load(file) != MAGIC or Unpickler().load(file) != PROTOCOL:
        raise Problem("expected PyTorch's file format 1001, found another pickle")
    system = Unpickler().load(file)
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise Problem("expected little-endian numbers, found others")
    unpickler = LegacyUnpickler()
    root = unpickler.load(file)
    places = {}
    for key in Unpickler().load(file) or []:
        storage = unpickler.storages.get(key) if isinstance(key, str) else None
        count = file.read(8)
        if storage is None or len(count) < 8:
            raise Problem("the storages do not follow the pickle as it lists them")
        length = struct.unpack("<q", count)[0] * numpy.dtype(storage.numpy).itemsize
        if not 0 <= length <= size - file.tell():
            raise Problem(f"the file ends within storage {key}")
        places[key] = (file.tell(), length)
        file.seek(length, os.SEEK_CUR)

    def read(storage):
        if storage.key not in places:
            raise Problem(f"expected storage {storage.key} in the file, found none")
        file.seek(places[storage.key][0])
        return file.read(places[storage.key][1])

    return root, Numbers(read, size)


def module_tensors(module):
    """The tensors of a whole network that was pickled, by the names of its state_dict."""
    found, queue, steps = {}, [("", module)], 0
    while queue:
        prefix, value = queue.pop()
        state = value.state if isinstance(value, Opaque) and isinstance(value.state, dict) else {}
        for kind in ("_parameters", "_buffers", "_modules"):
            table = state.get(kind)
            for name, child in table.items() if isinstance(table, dict) else ():
                steps += 1
                if steps > MAX_MODULES:
                    raise Problem(f"expected at most {MAX_MODULES} modules and tensors, found more")
                if isinstance(child, Tensor):
                    found[prefix + name] = child
                elif kind == "_modules" and len(prefix) < 200:
                    queue.append((f"{prefix}{name}.", child))
    return found


def tables(root):
    """(entry or None, {name: tensor}) of all that may be a network in a checkpoint."""
    if isinstance(root, Opaque) and isinstance(root.state, dict) and "_modules" not in root.state:
        root = root.state  # what holds a network, as fastai's Learner
    if isinstance(root, Opaque):
        return [(None, module_tensors(root))]
    if not isinstance(root, dict):
        return []
    found = [(None, root)]
    for key, value in list(root.items())[:network.MAX_ENTRIES]:
        value = module_tensors(value) if isinstance(value, Opaque) else value
        if isinstance(value, dict):
            found.append((key, value))
    return found


def describe(root):
    if isinstance(root, Opaque):
        return "a " + root.name
    if isinstance(root, dict):
        return f"{', '.join(map(repr, list(root)[:8])) or 'nothing'}{'…' if len(root) > 8 else ''}"
    return type(root).__name__


def check_tensor(name, tensor):
    if isinstance(tensor, Opaque) and ("qtensor" in tensor.name or "quantized" in tensor.name):
        raise Problem(f'tensor "{name}" is quantised to 8 bits: effvk-convert reads floats. Take the checkpoint from '
                      "before the quantisation")
    if not isinstance(tensor, Tensor):
        found = tensor.name if isinstance(tensor, Opaque) else type(tensor).__name__
        raise Problem(f'"{name}": expected a tensor, found {found}')
    if tensor.storage.dtype not in ("F32", "F16", "BF16", "F64"):
        raise Problem(f'tensor "{name}": expected floats, found {tensor.storage.dtype}')


def take_network(root, numbers, entry, prefix):
    all_tables = tables(root)
    chosen, note = network.choose(all_tables, entry, prefix)
    if chosen is None:
        if any("_packed_params" in str(name) for _, table in all_tables for name in table):
            raise Problem("the network is quantised to 8 bits: effvk-convert reads floats. Take the checkpoint from "
                          "before the quantisation")
        raise Problem("expected an EfficientNet's state_dict (a tensor named " + ", ".join(network.LANDMARKS)
                      + f"), found {describe(root)}")

    def shape_of(name):
        tensor = chosen.table.get(name)
        return tensor.shape if isinstance(tensor, Tensor) else None

    for name, tensor in chosen.table.items():
        if isinstance(name, str) and name.startswith(chosen.prefix) \
                and not network.is_counter(name[len(chosen.prefix):]):
            check_tensor(name, tensor)
    tensors = {}
    for short, name in network.select(chosen, shape_of).items():
        check_tensor(name, chosen.table[name])
        tensors[short] = numbers.array(name, chosen.table[name])
        if tensors[short][0] == "F64":
            tensors[short] = ("F32", tensors[short][1].astype("<f4"))
    return tensors, note


def read(path, entry=None, prefix=None):
    """The tensors of the network in a .pth file, {name: (type, array)}, and a note on which network that is."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(2) == b"PK":
            try:
                with zipfile.ZipFile(file) as archive:
                    return take_network(*read_zip(archive, size), entry, prefix)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
                raise Problem(f"damaged zip file: {error}") from error
        file.seek(0)
        return take_network(*read_legacy(file, size), entry, prefix)
