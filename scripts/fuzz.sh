#!/usr/bin/env bash
# fuzz.sh [SECONDS]: builds the libFuzzer targets under ASan and UBSan and runs each for a while from its kept corpus.
# FUZZ_SEED=0 draws another seed at every run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
.venv/bin/cmake --preset fuzz > /dev/null
.venv/bin/cmake --build --preset fuzz
for subject in safetensors tokenizer_json config csv hdf5 request; do
  mkdir -p "build/fuzz/corpus/$subject"  # new inputs go here, not into the kept ones
  echo "fuzz: $subject for $seconds s"
  "build/fuzz/tests/fuzz/fuzz_$subject" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -max_len=20000 \
    -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="build/fuzz/$subject-" \
    "build/fuzz/corpus/$subject" "tests/fuzz/corpus/$subject" 2> "build/fuzz/$subject.log" \
    || { tail -60 "build/fuzz/$subject.log" >&2; exit 1; }
  grep -E 'number_of_executed_units|new_units_added' "build/fuzz/$subject.log"
done
