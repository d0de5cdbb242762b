#!/usr/bin/env bash
# The tutorial's jobs 1 to 4 on a real broker: rows per CPU-second and peak memory of the process that runs each from the beginning of a
# topic to its end, and how long a row takes at a rate that doesn't wait for it. All in turn, RUNS times; medians are told.
#
#   make bench-kafka                                            builds, starts services, runs this
#   ROWS=100000 benches/kafka.sh --set parallelism.default=1    on services of your own; arguments go to `millstream run`
#   CHECKPOINTS=1s make bench-kafka                             each job also with exactly-once checkpoints of this interval, and the ratio:
#                                                               checkpoints with one target (rollback), held with a second one aside
#   OTHER='benches/with_flink.sh {file}' make bench-kafka       another engine's command beside it: Flink (that file says what it needs)
#   OTHER='benches/with_librdkafka.sh {file}' make bench-kafka  librdkafka beside the native client
#
# ROWS (10000000; in as many partitions as the broker makes by itself), RUNS (3), JOBS (all four; none for latency alone), MILLSTREAM (the binary: target/release/millstream).
# OTHER is a command with its arguments; {file} stands for a job file with all addresses filled in. It must end when the job does, with
# status 0, and do the work itself or in children that it waits for: their CPU time is what counts, and the memory of the largest.
# What a job has written is counted, for Millstream and for OTHER: where the other's is not as much, there is no table.
# FLAMES: a folder for a flame graph of each job, which is run once more for it (benches/flamegraph.sh says what that needs).
# Cold start: COLD (5; how often job 1 is started on a topic with a row, until that is in the topic behind it).
# Latency: LATENCY_RATE (50000 rows a second; 0 leaves it out), LATENCY_SECONDS (20), LATENCY_RUNS (3), LATENCY_CHECKPOINTS (100ms).
# LATENCY: the command that measures latency and cold starts, and deletes the topics; by itself `cargo bench -q --bench latency --`,
# run in the project's root.
# The services: MILLSTREAM_TEST_KAFKA=host:port, MILLSTREAM_TEST_POSTGRES=postgresql://user:password@host:port/database. Topics and
# tables that were made are gone in the end.
# shellcheck source=benches/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ROWS=${ROWS:-10000000} RUNS=${RUNS:-3}
JOBS=${JOBS-simple_filter simple_agg simple_filter_pg simple_filter_pg_agg}
CHECKPOINTS=${CHECKPOINTS:-} OTHER=${OTHER:-} FLAMES=${FLAMES:-}
LATENCY_RATE=${LATENCY_RATE:-50000} LATENCY_SECONDS=${LATENCY_SECONDS:-20} LATENCY_RUNS=${LATENCY_RUNS:-3}
LATENCY_CHECKPOINTS=${LATENCY_CHECKPOINTS:-100ms}
LATENCY=${LATENCY:-${CARGO:-cargo} bench -q --bench latency --}
COLD=${COLD:-5}
ARGUMENTS=("$@")
HERE=$(printf %q "$PWD")
: "${MILLSTREAM_TEST_KAFKA:?the broker as host:port; \`make bench-kafka\` starts one}"
: "${MILLSTREAM_TEST_POSTGRES:?the database as postgresql://user:password@host:port/database; \`make bench-kafka\` starts one}"

