#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh SOURCE BUILD [RELEASE…]: builds the packages of debian/ on Debian 12 and 13 (or on the RELEASEs named), twice,
# and compares them. lintian looks at them. Then they are installed from a local repository into a root that has nothing
# else, used, upgraded, removed and purged. TAP; lines that begin with # give seconds and megabytes.
#
#   EFFVK_ROOTS     where the roots are, made when they are not there (default: /var/cache/effvk)
#   EFFVK_MIRROR    the Debian mirror (default: this machine's own)
#
# It takes root, and half an hour on two cores. BUILD/RELEASE/packages has the packages afterwards.
# shellcheck disable=SC2317 # some functions are called by name
set -euo pipefail

source=$(realpath "$1")
mkdir -p "$2"
build=$(realpath "$2")
shift 2
releases=("${@:-bookworm}")
[ $# -gt 0 ] || releases=(bookworm trixie)
roots=${EFFVK_ROOTS:-/var/cache/effvk}
# shellcheck source=tests/lib/setup.sh
. "$source/tests/lib/setup.sh"
# shellcheck source=tests/lib/root.sh
. "$source/tests/lib/root.sh"
PATH=$PATH:/usr/sbin:/sbin
steps=(step_build step_harden step_same step_lintian step_use)
declare -A titles=([step_build]="built" [step_harden]="hardened" [step_same]="built again elsewhere: the same" [step_lintian]="lintian"
  [step_use]="installed, used, upgraded, removed, purged")
number=0 failed=0

echo "1..$((${#releases[@]} * ${#steps[@]}))"
point () # RESULT NAME
{
  number=$((number + 1))
  echo "$1 $number - $2"
  [ "$1" = ok ] || failed=1
}

# inside ROOT COMMAND…: runs COMMAND in the root, with nothing of this environment. What is mounted goes with it.
inside ()
{
  local root=$1 variable
  local -a environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 LC_ALL=C.UTF-8
    DEBIAN_FRONTEND=noninteractive)

  shift
  for variable in http_proxy https_proxy no_proxy; do
    [ -z "${!variable:-}" ] || environment+=("$variable=${!variable}")
  done
  # shellcheck disable=SC2016 # the variables are those of the inner shell
  unshare --mount --pid --fork --kill-child /bin/sh -c '
    set -e
    root=$1
    shift
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec env -i "$@"' sh "$root" "${environment[@]}" chroot "$root" "$@" </dev/null
}

make_clean_root () # RELEASE FOLDER
{
  effvk_root_bootstrap "$1" "$2" && effvk_root_network "$2"
}

# root_of NAME MARK COMMAND…: the root $roots/NAME, made by COMMAND where it is not there or was made for another MARK.
root_of ()
{
  local root=$roots/$1 mark=$2

  shift 2
  mkdir -p "$roots"
  exec 8>"$root.lock"
  flock 8
  if [ "$(cat "$root/effvk-complete" 2>/dev/null)" != "$mark" ]; then
    rm -rf --one-file-system "$root"
    "$@" "$root" >&2 || return 1
    printf '%s\n' "$mark" >"$root/effvk-complete"
  fi
  exec 8>&-
}

make_build_root () # RELEASE FOLDER
{
  cp -a "$roots/clean-$1" "$2"
  mkdir "$2/srv/depends"
  cp -r "$source/debian" "$2/srv/depends/debian"
  # The packages are looked at and installed by tools of their own release.
  inside "$2" /bin/bash -ec 'apt-get -q update
    apt-get -q -y --no-install-recommends install build-essential fakeroot lintian
    cd /srv/depends
    apt-get -q -y --no-install-recommends build-dep ./
    apt-get clean'
}

# The steps of a release: each says nothing but what is to be seen when it fails, and figures.
step_build ()
{
  root_of "clean-$release" 1 make_clean_root "$release"
  root_of "build-$release" "$(sha256sum <"$source/debian/control")" make_build_root "$release"
  build_in "$roots/build-$release" srv/effvk-build/tree "$work/packages"
}

