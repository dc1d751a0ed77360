#!/usr/bin/env bash
# Builds the small Debian root with GIMP 3 that the tests start: `root.sh` prints its folder, and builds it if need be.
#
# It lies in a cache outside the repository: $SCUMBLE_GIMP_ROOT, else ~/.cache/scumble-test/gimp-root. The packages come
# from the mirror that this machine's own apt sources name; $SCUMBLE_GIMP_MIRROR overrides it. Needs apt and root.
set -euo pipefail

root=${SCUMBLE_GIMP_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/scumble-test/gimp-root}
suite=trixie  # the first Debian with GIMP 3
packages=gimp,python3-gi,gir1.2-gimp-3.0
stamp="$suite $packages 1"

whole() { [ -x "$root/usr/bin/gimp-console-3.0" ] && [ "$(cat "$root/.scumble-stamp" 2>/dev/null)" = "$stamp" ]; }

mirror() {
  if [ -n "${SCUMBLE_GIMP_MIRROR:-}" ]; then
    echo "$SCUMBLE_GIMP_MIRROR"
    return
  fi
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "Debian" && $3 == "Debian" && $4 == "main" {print $1; exit}'
}

if whole; then
  echo "$root"
  exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "The tests in GIMP need a folder with GIMP 3; building it takes apt and root." >&2
  exit 1
fi
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9  # another test run may be building it
if whole; then
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
  echo "No Debian mirror is among this machine's apt sources; name one: SCUMBLE_GIMP_MIRROR=…" >&2
  exit 1
fi
for attempt in 1 2; do  # a mirror that stumbles once is asked again
  rm -rf "$root.part"
  if mmdebstrap --variant=apt --mode=root --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$packages" "$suite" "$root.part" "$from" >&2; then
    echo "$stamp" >"$root.part/.scumble-stamp"
    rm -rf "$root"
    mv "$root.part" "$root"
    echo "$root"
    exit 0
  fi
done
exit 1