ID=bench_$$_$(date +%s)
FOLDER=$(mktemp -d)
end() {
  local topics=() topic
  while read -r topic; do topics+=(--delete "$topic"); done < <(cat "$FOLDER"/*.sql 2>/dev/null | grep -o "'topic' = '$ID[a-z_]*'" | cut -d "'" -f 4 | sort -u)
  [ ${#topics[@]} -eq 0 ] || helper --broker "$MILLSTREAM_TEST_KAFKA" "${topics[@]}" || true
  sql "DROP TABLE IF EXISTS public.$ID, public.${ID}_agg_pg" || true
  rm -rf "$FOLDER"
}
trap end EXIT

sql() {
  if command -v psql >/dev/null; then
    psql -qXAt -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' -c "$1" "$MILLSTREAM_TEST_POSTGRES"
  else
    MILLSTREAM_SERVICES_INSTANCE="test" "$ROOT/scripts/services/ctl" psql -qAtc "$1"
  fi
}

# addressed: standard input with the services' addresses where they are blank, so that any engine can read it.
addressed() {
  local login=${MILLSTREAM_TEST_POSTGRES#postgresql://} user password=''
  user=${login%@*}
  case $user in *:*) password=", 'password' = '${user#*:}'" ;; esac
  sed -e "s|'properties.bootstrap.servers' = ''|'properties.bootstrap.servers' = '$MILLSTREAM_TEST_KAFKA'|" \
    -e "s|'url' = 'jdbc:postgresql://'|'url' = 'jdbc:postgresql://${login##*@}', 'username' = '${user%%:*}'$password|"
}

# job FILE: the tutorial's job with this run's topics and table, bounded, its lookup with a cache.
job() {
  local cache="'lookup.cache'='PARTIAL', 'lookup.partial-cache.max-rows'='1000', 'lookup.partial-cache.expire-after-write'='1 min'"
  sed -e "s/'topic' = 'cpu_load_stats_real'/'scan.bounded.mode' = 'latest-offset', &/" \
    -e "s/'cpu_load_stats_real\([a-z_]*\)'/'$ID\1'/" -e "s/'cpu_load_stats_agg'/'${ID}_agg'/" \
    -e "s/'public.cpu_thresholds'/'public.$ID'/" -e "s/'public.cpu_load_stats_agg_pg'/'public.${ID}_agg_pg'/" \
    -e "s|JOIN SOURCE_THRESHOLDS\b|JOIN SOURCE_THRESHOLDS /*+ OPTIONS($cache) */|" "$ROOT/sql/alerting/$1" | addressed
}

# producer: the tutorial's producer, its three marked lines changed.
producer() {
  sed -e "s/'[^']*',\( *-- TOPIC\)/'$ID',\1/" -e "s/'[^']*',\( *-- RATE\)/'1000000000',\1/" \
    -e "s/'[^']*',\( *-- COUNT\)/'$ROWS',\1/" "$ROOT/sql/alerting/producer.sql" | addressed
}

# exactly_once INTERVAL: standard input with checkpoints, and written by them; their folder stands as {state}.
exactly_once() {
  printf "SET 'execution.checkpointing.%s' = '%s';\n" interval "$1" mode EXACTLY_ONCE dir 'file://{state}'
  local guarantee="'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '$ID'"
  sed -e "s/'topic' = '\(${ID}_[a-z_]*\|{out}\)'/&, $guarantee/"
}

# held: standard input, one INSERT, with a second sink of another kind beside it, which gets one row: then what is written is held back
# until a checkpoint is complete.
held() {
  cat <<SQL
CREATE TABLE single (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
CREATE TABLE aside (n INT) WITH ('connector' = 'filesystem', 'path' = '{state}/aside', 'format' = 'csv');
SQL
  sed '$ s/; *$//' | awk '/^INSERT INTO/ { print "EXECUTE STATEMENT SET BEGIN\nINSERT INTO aside SELECT n FROM single;" } { print } END { print ";\nEND;" }'
}

# command_of SUBJECT FILE: what runs a job file.
command_of() {
  case $1 in
    other) printf '%s' "${OTHER//\{file\}/$2}" ;;
    checkpoints | held) printf '%q ' "$MILLSTREAM" run --fresh "${ARGUMENTS[@]}" "$2" ;;
    *) printf '%q ' "$MILLSTREAM" run "${ARGUMENTS[@]}" "$2" ;;
  esac
}

# written JOB: how many rows its topic or its table has got since this was asked last. The table is empty afterwards.
written() {
  local topic end before
  topic=$(grep -o "'topic' = '${ID}_[a-z_]*'" "$FOLDER/$1.sql" | cut -d "'" -f 4) || true
  if [ -z "$topic" ]; then
    sql "WITH gone AS (DELETE FROM public.${ID}_agg_pg RETURNING 1) SELECT count(*) FROM gone"
    return
  fi
  end=$(helper --broker "$MILLSTREAM_TEST_KAFKA" --end "$topic") || die "$1: cannot count what is in $topic"
  before=$(cat "$FOLDER/end_$1" 2>/dev/null) || before=0
  echo "$end" >"$FOLDER/end_$1"
  echo $((end - before))
}

