#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh SOURCE BUILD: `meson install` into /usr, /usr/local and a folder at home. The command, a
# pipeline, Python and a C program then run with what README says has to be set, and nothing else.
#
# /usr and /etc are overlaid in a mount namespace: nothing is installed into this system. TAP.
# shellcheck disable=SC2317 # the functions are called by name
set -euo pipefail

source=$(realpath "$1")
mkdir -p "$2/home"
cd "$2"
export HOME=$PWD/home
unset DESTDIR

# environment N: README's N-th block that sets where GStreamer looks for plugins.
environment ()
{
  awk -v n="$1" '/^```/ { if (text ~ /GST_PLUGIN_PATH/ && ++found == n) printf "%s", text; text = ""; next }
    { text = text $0 "\n" }' "$source/README.md"
}

# user COMMAND…: as one who has just logged in, and did what README says.
user ()
{
  env -i HOME="$HOME" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 XDG_CACHE_HOME="$HOME/.cache" \
    GST_REGISTRY="$HOME/registry.bin" GST_REGISTRY_FORK=no /bin/bash -euc "$settings
\"\$@\"" bash "$@"
}

check () # PREFIX
{
  rm -f "$HOME/registry.bin"
  meson install -C build --no-rebuild --quiet
  user effvk --version | grep '^effvk '
  user effvk classify "$source/examples/hangar.jpg" | grep %
  user gst-launch-1.0 -q videotestsrc num-buffers=3 ! effvkclassify ! fakesink
  user /usr/bin/python3 "$source/tests/install/program.py"
  # shellcheck disable=SC2016 # the user's shell expands it
  user bash -euc 'cc -o "$HOME/program" "$1" $(pkg-config --cflags --libs effvk-1.0)' bash \
    "$source/tests/install/program.c"
  user "$HOME/program"
  ls "$1"/share/bash-completion/completions/effvk.bash "$1"/share/zsh/site-functions/_effvk \
    "$1"/share/fish/vendor_completions.d/effvk.fish "$1"/share/man/man1/effvk.1
}

overlaid () # PREFIX
{
  local folder

  mkdir -p layers
  mount -t tmpfs tmpfs layers
  for folder in usr etc; do
    mkdir -p "layers/$folder" "layers/$folder.work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$PWD/layers/$folder,workdir=$PWD/layers/$folder.work" \
      "/$folder"
  done
  rm -rf /usr/local/lib/*/libeffvk* /usr/lib/*/libeffvk* /usr/lib/*/gstreamer-1.0/libgsteffvk*
  check "$1"
}

if [ "${3:-}" ]; then
  settings=$4
  set -x
  "$3" "$5"
  exit
fi

number=0 failed=0
echo "1..3"
for prefix in /usr /usr/local "$HOME/effvk"; do
  settings='' how=overlaid
  [ "$prefix" != /usr/local ] || settings=$(environment 1)
  [ "$prefix" != "$HOME/effvk" ] || { settings=$(environment 2); how=check; }
  number=$((number + 1))
  if [ $how = overlaid ] && ! unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt' 2>/dev/null; then
    echo "ok $number - $prefix # SKIP cannot mount a small file system"
    continue
  fi
  run=(bash "$source/tests/install/run.sh" "$source" . "$how" "$settings" "$prefix")
  [ $how = check ] || run=(unshare --mount "${run[@]}")
  if { if [ -e build/build.ninja ]; then
         meson configure build -Dprefix="$prefix"
       else
         meson setup build "$source" --prefix="$prefix" -Dtests=false -Ddocs=disabled
       fi && ninja -C build && "${run[@]}"; } >output 2>&1; then
    echo "ok $number - $prefix"
  else
    echo "not ok $number - $prefix"
    tail -n 40 output | sed 's/^/# /'
    failed=1
  fi
done
exit $failed
