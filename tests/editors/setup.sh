#!/usr/bin/env bash
# Installs what the tests in the real editors, and between network namespaces, need, on a system with apt and as root;
# elsewhere it says what is missing.
set -euo pipefail
# iproute2: the tests between two machines (tests/support/cable.py)
packages=(iproute2 krita python3-pyqt5 python3-sip xvfb xdotool openbox imagemagick)
# newer Debians have another one in its place
apt-cache show python3-sip >/dev/null 2>&1 || packages=("${packages[@]/python3-sip/python3-pyqt5.sip}")
needed=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || needed+=("$package")
done
[ ${#needed[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "The tests need: ${needed[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
for attempt in 1 2; do  # a mirror that stumbles once is asked again
  if apt-get update -q && apt-get install -q -y --no-install-recommends "${needed[@]}"; then
    exit 0
  fi
done
exit 1