# run JOB SUBJECT: a line `job subject wall cpu rss in out` more in the results.
run() {
  local job=$1 subject=$2 file=$FOLDER/run.sql finished rows_in=$ROWS rows_out=- wrote=''
  case ${OTHER:+$subject} in plain | other) [ "$job" = producer ] || wrote=$(written "$job") ;; esac
  rm -rf "$FOLDER/state"
  case $subject in
    checkpoints) exactly_once "$CHECKPOINTS" <"$FOLDER/$job.sql" | sed "s|{state}|$FOLDER/state|" >"$file" ;;
    held) held <"$FOLDER/$job.sql" | exactly_once "$CHECKPOINTS" | sed "s|{state}|$FOLDER/state|" >"$file" ;;
    *) cp "$FOLDER/$job.sql" "$file" ;;
  esac
  echo "$job, $subject" >&2
  /usr/bin/time -o "$FOLDER/time" -f '%e %U %S %M' bash -c "exec $(command_of "$subject" "$file")" >"$FOLDER/log" 2>&1 || {
    cat "$FOLDER/log" >&2
    die "$job, $subject: failed"
  }
  if [ "$subject" != other ]; then
    finished=$(sed -n 's/.* finished: \([0-9,]*\) rows in, \([0-9,]*\) rows out.*/\1 \2/p' "$FOLDER/log" | tr -d ,)
    read -r rows_in rows_out <<<"$finished"
    [ "$subject" != held ] || rows_in=$((rows_in - 1)) rows_out=$((rows_out - 1))
    [ "$rows_in" -eq "$ROWS" ] || die "$job, $subject: read $rows_in rows of $ROWS"
  fi
  if [ -n "$wrote" ]; then
    wrote=$(written "$job")
    [ "$subject" = other ] || echo "$wrote" >"$FOLDER/wrote_$job"
    [ "$wrote" -eq "$(cat "$FOLDER/wrote_$job")" ] || die "$job, $subject: wrote $wrote rows, Millstream $(cat "$FOLDER/wrote_$job")"
  fi
  awk -v job="$job" -v subject="$subject" -v rows="$rows_in $rows_out" 'END { print job, subject, $1, $2 + $3, $4, rows }' "$FOLDER/time" >>"$FOLDER/results"
}

# median_of JOB SUBJECT COLUMN [FILE]: of all its runs.
median_of() {
  awk -v job="$1" -v subject="$2" -v column="$3" '$1 == job && $2 == subject { print $column }' "${4:-$FOLDER/results}" | median
}

# table: a line for each job and subject; the ratio is that of rows per CPU-second to those of millstream without checkpoints.
table() {
  printf '%-22s %-12s %10s %10s %8s %8s %14s %8s %7s\n' job by 'rows in' 'rows out' 'wall s' 'CPU s' 'rows/CPU-s' 'RSS MB' ratio
  local job subject plain
  for job in producer $JOBS; do
    plain=''
    for subject in $SUBJECTS; do
      [ -n "$(median_of "$job" "$subject" 4)" ] || continue
      plain=${plain:-$(median_of "$job" "$subject" 4)}
      printf '%s %s %s %s %s %s %s %s\n' "$job" "$subject" "$(median_of "$job" "$subject" 6)" "$(median_of "$job" "$subject" 7)" \
        "$(median_of "$job" "$subject" 3)" "$(median_of "$job" "$subject" 4)" "$(median_of "$job" "$subject" 5)" "$plain"
    done
  done | awk '{ printf "%-22s %-12s %10s %10s %8.2f %8.2f %14.0f %8.0f %7.3f\n", $1, $2, $3, $4, $5, $6, $3 / ($6 ? $6 : 0.01), $7 / 1024, $8 / ($6 ? $6 : 0.01) }'
}

flames() {
  local job
  mkdir -p "$FLAMES"
  for job in $JOBS; do
    echo "$job, flame graph" >&2
    "$ROOT/benches/flamegraph.sh" "$FLAMES/$job.svg" bash -c "exec $(command_of plain "$FOLDER/$job.sql")"
  done
}

# latency SUBJECT: a line `latency subject p50 p99 p99.9 max` more in the latencies, in microseconds.
latency() {
  local subject=$1 file=$FOLDER/latency_$1.sql options=(--broker "$MILLSTREAM_TEST_KAFKA" --rate "$LATENCY_RATE"
    --seconds "$LATENCY_SECONDS") between=() numbers
  echo "latency, $subject" >&2
  rm -rf "$FOLDER/state"
  [ "$subject" = echo ] || between=(--job "$file" "$FOLDER/run.sql" -- bash -c "cd $HERE && exec $(command_of "$subject" "$FOLDER/run.sql")")
  [ "$subject" != checkpoints ] || options+=(--committed)
  numbers=$(helper "${options[@]}" "${between[@]}" 2>"$FOLDER/log") || {
    cat "$FOLDER/log" >&2
    die "latency, $subject: failed"
  }
  echo "latency $subject $numbers" >>"$FOLDER/latencies"
}

helper() {
  # shellcheck disable=SC2086 # a command and its arguments
  (cd "$ROOT" && $LATENCY "$@")
}