# Position-independent, bound at start, read-only relocations, a protected stack, checked functions of strings.
step_harden ()
{
  local package binary count=0 what

  for package in "$work"/packages/*.deb; do
    case $package in *-dbgsym_*) ;; *) dpkg-deb -x "$package" "$work/unpacked" ;; esac
  done
  for binary in "$work"/unpacked/usr/bin/effvk "$work"/unpacked/usr/lib/*/*.so.*.* \
    "$work"/unpacked/usr/lib/*/gstreamer-1.0/*.so; do
    readelf -hldW "$binary" >"$work/elf"
    readelf --dyn-syms -W "$binary" >>"$work/elf"
    for what in 'Type: *DYN' GNU_RELRO 'FLAGS.*BIND_NOW|BIND_NOW' __stack_chk_fail '__[a-z]*_chk@'; do
      grep -qE "$what" "$work/elf" || { echo "$binary has no $what"; return 1; }
    done
    count=$((count + 1))
  done
  rm -r "$work/unpacked"
  [ "$count" -eq 3 ] || { echo "expected 3 files, found $count"; return 1; }
}

step_same ()
{
  build_in "$roots/build-$release" srv/effvk-elsewhere/another-folder "$work/again"
  same "$work/packages" "$work/again"
}

step_lintian ()
{
  rm -rf "$roots/build-$release/srv/packages"
  cp -r "$work/packages" "$roots/build-$release/srv/packages"
  inside "$roots/build-$release" /bin/sh -c 'exec lintian --allow-root --fail-on error \
    --suppress-tags bad-distribution-in-changes-file,unreleased-changes /srv/packages/*.changes'
  echo "figure: lintian: no errors, $(grep -c '^W: ' "$work/step_lintian" || true) warnings"
}

step_use ()
{
  local root=$work/root folder status=0

  mkdir "$root.parts"
  cp -a "$roots/clean-$release" "$root"
  mkdir -p "$root/srv/older" "$root/srv/tree"
  cp -r "$work/packages" "$root/srv/newer"
  rm -f "$root"/srv/newer/*-dbgsym_*
  older "$root/srv/newer" "$root/srv/older" "$root.parts"
  cp -r "$source/debian" "$source/examples" "$root/srv/tree"
  cp "$source/tests/debian/use.sh" "$root/srv/use.sh"
  for folder in older newer; do
    (cd "$root/srv/$folder" && dpkg-scanpackages . >Packages)
  done
  inside "$root" /bin/bash /srv/use.sh || status=$?
  rm -rf --one-file-system "$root" "$root.parts"
  return "$status"
}

release_of () # RELEASE
{
  local release=$1 work=$build/$1 step status=0

  rm -rf --one-file-system "$work"
  mkdir -p "$work/packages" "$work/again"
  for step in "${steps[@]}"; do
    if [ $status -ne 0 ]; then
      point "not ok" "$release: ${titles[$step]}"
      continue
    fi
    SECONDS=0
    set +e
    (set -e; "$step") >"$work/$step" 2>&1
    status=$?
    set -e
    if [ $status -eq 0 ]; then
      point ok "$release: ${titles[$step]}"
      sed -n 's/^figure: /# /p' "$work/$step"
    else
      point "not ok" "$release: ${titles[$step]}"
      tail -n 40 "$work/$step" | sed 's/^/# /'
    fi
    echo "# $SECONDS s"
  done
}

build_in () # ROOT FOLDER PACKAGES
{
  local version

  rm -rf "${1:?}/${2%/*}"
  effvk_root_copy_tree "$source" "$1/$2"
  version=$(sed -n '1s/^effvk (\(.*\)-.*/\1/p' "$source/debian/changelog")
  tar -C "$1/$2" --exclude=./debian --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cJf \
    "$1/${2%/*}/effvk_$version.orig.tar.xz" .
  # The second time in another folder, time zone and umask.
  # shellcheck disable=SC2016 # the inner shell expands them
  inside "$1" /bin/bash -ec 'case $1 in *else*) export TZ=Pacific/Auckland; umask 0002 ;; esac
    cd "/$1" && exec dpkg-buildpackage --no-sign' bash "$2"
  cp "$1/${2%/*}"/*.* "$3"
}

same () # FOLDER FOLDER
{
  local package name different=0

  for package in "$1"/*.deb; do
    name=$(basename "$package")
    cmp -s "$package" "$2/$name" && continue
    different=1
    echo "$name differs:"
    rm -rf "$2/a" "$2/b"
    dpkg-deb -R "$package" "$2/a"
    dpkg-deb -R "$2/$name" "$2/b"
    diff -rq "$2/a" "$2/b" || true
  done
  return "$different"
}

# older PACKAGES OLDER FOLDER: the packages with an older version's number, from which one can upgrade.
older ()
{
  local package

  for package in "$1"/*.deb; do
    dpkg-deb -R "$package" "$3/unpacked"
    sed -i -E '/^Version:/s/$/~older/; /^Depends:/s/\(= [^)]*/&~older/g' "$3/unpacked/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$3/unpacked" "$2"
    rm -r "$3/unpacked"
  done
}

if [ "$(id -u)" -ne 0 ] || ! unshare --mount --pid --fork true 2>/dev/null; then
  for release in "${releases[@]}"; do
    for step in "${steps[@]}"; do
      point ok "$release: ${titles[$step]} # SKIP cannot mount a small file system"
    done
  done
  exit 0
fi
effvk_packages_install "${effvk_packages_root[@]}" dpkg-dev || exit 1
for release in "${releases[@]}"; do
  release_of "$release"
done
exit $failed
