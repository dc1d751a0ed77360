#!/usr/bin/env bash
# Builds the small Debian roots with an editor in them that the tests start: `root.sh krita-forky` prints that root's folder,
# and builds it if need be; `root.sh` alone lists the roots.
#
# They lie in a cache outside the repository: $SCUMBLE_TEST_ROOTS, else ~/.cache/scumble-test. The packages come from the
# mirror that this machine's own apt sources name; $SCUMBLE_TEST_MIRROR overrides it. Needs apt and root. Once in $DAYS days
# a root is compared with its suite, and built anew where the editor's package has moved on.
set -euo pipefail

# Named after Debian's suites, which move on: at the time of writing Krita 5.2.9, 5.3.4 and 6.0.4, GIMP 3.0.4 and 3.2.6.
names=(krita-trixie krita-forky krita-experimental gimp-trixie gimp-forky)
name=${1:-}
if [ -z "$name" ]; then
  printf '%s\n' "${names[@]}"
  exit 0
fi
editor=${name%%-*}
suite=${name#*-}
suites=("$suite")
case $name in
  krita-trixie) packages=python3-pyqt5,python3-pyqt5.sip ;;
  krita-forky) packages=python3-pyqt5,python3-pyqt5.sip,python3-pyqt6,python3-pyqt6.sip,qt6-svg-plugins ;;
  krita-experimental) suites=(sid experimental) packages=python3-pyqt6,python3-pyqt6.sip,qt6-svg-plugins ;;
  gimp-trixie | gimp-forky) packages=python3-gi,gir1.2-gimp-3.0 ;;
  *)
    echo "There is no root called “$name”." >&2
    exit 2
    ;;
esac
root=${SCUMBLE_TEST_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/scumble-test}/$name
stamp="$packages 2"
DAYS=7

whole() { [ -x "$root/usr/bin/$editor" ] && [ "$(cat "$root/.scumble-stamp" 2>/dev/null)" = "$stamp" ]; }

# Whether the suite has another version of the editor than the root; what can't be asked has not moved on.
moved_on() {
  [ -n "$(find "$root/.scumble-asked" -mtime -"$DAYS" 2>/dev/null)" ] && return 1
  touch "$root/.scumble-asked"
  local here there
  here=$(chroot "$root" dpkg-query -W -f='${Version}' "$editor")
  cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
  chroot "$root" apt-get update -q -o Acquire::Check-Valid-Until=false >/dev/null 2>&1 || return 1
  there=$(chroot "$root" apt-cache show "$editor" -t "$suite" 2>/dev/null | awk '$1 == "Version:" {print $2; exit}')
  chroot "$root" sh -c 'rm -rf /var/lib/apt/lists/*'
  [ -n "$there" ] && [ "$there" != "$here" ]
}

ready() { whole && ! moved_on; }

mirror() {
  if [ -n "${SCUMBLE_TEST_MIRROR:-}" ]; then
    echo "$SCUMBLE_TEST_MIRROR"
    return
  fi
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "Debian" && $3 == "Debian" && $4 == "main" {print $1; exit}'
}

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  if whole; then
    echo "$root"
    exit 0
  fi
  echo "The tests in $name need a folder with that editor; building it takes apt and root." >&2
  exit 1
fi
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9  # another test run may be building it
if ready; then
  echo "$root"
  exit 0
fi
if ! command -v mmdebstrap >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -q -y --no-install-recommends mmdebstrap; } >&2
fi
from=$(mirror)
[ -n "$from" ] || { apt-get update -q >&2 && from=$(mirror); }
if [ -z "$from" ]; then
  echo "No Debian mirror is among this machine's apt sources; name one: SCUMBLE_TEST_MIRROR=…" >&2
  exit 1
fi
sources=()
for one in "${suites[@]}"; do sources+=("deb $from $one main"); done
for attempt in 1 2; do  # a mirror that stumbles once is asked again
  rm -rf "$root.part"
  if mmdebstrap --variant=apt --mode=root --aptopt='Apt::Install-Recommends "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$editor/$suite,$packages" "${suites[0]}" "$root.part" "${sources[@]}" >&2; then
    touch "$root.part/.scumble-asked"
    echo "$stamp" >"$root.part/.scumble-stamp"
    rm -rf "$root"
    mv "$root.part" "$root"
    echo "$root"
    exit 0
  fi
done
if whole; then  # better the one of before than none
  echo "$root"
  exit 0
fi
exit 1