# cold SUBJECT: a line `cold subject µs` more in the latencies, of job 1.
cold() {
  local subject=$1 between=()
  echo "cold start, $subject" >&2
  [ "$subject" = echo ] || between=(--job "$FOLDER/cold.sql" "$FOLDER/run.sql" -- bash -c "cd $HERE && exec $(command_of "$subject" "$FOLDER/run.sql")")
  helper --broker "$MILLSTREAM_TEST_KAFKA" --cold "${between[@]}" 2>"$FOLDER/log" | sed "s/^/cold $subject /" >>"$FOLDER/latencies" || {
    cat "$FOLDER/log" >&2
    die "cold start, $subject: failed"
  }
}

colds() {
  local subjects="echo plain${OTHER:+ other}" subject i
  job simple_filter.sql | sed -e "s/'scan.bounded.mode' = 'latest-offset', //" -e "s/'${ID}_[a-z_]*'/'{out}'/" -e "s/'$ID'/'{in}'/" >"$FOLDER/cold.sql"
  for ((i = 0; i < COLD; i++)); do
    for subject in $subjects; do cold "$subject"; done
  done
  printf '\nms from the start of job 1 until the row that was there has come out, median of %s starts\n' "$COLD"
  for subject in $subjects; do
    printf '%-12s %9.0f\n' "$subject" "$(median_of cold "$subject" 3 "$FOLDER/latencies" | awk '{ print $1 / 1000 }')"
  done
}

latency_job() {
  local columns='(due BIGINT, hostname STRING, cpu STRING, `usage` DOUBLE)'
  local kafka="'connector' = 'kafka', 'properties.bootstrap.servers' = '', 'format' = 'json'"
  addressed <<SQL
CREATE TABLE rows_in $columns WITH ($kafka, 'topic' = '{in}', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE rows_out $columns WITH ($kafka, 'topic' = '{out}');
INSERT INTO rows_out SELECT due, hostname, cpu, \`usage\` FROM rows_in WHERE \`usage\` > 80;
SQL
}

latencies() {
  latency_job >"$FOLDER/latency_plain.sql"
  cp "$FOLDER/latency_plain.sql" "$FOLDER/latency_other.sql"
  exactly_once "$LATENCY_CHECKPOINTS" <"$FOLDER/latency_plain.sql" | sed "s|{state}|$FOLDER/state|" >"$FOLDER/latency_checkpoints.sql"
  local subjects="echo plain checkpoints${OTHER:+ other}" subject i
  for ((i = 0; i < LATENCY_RUNS; i++)); do
    for subject in $subjects; do latency "$subject"; done
  done
  printf '\nms from when a row was due to when it was read again, %s rows/s offered, and what that is above a bare echo client\n' "$LATENCY_RATE"
  printf '%-12s %9s %9s %9s %9s   %9s %9s %9s %9s\n' by p50 p99 p99.9 max '+p50' '+p99' '+p99.9' '+max'
  for subject in $subjects; do
    echo "$subject" "$(for column in 3 4 5 6; do median_of latency "$subject" $column "$FOLDER/latencies"; done | tr '\n' ' ')" \
      "$(for column in 3 4 5 6; do median_of latency echo $column "$FOLDER/latencies"; done | tr '\n' ' ')"
  done | awk '{ printf "%-12s", $1; for (i = 2; i < 6; i++) printf " %9.2f", $i / 1000; printf "  "; for (i = 2; i < 6; i++) printf " %9.2f", ($i - $(i + 4)) / 1000; print "" }'
  awk '$1 == "latency" && $2 == "echo" { print $4 / 1000 }' "$FOLDER/latencies" | sort -g |
    awk 'NR == 1 { low = $1 } END { printf "(medians of %d runs; the p99 of echo lay between %.2f and %.2f)\n", NR, low, $1 }'
}

SUBJECTS="plain${CHECKPOINTS:+ checkpoints held}${OTHER:+ other}"
sql "CREATE TABLE public.$ID (hostname varchar, allowed_top int)"
sql "CREATE TABLE public.${ID}_agg_pg (time_ltz timestamp(3) PRIMARY KEY, nr_cpus_over_threshold int)"
sql "INSERT INTO public.$ID VALUES ('doc', 20), ('grumpy', 30), ('sleepy', 40), ('bashful', 60), ('happy', 70), ('sneezy', 80), ('dopey', 90)"
producer >"$FOLDER/producer.sql"
for job in $JOBS; do job "$job.sql" >"$FOLDER/$job.sql"; done

: >"$FOLDER/results"
[ -z "$JOBS" ] || run producer plain
for ((i = 0; i < RUNS; i++)); do
  for job in $JOBS; do
    for subject in $SUBJECTS; do run "$job" "$subject"; done
  done
done
table
[ -z "$FLAMES" ] || flames
[ "$COLD" -eq 0 ] || colds
[ "$LATENCY_RATE" -eq 0 ] || latencies
