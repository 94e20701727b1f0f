#!/usr/bin/env bash
# The tests that need a GPU under each tool of compute-sanitizer: scripts/compute_sanitizer.sh build/cuda
# Exit status 77 without compute-sanitizer or a GPU.
set -euo pipefail
build=${1:?usage: scripts/compute_sanitizer.sh BUILD_FOLDER}
sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
if [ ! -x "$sanitizer" ]; then
  echo "compute-sanitizer is not installed"
  exit 77
fi
if ! nvidia-smi -L 2>/dev/null | grep -q GPU; then
  echo "no CUDA device"
  exit 77
fi
for tool in memcheck racecheck initcheck synccheck; do
  echo "== $tool"
  "$sanitizer" --tool "$tool" --error-exitcode 1 "$build/tests/kernels/kernels_test" --gtest_filter='*gpu*'
done
