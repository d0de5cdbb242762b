#!/usr/bin/env bash
# Rows per CPU-second of the tutorial's jobs 1 to 4 on a real broker: loads a topic of two partitions with readings, then runs each job
# from its beginning to its end. CPU time is user and system time of the millstream process alone.
#
#   make bench-kafka                                            builds, starts services, runs this
#   ROWS=100000 benches/kafka.sh --set parallelism.default=1    on services of your own; arguments go to `millstream run`
#
# Environment: ROWS (5000000), RUNS (3, the best counts), JOBS (all four), MILLSTREAM (the binary: target/release/millstream), and where the services are:
# MILLSTREAM_TEST_KAFKA=host:port, MILLSTREAM_TEST_POSTGRES=postgresql://user:password@host:port/database.
set -euo pipefail
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
ROWS=${ROWS:-5000000}
RUNS=${RUNS:-3}
JOBS=${JOBS:-simple_filter simple_agg simple_filter_pg simple_filter_pg_agg}
MILLSTREAM=${MILLSTREAM:-${CARGO_TARGET_DIR:-$ROOT/target}/release/millstream}
: "${MILLSTREAM_TEST_KAFKA:?the broker as host:port; \`make bench-kafka\` starts one}"
: "${MILLSTREAM_TEST_POSTGRES:?the database as postgresql://user:password@host:port/database; \`make bench-kafka\` starts one}"
[ -x "$MILLSTREAM" ] || { echo "no binary at $MILLSTREAM; build it with:  cargo build --release" >&2; exit 1; }

ID=bench_$$_$(date +%s)
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"; sql "DROP TABLE IF EXISTS public.$ID, public.${ID}_agg_pg" || true' EXIT

sql() {
  if command -v psql >/dev/null; then
    psql -qX -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' -c "$1" "$MILLSTREAM_TEST_POSTGRES"
  else
    MILLSTREAM_SERVICES_INSTANCE="test" "$ROOT/scripts/services/ctl" psql -qc "$1"
  fi
}

write_integrations() {
  local login address
  login=${MILLSTREAM_TEST_POSTGRES#postgresql://}
  address=${login##*@} login=${login%@*}
  cat <<TOML
[integrations.kafka]
connector = "kafka"
"properties.bootstrap.servers" = "$MILLSTREAM_TEST_KAFKA"

[integrations.postgresql]
connector = "jdbc"
url = "jdbc:postgresql://$address"
username = "${login%%:*}"
$(case $login in *:*) echo "password = \"${login#*:}\"" ;; esac)
TOML
}

# job FILE: the tutorial's job with this run's topics and table, bounded, its lookup with a cache.
job() {
  local cache="'lookup.cache'='PARTIAL', 'lookup.partial-cache.max-rows'='1000', 'lookup.partial-cache.expire-after-write'='1 min'"
  sed -e "s/'topic' = 'cpu_load_stats_real'/'scan.bounded.mode' = 'latest-offset', &/" \
    -e "s/'cpu_load_stats_real\([a-z_]*\)'/'$ID\1'/" -e "s/'cpu_load_stats_agg'/'${ID}_agg'/" \
    -e "s/'public.cpu_thresholds'/'public.$ID'/" -e "s/'public.cpu_load_stats_agg_pg'/'public.${ID}_agg_pg'/" \
    -e "s|JOIN SOURCE_THRESHOLDS\b|JOIN SOURCE_THRESHOLDS /*+ OPTIONS($cache) */|" "$ROOT/sql/alerting/$1"
}

# producer: the tutorial's producer, its three marked lines changed.
producer() {
  sed -e "s/'[^']*',\( *-- TOPIC\)/'$ID',\1/" -e "s/'[^']*',\( *-- RATE\)/'1000000000',\1/" \
    -e "s/'[^']*',\( *-- COUNT\)/'$ROWS',\1/" "$ROOT/sql/alerting/producer.sql"
}

# run NAME [ARG…]: runs $FOLDER/NAME.sql; WALL and CPU are its seconds, IN and OUT its rows.
run() {
  local name=$1 TIMEFORMAT='%R %U %S' finished
  shift
  { time "$MILLSTREAM" run --config "$FOLDER/millstream.toml" "$@" "$FOLDER/$name.sql" >"$FOLDER/log" 2>&1; } 2>"$FOLDER/time" || {
    cat "$FOLDER/log" >&2
    return 1
  }
  read -r WALL CPU < <(awk '{ print $1, $2 + $3 }' "$FOLDER/time")
  finished=$(sed -n 's/.* finished: \([0-9,]*\) rows in, \([0-9,]*\) rows out.*/\1 \2/p' "$FOLDER/log" | tr -d ,)
  read -r IN OUT <<<"$finished"
}

line() { # line LABEL IN OUT WALL CPU
  awk -v label="$1" -v rows_in="$2" -v rows_out="$3" -v wall="$4" -v cpu="$5" \
    'BEGIN { printf "%-22s %10d %10d %8.2f %8.2f %12.0f %14.0f\n", label, rows_in, rows_out, wall, cpu, rows_in / wall, rows_in / cpu }'
}

write_integrations >"$FOLDER/millstream.toml"
producer >"$FOLDER/producer.sql"
for name in $JOBS; do job "$name.sql" >"$FOLDER/$name.sql"; done
sql "CREATE TABLE public.$ID (hostname varchar, allowed_top int)"
sql "CREATE TABLE public.${ID}_agg_pg (time_ltz timestamp(3) PRIMARY KEY, nr_cpus_over_threshold int)"
sql "INSERT INTO public.$ID VALUES ('doc', 20), ('grumpy', 30), ('sleepy', 40), ('bashful', 60), ('happy', 70), ('sneezy', 80), ('dopey', 90)"

printf '%-22s %10s %10s %8s %8s %12s %14s\n' job 'rows in' 'rows out' 'wall s' 'CPU s' 'rows/s' 'rows/CPU-s'
run producer "$@"
line 'producer (load)' "$IN" "$OUT" "$WALL" "$CPU"
for name in $JOBS; do
  best=''
  for ((i = 0; i < RUNS; i++)); do
    run "$name" "$@"
    [ "$IN" -eq "$ROWS" ] || { echo "$name read $IN rows of $ROWS" >&2; exit 1; }
    if [ -z "$best" ] || awk -v a="$CPU" -v b="${best##* }" 'BEGIN { exit !(a < b) }'; then best="$IN $OUT $WALL $CPU"; fi
  done
  # shellcheck disable=SC2086 # four numbers
  line "$name" $best
done
