#!/usr/bin/env bash
# lint.sh BUILD_FOLDER [JOBS]: clang-tidy over every translation unit that does not see LibTorch's headers, the scripts
# with shellcheck where there is one, docker/'s YAML against its schemas. A unit that sees LibTorch costs five times as
# much, so those are left out unless LINT_TORCH=1; their own headers are seen through the others.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?build folder}
jobs=${2:-$(nproc)}
started=$SECONDS

# clang reads no precompiled header of gcc's and knows not all of its flags: they are taken out.
mkdir -p "$build/lint"
python3 - "$build" > "$build/lint/files" <<'PYTHON'
import json, os, re, sys

build = sys.argv[1]
with_torch = os.environ.get("LINT_TORCH") == "1"
units, chosen, skipped = [], [], 0
for unit in json.load(open(f"{build}/compile_commands.json")):
    path = os.path.relpath(unit["file"])
    if path.startswith((".venv", "build")) or not path.endswith(".cpp"):
        continue
    if "cmake_pch" in unit["command"] and not with_torch:  # every unit with LibTorch has it precompiled
        skipped += 1
        continue
    unit["command"] = re.sub(r" -include \S*cmake_pch\S*| -Winvalid-pch| -Werror| -ffp-contract=\S+", "",
                             unit["command"])
    units.append(unit)
    chosen.append(path)
with open(f"{build}/lint/compile_commands.json", "w") as out:
    json.dump(units, out)
print("\n".join(sorted(set(chosen))))
print(f"lint: {len(set(chosen))} files; {skipped} that see LibTorch are skipped (LINT_TORCH=1 includes them)",
      file=sys.stderr)
PYTHON

xargs -a "$build/lint/files" -P "$jobs" -n 1 .venv/bin/clang-tidy -p "$build/lint" --quiet --warnings-as-errors='*' \
  --extra-arg=-idirafter/usr/lib/llvm-14/lib/clang/14.0.6/include \
  2> "$build/lint/log" || { grep -v 'warnings generated' "$build/lint/log" >&2; echo "lint: failed" >&2; exit 1; }
if command -v shellcheck > /dev/null; then shellcheck -x scripts/*.sh bench/*.sh docker/slurm/*.sbatch .ci/run; fi
.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yaml
.venv/bin/kubernetes-validate --strict --quiet docker/kubernetes/*.yaml
echo "lint: clean in $((SECONDS - started)) s"
