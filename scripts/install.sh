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
wanted=("${PYTHON_PACKAGES[@]}" "${PYTHON_REFERENCE_PACKAGES[@]}")
if [ "$(cat .venv/serendip-packages 2>/dev/null)" != "${wanted[*]}" ]; then
  echo "install: Python environment in .venv"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "${wanted[@]}"
  echo "${wanted[*]}" > .venv/serendip-packages
fi
