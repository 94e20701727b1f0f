#!/usr/bin/env bash
# fuzz.sh [SECONDS]: builds the libFuzzer targets under ASan and UBSan and runs each for a while from its kept corpus,
# as many side by side as there are processors. FUZZ_SEED=0 draws another seed at every run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
.venv/bin/cmake --preset fuzz > /dev/null
.venv/bin/cmake --build --preset fuzz

fuzz() {
  local subject=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/corpus/$subject"  # new inputs go here, not into the kept ones
  "build/fuzz/tests/fuzz/fuzz_$subject" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -max_len=20000 \
    -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="build/fuzz/$subject-" \
    "build/fuzz/corpus/$subject" "tests/fuzz/corpus/$subject" 2> "$log" || { tail -60 "$log" >&2; return 1; }
  echo "fuzz: $subject for $seconds s: $(grep -oE '(number_of_executed_units|new_units_added): *[0-9]+' "$log" | tr -s '\n ' ' ')"
}
export -f fuzz
export seconds
printf '%s\n' safetensors tokenizer_json config csv hdf5 request \
  | xargs -P "$(nproc)" -I SUBJECT bash -euo pipefail -c 'fuzz SUBJECT'
