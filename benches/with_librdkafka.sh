#!/usr/bin/env bash
# Runs a job file whose Kafka tables are read by librdkafka, to stand beside the native client:
#
#   OTHER='benches/with_librdkafka.sh {file}' make bench-kafka
#
# The file is as it is, but for 'scan.client' = 'librdkafka' in its tables of the connector kafka. Arguments behind it go to `millstream run`.
# MILLSTREAM: the binary (target/release/millstream).
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: benches/with_librdkafka.sh FILE [ARGUMENT…]" >&2; exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
file=$(mktemp --suffix .sql)
job=''
# Whoever ends this ends the job.
trap '[ -z "$job" ] || kill -KILL "$job" 2>/dev/null || true; rm -f "$file"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
sed "s/'connector' *= *'kafka'/&, 'scan.client' = 'librdkafka'/" "$1" >"$file"
shift
"${MILLSTREAM:-${CARGO_TARGET_DIR:-$root/target}/release/millstream}" run "$@" "$file" &
job=$!
status=0
wait "$job" || status=$?
job=''
exit "$status"
