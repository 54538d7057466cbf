#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# in-root.sh RELEASE COMMAND…: runs COMMAND in a root of a Debian RELEASE, trixie or sid, in a fresh
# copy of this tree (with what is not committed yet, without what git ignores), with ../shared beside
# it where the original has one. Nothing is written to the original. The copy is gone when COMMAND has
# ended. trixie has what builds and tests effvk; sid has less, and the newest Mesa and GStreamer.
#
#   EFFVK_ROOTS         where the roots are, made when they are not there (default: /var/cache/effvk)
#   EFFVK_MIRROR        the Debian mirror (default: this machine's own)
#   EFFVK_SHARED        the folder with the real models and pictures (default: ../shared)
#
# Give it an empty folder as EFFVK_ROOTS to see what a new machine would do. The exit status is 125
# where the root cannot be made.
set -euo pipefail

here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
tree=$(realpath "$here/../..")
shared=${EFFVK_SHARED:-$tree/../shared}
passed_on=(EFFVK_ROOTS EFFVK_MIRROR EFFVK_SHARED
  http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY)

release=${1:-}
case $release in
  trixie) title="Debian 13" ;;
  sid) title="Debian sid" ;;
  *) release= ;;
esac
if [ -z "$release" ] || [ $# -lt 2 ]; then
  echo "usage: in-root.sh trixie|sid COMMAND…" >&2
  exit 2
fi
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: a $title root needs root or sudo" >&2; exit 125; }
  exec sudo --preserve-env="$(IFS=,; echo "${passed_on[*]}")" "$0" "$@"
fi
shift
root=${EFFVK_ROOTS:-/var/cache/effvk}/$release

# shellcheck source=tests/lib/setup.sh
. "$here/setup.sh"
# shellcheck source=tests/lib/root.sh
. "$here/root.sh"
PATH=$PATH:/usr/sbin:/sbin
effvk_packages_install "${effvk_packages_root[@]}" || exit 125

# What the root has to contain; another list than the one that it was made with adds to it.
packages=("${effvk_packages_build[@]}")
if [ "$release" = sid ]; then
  packages+=("${effvk_packages_sid[@]}")
else
  packages+=("${effvk_packages_test[@]}")
fi
wanted=${packages[*]}

# In a mount namespace of its own, what is mounted goes when the command does, whatever ends it.
if unshare --mount --pid --fork true 2>/dev/null; then
  isolate=(unshare --mount --pid --fork --kill-child)
  mounts=yes
else
  effvk_say "warning: mounting is not allowed here: the $title root does without /proc and /sys"
  isolate=()
  mounts=no
fi

# prepare FOLDER COMMAND…: makes `entry` the command that runs COMMAND in the root, in FOLDER, in a
# clean environment.
# shellcheck disable=SC2016 # the variables are those of the inner shells
prepare ()
{
  local folder=$1 variable
  local -a environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
    DEBIAN_FRONTEND=noninteractive)

  shift
  for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!variable:-}" ] || environment+=("$variable=${!variable}")
  done
  # shellcheck disable=SC2031 # these are names, not values
  for variable in "${!EFFVK_@}"; do
    case " ${passed_on[*]} " in
      *" $variable "*) ;;
      *) environment+=("$variable=${!variable}") ;;
    esac
  done
  entry=(env -i "${environment[@]}" chroot "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"'
    sh "$folder" "$@")
  [ $mounts = yes ] || return 0
  entry=("${isolate[@]}" /bin/sh -c '
    set -e
    root=$1 folder=$2 shared=$3
    shift 3
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys" || true
    if [ -d "$root$folder/../shared" ] && [ -d "$shared" ]; then
      mount --bind "$shared" "$root$folder/../shared"
      mount -o remount,bind,ro "$root$folder/../shared"
    fi
    exec "$@"' sh "$root" "$folder" "$shared" "${entry[@]}")
}

make_root ()
{
  local proxy old=

  if [ -e "$root" ] && [ ! -e "$marker" ]; then
    # Left half made, or somebody else's: only a folder that is surely ours is removed.
    if grep -q " $root/" /proc/self/mounts; then
      effvk_say "error: something is mounted in $root"
      return 1
    fi
    if [ -e "$root/effvk-incomplete" ]; then
      rm -rf --one-file-system "$root"
    elif [ -n "$(ls -A "$root")" ]; then
      effvk_say "error: $root is not empty, and not a root that this script has made"
      return 1
    fi
  fi
  [ ! -e "$marker" ] || old=$(cat "$marker")
  mkdir -p "$root"
  : >"$root/effvk-incomplete"
  rm -f "$marker"

  if proxy=$(apt-config shell proxy Acquire::http::Proxy) && [ -n "$proxy" ]; then
    eval "$proxy"
    [ -n "${http_proxy:-}" ] || export http_proxy=$proxy
  fi
  if [ -z "$old" ]; then
    effvk_root_bootstrap "$release" "$root"
  fi
  effvk_root_network "$root"
  # A mirror that stands still has no newer index of sid than one that has run out.
  [ "$release" != sid ] \
    || echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90valid"
  rm -rf --one-file-system "$root"/srv/effvk.*
  cp "$here/setup.sh" "$root/root/setup.sh"
  # shellcheck disable=SC2016
  prepare / /bin/bash -c '. /root/setup.sh && effvk_packages_install "$@" && apt-get clean' \
    bash "${packages[@]}"
  "${entry[@]}" >&2
  rm -f "$root/effvk-incomplete"
  printf '%s\n' "$wanted" >"$marker"
}

mkdir -p "$(dirname "$root")"
root=$(realpath "$root")
marker=$root/effvk-complete
exec 9>"$root.lock"
while :; do
  flock --shared 9
  if [ -e "$marker" ] && [ "$(cat "$marker")" = "$wanted" ]; then
    break
  fi
  flock --unlock 9
  flock --exclusive 9
  if [ ! -e "$marker" ] || [ "$(cat "$marker")" != "$wanted" ]; then
    SECONDS=0
    set +e
    (set -e; make_root)
    made=$?
    set -e
    [ $made -eq 0 ] || { effvk_say "error: the $title root $root cannot be made"; exit 125; }
    effvk_say "made the $title root $root in $SECONDS s"
  fi
  flock --unlock 9
done

# What a run that was killed outright has left.
find "$root/srv" -mindepth 1 -maxdepth 1 -name 'effvk.*' -mmin +1440 \
  -exec rm -rf --one-file-system {} +

# The copy, named so that ../shared is beside it.
box=$(mktemp -d "$root/srv/effvk.XXXXXX")
chmod 755 "$box"
child=
# shellcheck disable=SC2317 # called by the trap
finish ()
{
  # Its first process dies with it, and takes the others along; a milder signal it ignores.
  [ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
  rm -rf --one-file-system "$box"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

effvk_root_copy_tree "$tree" "$box/effvk"
if [ -d "$shared" ]; then
  shared=$(realpath "$shared")
  mkdir "$box/shared"
  [ $mounts = yes ] || cp -r "$shared/." "$box/shared/"
fi

status=0
prepare "${box#"$root"}/effvk" "$@"
"${entry[@]}" <&0 9>&- &
child=$!
wait "$child" || status=$?
child=
exit $status
