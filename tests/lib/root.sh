# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by those that make roots of other Debians: in-root.sh and tests/debian/run.sh.

# Prints a mirror of Debian proper, as this machine's apt has it, which knows all releases.
# shellcheck disable=SC2016 # a format of apt-get
effvk_root_mirror ()
{
  local uri

  uri=${EFFVK_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null \
    | grep -m 1 -E '/debian/?$' || true)}
  printf '%s\n' "${uri:-http://deb.debian.org/debian}"
}

# effvk_root_bootstrap RELEASE FOLDER: a Debian that has nothing but itself.
effvk_root_bootstrap ()
{
  debootstrap --variant=minbase --include=ca-certificates \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$1" "$2" "$(effvk_root_mirror)" >&2 \
    || return 1
  # No package may start a daemon here.
  printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
  chmod 755 "$2/usr/sbin/policy-rc.d"
}

# effvk_root_network FOLDER: it reaches the network as this machine does.
effvk_root_network ()
{
  cp -L /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || true
  apt-config dump | grep -iE '^Acquire::[a-z]+::Proxy' >"$1/etc/apt/apt.conf.d/90proxy" || true
}

# effvk_root_copy_tree TREE FOLDER: what git knows of the tree and what is not committed yet; without
# git, what is no build.
effvk_root_copy_tree ()
{
  local tree=$1

  mkdir -p "$2"
  if git -c safe.directory="$tree" -C "$tree" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -c safe.directory="$tree" -C "$tree" ls-files -z --cached --others --exclude-standard \
      | (cd "$tree" && while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done) \
      | tar -C "$tree" --no-recursion --null -T - -cf - | tar -C "$2" --no-same-owner -xf -
  else
    tar -C "$tree" --exclude='./build*' --exclude=./.git -cf - . | tar -C "$2" --no-same-owner -xf -
  fi
}
