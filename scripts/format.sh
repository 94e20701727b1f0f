#!/usr/bin/env bash
# format.sh format: reformats the sources in place. format.sh format-check: fails on the first difference.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:?format or format-check}" in
  format) options=(-i) ;;
  format-check) options=(--dry-run -Werror) ;;
  *) echo "format.sh: expected format or format-check, got $1" >&2; exit 2 ;;
esac
git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' '*.inl' | xargs -0 -r clang-format-14 "${options[@]}"
