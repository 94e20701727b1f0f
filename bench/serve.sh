#!/usr/bin/env bash
# serve.sh BUILD_FOLDER [SECONDS]: the server under an open loop, both on this machine: 10^6 items, all pairs of 761
# interests. Prints start-up, then a JSON line a load. The targets serve_world, serve_load and serendip must be built.
set -euo pipefail
build=${1:?build folder}
seconds=${2:-20}
world=${SERVE_WORLD:-/tmp/serve_world}
[ -d "$world/recommender" ] || "$build/bench/serve_world" "$world"
log=$(mktemp)
started=$(date +%s.%N)
"$build/serendip" serve run.folder="$world" serve.port=18080 serve.admin_port=18081 serve.access_log=/dev/null "${@:3}" 2> "$log" &
server=$!
trap 'kill $server; rm -f "$log"' EXIT
until grep -q ready: "$log"; do sleep 0.02; done
echo "ready after $(echo "$(date +%s.%N) - $started" | bc) s, $(grep VmRSS /proc/$server/status)"
load() {
  "$build/bench/serve_load" 18080 "$@"
  grep VmRSS /proc/$server/status
}
load interests 5000 "$seconds" 64
load recommend 200 "$seconds" 64
for rate in ${RATES:-400 800 1200 1600 2400}; do load recommend "$rate" "$seconds" 256; done
