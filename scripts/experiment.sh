#!/usr/bin/env bash
# experiment.sh SERENDIP [WORLDS] [JOBS]: recipes/experiment.yaml from the first world's log to the page. Every world has a language model
# fine-tuned on its own log, JOBS at a time with a thread each. What is done already is skipped: given again, it goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
export serendip=${1:?the program} recipe=recipes/experiment.yaml run=runs/experiment
worlds=${2:-20}
jobs=${3:-$(nproc)}

# The pair table of the world of a seed, from the base model of the first.
make_table() {
  local folder=$run/seed_$1 stage
  for stage in 'simulate world' import embed cluster curate sft generate; do
    # shellcheck disable=SC2086  # a command of two words
    "$serendip" $stage --recipe "$recipe" world.seed="$1" run.folder="$folder" run.threads=1 \
      import.events="$folder/world/events.parquet" import.items="$folder/world/items.parquet" \
      embed.vectors="$folder/world/vectors.npy" model.path="$run/base_model" > /dev/null
  done
}
export -f make_table

"$serendip" run --recipe "$recipe"
mkdir -p "$run/seed_1"
ln -sf ../table.h5 "$run/seed_1/table.h5"
# For Figure 3, which asks for the best label alone.
"$serendip" run --recipe "$recipe" --until generate sft.set=random generate.k=1 run.folder="$run/random" > /dev/null
seq 2 "$worlds" | xargs -r -P "$jobs" -I{} bash -c "set -e; make_table {}"
"$serendip" simulate experiment --recipe "$recipe" experiment.worlds="$worlds"
"$serendip" report --recipe "$recipe"
