#!/usr/bin/env bash
# Installs what is missing: Debian packages and the project-local Python environment with LibTorch.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/versions.sh
sudo=(); [ "$(id -u)" = 0 ] || sudo=(sudo)
packages=("${DEBIAN_PACKAGES[@]}")
[ "${1:-}" = --lint ] && packages+=("${DEBIAN_LINT_PACKAGES[@]}")
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "${package%%=*}" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "install: Debian packages ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq "${missing[@]}"
fi
# install_python LIST PACKAGE…: into .venv, unless .venv/LIST says that they are there.
install_python() {
  local list=.venv/$1
  shift
  [ "$(cat "$list" 2>/dev/null)" != "$*" ] || return 0
  echo "install: Python packages in .venv"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "$@"
  echo "$*" > "$list"
}
install_python serendip-packages "${PYTHON_PACKAGES[@]}" "${PYTHON_REFERENCE_PACKAGES[@]}"
[ "${1:-}" != --lint ] || install_python serendip-lint-packages "${PYTHON_LINT_PACKAGES[@]}"
