#!/usr/bin/env bash
# Runs the tests of one version of an editor in one process, so that it starts one Krita, or one GIMP with and one without windows:
# `one.sh krita:krita-forky OPTION…`. OPTIONs are pytest's; PYTHON names the Python. What it says comes at its end, in one piece,
# since several of these run side by side.
set -uo pipefail
version=${1:?}
shift
editor=${version%%:*}
name=${version#*:}
case $editor in
  krita) export SCUMBLE_TEST_KRITA=$name ;;
  gimp) export SCUMBLE_TEST_GIMP=$name ;;
  *)
    echo "There is no editor called “$editor”." >&2
    exit 2
    ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
said=$(mktemp)
trap 'rm -f "$said"' EXIT
begun=$SECONDS
"${PYTHON:-python3}" -m pytest "$here/$editor" "$@" >"$said" 2>&1
code=$?
printf '\n%s\n%s after %d s\n' "$(cat "$said")" "$version: $([ $code -eq 0 ] && echo passed || echo "FAILED ($code)")" $((SECONDS - begun))
exit $code
