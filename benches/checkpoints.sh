#!/usr/bin/env bash
# What a checkpoint of a million keys costs: how long it holds the job up, what it writes, and how long a restart takes.
#
#   make bench-checkpoints            builds, runs this
#
# Environment: MILLSTREAM (the binary: target/release/millstream), SAMPLES (20 checkpoints of each rate).
set -euo pipefail
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
MILLSTREAM=${MILLSTREAM:-${CARGO_TARGET_DIR:-$ROOT/target}/release/millstream}
SAMPLES=${SAMPLES:-20}
[ -x "$MILLSTREAM" ] || { echo "no binary at $MILLSTREAM; build it with:  cargo build --release" >&2; exit 1; }

FOLDER=$(mktemp -d) JOB=''
trap '[ -z "$JOB" ] || kill -9 "$JOB" 2>/dev/null || true; rm -rf "$FOLDER"' EXIT

# start RATE [ARG…]: starts the job; it goes on from its last checkpoint. ADDRESS is where its metrics are.
start() {
  sed "s/RATE/$1/" "$ROOT/benches/checkpoints.sql" >"$FOLDER/checkpoints.sql"
  shift
  "$MILLSTREAM" run --state "$FOLDER/state" --metrics 127.0.0.1:0 --set parallelism.default=1 "$@" "$FOLDER/checkpoints.sql" >"$FOLDER/log" 2>&1 &
  JOB=$!
  ADDRESS=''
  while [ -z "$ADDRESS" ]; do
    kill -0 "$JOB" 2>/dev/null || { cat "$FOLDER/log" >&2; exit 1; }
    sleep 0.05
    ADDRESS=$(sed -n 's/.*\(http:[^ ]*metrics\).*/\1/p' "$FOLDER/log" | head -1)
  done
}

metric() { # metric NAME, of the page that was fetched last
  awk -v name="millstream_$1" 'index($1, name) == 1 { print $2; exit }' "$FOLDER/page"
}

# Waits for the next checkpoint and appends its pause and duration in ms, its bytes and those written to `samples`.
sample() {
  local completed before=${1:-0}
  while :; do
    curl -sf "$ADDRESS" >"$FOLDER/page" || true
    completed=$(metric checkpoints_completed_total)
    [ "${completed:-0}" -le "$before" ] || break
    sleep 0.1
  done
  echo "$(metric checkpoint_last_pause_seconds) $(metric checkpoint_last_duration_seconds) $(metric checkpoint_last_bytes)" >>"$FOLDER/samples"
  SEEN=$completed
}

keys() {
  awk '/^millstream_state_keys/ { sum += $2 } END { printf "%d", sum }' "$FOLDER/page"
}

printf '%-26s %10s %12s %12s %12s %12s\n' 'rows a second' keys 'pause ms' 'worst ms' 'duration ms' 'size MB'
for rate in 1000000 10000 1; do
  : >"$FOLDER/samples"
  SEEN=0
  start "$rate"
  # The state is full, and the first checkpoints after a start are written, before anything counts.
  while :; do
    sample "$SEEN"
    [ "$SEEN" -lt 3 ] || [ "$(keys)" -lt 1000000 ] || break
  done
  : >"$FOLDER/samples"
  for ((i = 0; i < SAMPLES; i++)); do sample "$SEEN"; done
  sort -g "$FOLDER/samples" | awk -v rate="$rate" -v keys="$(keys)" \
    '{ pause[NR] = $1; duration += $2; size = $3 } END { printf "%-26s %10d %12.1f %12.1f %12.1f %12.1f\n", rate, keys, pause[int((NR + 1) / 2)] * 1e3, pause[NR] * 1e3, duration / NR * 1e3, size / 1e6 }'
  kill -9 "$JOB"
  wait "$JOB" 2>/dev/null || true
done

echo
echo 'killed; started again:'
start 1 --trace-startup
while ! grep -q 'first rows written' "$FOLDER/log"; do sleep 0.1; done
sed -n 's/.*millstream::startup[: ]*//p; /at ms\|^ *[0-9.]* *[0-9.]*  /p' "$FOLDER/log"
{ kill -9 "$JOB" && wait "$JOB"; } 2>/dev/null || true
JOB=''
