# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by quickstart.sh, tests/run.sh and tests/lib/in-root.sh: what has to be installed on
# Debian 12 and 13, how to install it, and how to build. The names are the same on both.

# To build and run.
# shellcheck disable=SC2034 # used by those that source this file
effvk_packages_build=(
  gcc libc6-dev meson ninja-build pkgconf
  libglib2.0-dev libjson-glib-dev libgdk-pixbuf-2.0-dev libjpeg62-turbo-dev
  libprotobuf-c-dev protobuf-c-compiler liblbfgs-dev
  gobject-introspection libgirepository1.0-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev
  libvulkan-dev libvulkan-volk-dev glslang-tools spirv-tools
  mesa-vulkan-drivers
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-libav
)

# To test, in addition.
# shellcheck disable=SC2034 # used by those that source this file
effvk_packages_test=(
  vulkan-validationlayers
  libpango1.0-dev tesseract-ocr fonts-dejavu-core
  libmosquitto-dev mosquitto mosquitto-clients openssl librdkafka-dev libsoup-3.0-dev libsqlite3-dev
  python3-jsonschema openapi-specification python3-kubernetes python3-jinja2 python3-yaml python3-pyte
  python3-seccomp prometheus glib-networking
  gi-docgen shellcheck zsh fish bubblewrap
  gjs valac xvfb xdotool gstreamer1.0-x
  python3 python3-numpy python3-h5py python3-torch python3-torchvision python3-onnx python3-sklearn
  python3-gi python3-gst-1.0
  gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
  gir1.2-gst-rtsp-server-1.0
)

# For the slow tests, in addition: the fuzzers' compiler, a browser for examples/browser, and what deploy/ is
# for.
# shellcheck disable=SC2034 # used by those that source this file
effvk_packages_slow=(clang libclang-rt-dev chromium chromium-driver ffmpeg python3-selenium gstreamer1.0-nice
  slurmctld slurmd slurm-client munge docker-compose)

# In the root of Debian sid, in addition to what builds: drivers of GPUs that are not here.
# shellcheck disable=SC2034 # used by those that source this file
effvk_packages_sid=(
  mesa-drm-shim vulkan-validationlayers
  libpango1.0-dev libsoup-3.0-dev python3-jsonschema
  python3 python3-numpy python3-pil python3-gi python3-gst-1.0
  gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
)

# To make a root of another Debian.
# shellcheck disable=SC2034 # used by those that source this file
effvk_packages_root=(debootstrap debian-archive-keyring)

# The Python that Debian's packages install for is /usr/bin/python3, whatever else a PATH has first.
PATH=/usr/bin:/bin:$PATH
export PATH

effvk_say ()
{
  printf '%s\n' "$*" >&2
}

# Prints those of its arguments that are not installed, one a line.
effvk_packages_missing ()
{
  local package

  for package; do
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
      ii*|hi*) ;;
      *) printf '%s\n' "$package" ;;
    esac
  done
}

# Installs what is missing of its arguments.
effvk_packages_install ()
{
  local -a missing as_root=() apt

  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    effvk_say "no apt-get here: install the equivalents of these Debian packages by hand: $*"
    return 0
  fi
  mapfile -t missing < <(effvk_packages_missing "$@")
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      effvk_say "error: these packages are missing, and neither root nor sudo is at hand to install them:"
      effvk_say "  apt-get install --no-install-recommends ${missing[*]}"
      return 1
    fi
    as_root=(sudo)
  fi
  effvk_say "installing: ${missing[*]}"
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
    apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  # An index of another vendor may be unreachable; what matters is whether the packages are there.
  "${apt[@]}" update >&2 || effvk_say "warning: apt-get update failed; trying with the old indexes"
  if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" >&2; then
    effvk_say "error: apt-get could not install: ${missing[*]}"
    return 1
  fi
}

# effvk_build FOLDER OPTION…: sets FOLDER up, anew where an old one does not fit, and builds it.
effvk_build ()
{
  local folder=$1

  shift
  if [ -f "$folder/build.ninja" ]; then
    meson setup --reconfigure "$@" "$folder" >&2 || rm -rf "$folder"
  fi
  if [ ! -f "$folder/build.ninja" ]; then
    rm -rf "$folder"
    meson setup "$@" "$folder" >&2 || return 1
  fi
  meson compile -C "$folder" >&2
}
