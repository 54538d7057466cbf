#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in a clean root, see run.sh: /srv/older and /srv/newer are repositories, /srv/tree has debian/ and examples/.
# Lines that begin with "figure:" are told on.
set -euo pipefail

packages=(libeffvk-1.0-0 libeffvk-common libeffvk-dev gir1.2-effvk-1.0 gstreamer1.0-effvk effvk effvk-doc)
apt=(apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends)

# repository FOLDER: from now on the packages come from there.
repository ()
{
  echo "deb [trusted=yes] file:$1 ./" >/etc/apt/sources.list.d/effvk.list
  apt-get -q update
}

megabytes () # KILOBYTES
{
  awk -v kb="$1" 'BEGIN { printf "%.1f", kb / 1024 }'
}

# The installed size of a package, and how many others come with it, and their size.
sizes () # PACKAGE OPTION…
{
  local package=$1 others

  shift
  mapfile -t others < <(apt-get -s "$@" install "$package" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -v -x "$package")
  echo "${#others[@]} others, $(megabytes "$(apt-cache show --no-all-versions "${others[@]}" 2>/dev/null \
    | awk '/^Installed-Size:/ { sum += $2 } END { print sum + 0 }')") MB"
}

timed () # NAME COMMAND…
{
  local name=$1 begin=$EPOCHREALTIME

  shift
  "$@"
  awk -v name="$name" -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "figure: %s: %.1f s\n", name, b - a }'
}

version () # PACKAGE
{
  dpkg-query -W -f '${Version}' "$1"
}

# Runs the tests of debian/tests with the packages that they ask for.
run_tests ()
{
  local name

  awk '/^Tests:/ { name = $2 } /^ / { sub (",", ""); print name, $1 }' /srv/tree/debian/tests/control >/srv/depends
  for name in pipeline c-examples python-examples; do
    mapfile -t depends < <(sed -n "s/^$name //p" /srv/depends)
    "${apt[@]}" install "${depends[@]}"
    AUTOPKGTEST_TMP=$(mktemp -d)
    export AUTOPKGTEST_TMP
    (cd /srv/tree && timed "debian/tests/$name" "debian/tests/$name")
    rm -r "$AUTOPKGTEST_TMP"
  done
}

repository /srv/older
for package in "${packages[@]}"; do
  size=$(apt-cache show "$package" | sed -n 's/^Installed-Size: //p')
  echo "figure: $package: $(megabytes "$size") MB; pulls in $(sizes "$package" --no-install-recommends);" \
    "with what is recommended $(sizes "$package" --install-recommends)"
done

find / -xdev -path /srv -prune -o -path /proc -prune -o -print | sort >/srv/before
timed "apt install ./effvk… ./gstreamer1.0-effvk… and a software driver" \
  "${apt[@]}" install effvk gstreamer1.0-effvk mesa-vulkan-drivers gstreamer1.0-tools gstreamer1.0-plugins-base
timed "the first pipeline" gst-launch-1.0 -q videotestsrc num-buffers=5 ! effvkclassify ! fakesink
"${apt[@]}" install "${packages[@]}"

old=$(version effvk)
repository /srv/newer
timed "the upgrade" "${apt[@]}" upgrade
for package in "${packages[@]}"; do
  dpkg --compare-versions "$(version "$package")" gt "$old" || { echo "$package is still $(version "$package")"; exit 1; }
done
effvk --version

run_tests

"${apt[@]}" remove "${packages[@]}"
if gst-inspect-1.0 effvkclassify >/dev/null 2>&1; then
  echo "effvkclassify is there after it was removed"
  exit 1
fi
"${apt[@]}" purge "${packages[@]}"
if dpkg -l | grep -E '^.. +\S*effvk'; then
  echo "these packages are there after they were purged"
  exit 1
fi
find / -xdev -path /srv -prune -o -path /proc -prune -o -path /root -prune -o -path /tmp -prune -o -print | sort \
  | comm -13 /srv/before - | grep effvk | grep -v -e ^/var/lib/apt -e ^/etc/apt && { echo "these files stayed"; exit 1; }
echo "figure: nothing stayed after the purge"
