// SPDX-License-Identifier: LGPL-2.1-or-later
// How texels of four channels lie in memory: four floats, or four halves packed in two words (which
// needs no 16-bit feature of the device). TEXEL: buffers are read through uniform texel buffers,
// the cheapest vector load on a CPU device; otherwise as storage buffers, the fastest on a GPU.

// Which of them is STORAGE's value; see src/vk/storage.h.
#define STORAGE_F32 1
#define STORAGE_F16 2

#if STORAGE == STORAGE_F16
#define STORE_T uvec2
vec4 unpack_texel(uvec2 v) { return vec4(unpackHalf2x16(v.x), unpackHalf2x16(v.y)); }
uvec2 pack_texel(vec4 v) { return uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw)); }
#elif STORAGE == STORAGE_F32
#define STORE_T vec4
vec4 unpack_texel(vec4 v) { return v; }
vec4 pack_texel(vec4 v) { return v; }
#else
#error "STORAGE is none of the above"
#endif

#if TEXEL
#define INPUT(slot, name) layout(set = 0, binding = slot) uniform samplerBuffer name
#define INPUT_F32(slot, name) INPUT(slot, name)
#define INPUT_U32(slot, name) layout(set = 0, binding = slot) uniform usamplerBuffer name
#define INPUT_WORDS(slot, name) INPUT_U32(slot, name)
#define READ(name, i) texelFetch(name, int(i))
#define READ_WORD(name, i) texelFetch(name, int(i)).x
#define READ_U32(name, i) texelFetch(name, int(i))
#define READ_F32(name, i) READ(name, i)
#else
#define INPUT(slot, name) layout(set = 0, binding = slot, std430) \
    readonly buffer Buffer##slot { STORE_T data[]; } name
#define INPUT_F32(slot, name) layout(set = 0, binding = slot, std430) \
    readonly buffer Buffer##slot { vec4 data[]; } name
#define INPUT_U32(slot, name) layout(set = 0, binding = slot, std430) \
    readonly buffer Buffer##slot { uvec4 data[]; } name
#define INPUT_WORDS(slot, name) layout(set = 0, binding = slot, std430) \
    readonly buffer Buffer##slot { uint data[]; } name
#define READ(name, i) unpack_texel(name.data[i])
#define READ_WORD(name, i) name.data[i]
#define READ_U32(name, i) name.data[i]
#define READ_F32(name, i) name.data[i]
#endif

// What is small, and bound as texels where a device has few storage buffers (FEW_BUFFERS: four, the
// least of all).
#ifdef FEW_BUFFERS
#define INPUT_SMALL_F32(slot, name) layout(set = 0, binding = slot) uniform samplerBuffer name
#define INPUT_SMALL_U32(slot, name) layout(set = 0, binding = slot) uniform usamplerBuffer name
#define READ_SMALL(name, i) texelFetch(name, int(i))
#else
#define INPUT_SMALL_F32(slot, name) INPUT_F32(slot, name)
#define INPUT_SMALL_U32(slot, name) INPUT_U32(slot, name)
#define READ_SMALL(name, i) READ_U32(name, i)
#endif

#define OUTPUT(slot, name) layout(set = 0, binding = slot, std430) \
    writeonly buffer Buffer##slot { STORE_T name[]; }
#define OUTPUT_F32(slot, name) layout(set = 0, binding = slot, std430) \
    writeonly buffer Buffer##slot { vec4 name[]; }
