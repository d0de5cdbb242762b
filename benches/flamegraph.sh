#!/usr/bin/env bash
# A flame graph of a command: where the processor time of all its threads goes, by stacks of calls.
#
#   benches/flamegraph.sh job.svg target/release/millstream run job.sql
#
# RATE: samples a second of each thread (499). Needs perf (package: linux-perf, linux-tools or perf) and inferno
# (`cargo install inferno`).
set -euo pipefail
export LC_ALL=C

die() { echo "$*" >&2; exit 1; }
[ $# -ge 2 ] || die "usage: benches/flamegraph.sh OUT.svg COMMAND [ARGUMENT…]"
command -v perf >/dev/null || die "perf is needed (package: linux-perf, linux-tools or perf)"
command -v inferno-flamegraph >/dev/null || die "inferno is needed:  cargo install inferno"
OUT=$1
shift
DATA=$(mktemp)
trap 'rm -f "$DATA"' EXIT
perf record -q -o "$DATA" -F "${RATE:-499}" --call-graph dwarf,16384 -- "$@" >&2
perf script --no-inline -i "$DATA" 2>/dev/null | inferno-collapse-perf 2>/dev/null |
  inferno-flamegraph --minwidth 0.5 --title "$(basename "${OUT%.svg}")" --countname ns >"$OUT"
