#!/usr/bin/env bash
# serve.sh BUILD_FOLDER [SECONDS] [section.key=value …]: the server under an open loop, both on this machine: 10^6 items,
# all pairs of 761 interests. Prints start-up, then a JSON line a load.
# serve.sh BUILD_FOLDER soak SECONDS [section.key=value …]: both kinds of request at a rate that leaves the machine idle,
# and a reload a minute. Prints the resident memory before each reload, then a JSON line a kind.
# The targets serve_world, serve_load and serendip must be built.
set -euo pipefail
build=${1:?build folder}
mode=load
[ "${2:-}" != soak ] || { mode=soak; shift; }
seconds=${2:-20}
world=${SERVE_WORLD:-/tmp/serve_world}
[ -d "$world/recommender" ] || "$build/bench/serve_world" "$world"
log=$(mktemp)
started=$(date +%s.%N)
"$build/serendip" serve run.folder="$world" serve.port=18080 serve.admin_port=18081 serve.access_log=/dev/null "${@:3}" 2> "$log" &
server=$!
trap 'kill $server; rm -f "$log"' EXIT
until grep -q ready: "$log"; do sleep 0.02; done
resident() { grep VmRSS "/proc/$server/status"; }
request() { "$build/bench/serve_load" 18080 "$@"; }
echo "ready after $(echo "$(date +%s.%N) - $started" | bc) s, $(resident)"

load() {
  local rate
  request interests 5000 "$seconds" 64
  resident
  for rate in 200 ${RATES:-400 800 1200 1600 2400}; do
    request recommend "$rate" "$seconds" $((rate > 200 ? 256 : 64))
    resident
  done
}

soak() {
  SECONDS=0
  request interests 200 "$seconds" 16 &
  local interests=$!
  request recommend 50 "$seconds" 16 &
  local recommend=$!
  while sleep 60 && kill -0 $recommend 2> /dev/null; do
    echo "$SECONDS s $(resident)"
    kill -HUP $server
  done
  wait $interests $recommend
  echo "$(grep -c 'reloaded in' "$log") reloads, $(grep -c 'not reloaded' "$log") failed; $(resident)"
}

$mode
