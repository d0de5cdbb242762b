#!/usr/bin/env bash
# How the cost of a row grows with the work: a table for each range, with the processor time of a row (whole process) and what it
# is beside that of the table's first line.
#
#   make bench-growth                        builds, starts services, runs this
#   PARTS='keys columns' benches/growth.sh   some of it, on services of your own; these two need none
#
# PARTS   keys        of an aggregate and a window, without doors (`millstream bench`)
#         partitions  of a topic, read to its end
#         columns     of JSON and CSV lines in a file, of which four are used
#         rates       of rows a second through a job from Kafka to Kafka
#         idle        a job that waits on an empty topic
# KEYS, PARTITIONS, COLUMNS_OF (lines), RATES: the ranges. A rate of max is as fast as TOPIC_ROWS rows are produced.
# ROWS (rows a table of keys: 20000000), TOPIC_ROWS (in a topic: 3000000), CELLS (values in a file: 40000000), SECONDS_EACH (of a rate,
# and idle: 20), RUNS (3, medians are told; rates and idle are run once).
# MILLSTREAM (the binary: target/release/millstream). HELPER (by itself `cargo bench -q --bench growth --`, which is built first). MILLSTREAM_TEST_KAFKA=host:port.
# shellcheck source=benches/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PARTS=${PARTS:-keys partitions columns rates idle}
KEYS=${KEYS:-1000 10000 100000 1000000 10000000}
PARTITIONS=${PARTITIONS:-1 2 4 8 16 32 64}
COLUMNS_OF=${COLUMNS_OF:-4 20 50 100 200}
RATES=${RATES:-1 10 100 1000 10000 100000 max}
ROWS=${ROWS:-20000000} TOPIC_ROWS=${TOPIC_ROWS:-3000000} CELLS=${CELLS:-40000000} SECONDS_EACH=${SECONDS_EACH:-20} RUNS=${RUNS:-3}
if [ -z "${HELPER:-}" ]; then
  (cd "$ROOT" && ${CARGO:-cargo} bench --no-run --bench growth)
  HELPER="${CARGO:-cargo} bench -q --bench growth --"
fi
case " $PARTS " in
  *' partitions '* | *' rates '* | *' idle '*) : "${MILLSTREAM_TEST_KAFKA:?the broker as host:port; \`make bench-growth\` starts one}" ;;
esac

ID=growth_$$_$(date +%s)
FOLDER=$(mktemp -d) JOB='' TOPICS=()
end() {
  [ -z "$JOB" ] || kill -9 "$JOB" 2>/dev/null || true
  for topic in ${TOPICS[@]+"${TOPICS[@]}"}; do helper --broker "$MILLSTREAM_TEST_KAFKA" --delete "$topic" || true; done
  rm -rf "$FOLDER"
}
trap end EXIT

helper() {
  # shellcheck disable=SC2086 # a command and its arguments
  (cd "$ROOT" && $HELPER "$@")
}

# table HEAD…: lines `cost of a row, other cells` of standard input under a head, each with its ratio to the first.
table() {
  printf '%12s' "$@" 'CPU ns/row' ratio
  echo
  awk '{ if (NR == 1) first = $1; for (i = 2; i <= NF; i++) printf "%12s", $i; printf "%12.1f%12.2f\n", $1, (first > 0 ? $1 / first : 0) }'
  echo
}

# cpu FILE: seconds of processor time of a whole run of a job, to its end; the median of RUNS. RSS in KB is left in the file `rss`.
cpu() {
  local i
  for ((i = 0; i < RUNS; i++)); do
    /usr/bin/time -o "$FOLDER/time" -f '%U %S %M' "$MILLSTREAM" run -q "$1" >"$FOLDER/log" 2>&1 || { cat "$FOLDER/log" >&2; die "$1 failed"; }
    awk 'END { print $3 }' "$FOLDER/time" >"$FOLDER/rss"
    awk 'END { print $1 + $2 }' "$FOLDER/time"
  done | median
}

per_row() { # per_row SECONDS SECONDS_WITHOUT_ROWS ROWS: nanoseconds
  awk -v all="$1" -v without="$2" -v rows="$3" 'BEGIN { printf "%.2f", (all - without) * 1e9 / rows }'
}

# --- keys -------------------------------------------------------------------------------------------------------------------

keys_file() { # keys_file aggregate|window KEYS
  cat <<SQL
SET 'pipeline.name' = '$1 of $2 keys';
CREATE TABLE READINGS (k BIGINT, n BIGINT, ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts) WITH (
  'connector' = 'datagen', 'number-of-rows' = '$ROWS', 'fields.k.min' = '1', 'fields.k.max' = '$2',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '$ROWS');
SQL
  case $1 in
    aggregate)
      cat <<'SQL'
CREATE TABLE RESULTS (k BIGINT, readings BIGINT, total BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO RESULTS SELECT k, COUNT(*), SUM(n) FROM READINGS GROUP BY k;
SQL
      ;;
    window)
      cat <<'SQL'
CREATE TABLE RESULTS (k BIGINT, window_end TIMESTAMP(3), average BIGINT, highest BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO RESULTS
SELECT k, window_end, AVG(n), MAX(n) FROM TABLE(TUMBLE(TABLE READINGS, DESCRIPTOR(ts), INTERVAL '1' DAY))
GROUP BY k, window_start, window_end;
SQL
      ;;
  esac
}

# A group takes some 64 bytes. `read ns` is what one read of so much memory takes; a row goes to about four places of it (the slot in the
# table of keys, the key, the values of two calls), and `beyond` is what is left of the ratio when that is counted in.
keys() {
  local query keys ns read
  for query in aggregate window; do
    echo "keys of the $query ($ROWS rows, one subtask)"
    for keys in $KEYS; do
      echo "$query, $keys keys" >&2
      keys_file "$query" "$keys" >"$FOLDER/keys.sql"
      "$MILLSTREAM" bench --rows "$ROWS" --runs "$RUNS" --set parallelism.default=1 "$FOLDER/keys.sql" >"$FOLDER/log" 2>&1 ||
        { cat "$FOLDER/log" >&2; die "$query of $keys keys failed"; }
      ns=$(awk '$1 == "CPU" && $2 == "ns/row" { gsub(",", "", $3); print $3; exit }' "$FOLDER/log")
      read=$(helper --memory $((keys * 64)))
      echo "$ns $keys $read"
    done | tee "$FOLDER/keys" | awk '{ if (NR == 1) { first = $1; read = $3 }
      explained = first + 4 * ($3 > read ? $3 - read : 0); printf "%s %s %s %.2f\n", $1, $2, $3, $1 / explained }' |
      table keys 'read ns' beyond
  done
}

# --- partitions -------------------------------------------------------------------------------------------------------------

topic() { # topic NAME PARTITIONS
  helper --broker "$MILLSTREAM_TEST_KAFKA" --create "$1" --partitions "$2"
  TOPICS+=("$1")
}

drop() {
  helper --broker "$MILLSTREAM_TEST_KAFKA" --delete "$1"
  local kept=() name
  for name in "${TOPICS[@]}"; do [ "$name" = "$1" ] || kept+=("$name"); done
  TOPICS=(${kept[@]+"${kept[@]}"})
}

kafka_table() { # kafka_table NAME TOPIC OPTIONS
  echo "CREATE TABLE $1 (host STRING, cpu STRING, load_percent DOUBLE, seen BIGINT) WITH ('connector' = 'kafka', 'topic' = '$2',
  'properties.bootstrap.servers' = '$MILLSTREAM_TEST_KAFKA', 'format' = 'json'${3:+, $3});"
}

fill() { # fill TOPIC ROWS RATE
  {
    cat <<SQL
CREATE TABLE MADE (host_number INT, cpu_number INT, load_percent DOUBLE, seen BIGINT) WITH (
  'connector' = 'datagen', 'number-of-rows' = '$2', 'rows-per-second' = '$3', 'fields.host_number.min' = '1', 'fields.host_number.max' = '9',
  'fields.cpu_number.min' = '0', 'fields.cpu_number.max' = '7', 'fields.load_percent.min' = '0', 'fields.load_percent.max' = '100',
  'fields.seen.min' = '1600000000000', 'fields.seen.max' = '1700000000000');
SQL
    kafka_table INTO_TOPIC "$1" ''
    echo "INSERT INTO INTO_TOPIC SELECT CONCAT('host-', CAST(host_number AS STRING)), CONCAT('cpu', CAST(cpu_number AS STRING)), load_percent, seen FROM MADE;"
  } >"$FOLDER/fill.sql"
  "$MILLSTREAM" run -q "$FOLDER/fill.sql" >"$FOLDER/log" 2>&1 || { cat "$FOLDER/log" >&2; die "filling $1 failed"; }
}

reader() { # reader TOPIC: the job that reads it to its end
  kafka_table ROWS_IN "$1" "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'"
  cat <<'SQL'
CREATE TABLE NOWHERE (host STRING, load_percent DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO NOWHERE SELECT host, load_percent FROM ROWS_IN WHERE load_percent > 80;
SQL
}

partitions() {
  local count name empty all
  echo "partitions of a topic ($TOPIC_ROWS rows in all)"
  for count in $PARTITIONS; do
    echo "$count partitions" >&2
    name=${ID}_$count
    topic "$name" "$count"
    reader "$name" >"$FOLDER/reader.sql"
    empty=$(cpu "$FOLDER/reader.sql")
    fill "$name" "$TOPIC_ROWS" 1000000000
    all=$(cpu "$FOLDER/reader.sql")
    drop "$name"
    echo "$(per_row "$all" "$empty" "$TOPIC_ROWS") $count $empty $(awk '{ printf "%.0f", $1 / 1024 }' "$FOLDER/rss")" >>"$FOLDER/partitions"
  done
  table partitions 'start s' 'RSS MB' <"$FOLDER/partitions"
}

# --- columns ----------------------------------------------------------------------------------------------------------------

lines() { # lines FORMAT COLUMNS ROWS: numbers and texts by turns
  awk -v format="$1" -v columns="$2" 'BEGIN {
    for (row = 0; row < 1000; row++) {
      line = ""
      for (i = 0; i < columns; i++) {
        value = i % 2 ? (format == "json" ? "\"text-" row * 7 % 1000 "\"" : "text-" row * 7 % 1000) : row * 31 + i
        line = line (i ? "," : "") (format == "json" ? "\"column_" i "\":" value : value)
      }
      print format == "json" ? "{" line "}" : line
    }
  }' >"$FOLDER/thousand"
  local i
  for ((i = 0; i < $3 / 1000; i++)); do cat "$FOLDER/thousand"; done
}

type_of() { # type_of COLUMN
  if (($1 % 2)); then echo STRING; else echo BIGINT; fi
}

decoder() { # decoder FORMAT COLUMNS FILE
  awk -v columns="$2" 'BEGIN {
    print "CREATE TABLE LINES ("
    for (i = 0; i < columns; i++) printf "  column_%d %s%s\n", i, i % 2 ? "STRING" : "BIGINT", i < columns - 1 ? "," : ""
  }'
  local used=(0 $(($2 / 3)) $((2 * ($2 / 3))) $(($2 - 1)))
  cat <<SQL
) WITH ('connector' = 'filesystem', 'path' = '$3', 'format' = '$1');
CREATE TABLE NOWHERE (a $(type_of "${used[0]}"), b $(type_of "${used[1]}"), c $(type_of "${used[2]}"), d $(type_of "${used[3]}"))
WITH ('connector' = 'blackhole');
INSERT INTO NOWHERE SELECT column_${used[0]}, column_${used[1]}, column_${used[2]}, column_${used[3]} FROM LINES;
SQL
}

columns() {
  local format count rows bytes none all ns
  for format in json csv; do
    echo "columns of $format lines, of which four are used (one subtask)"
    : >"$FOLDER/columns"
    for count in $COLUMNS_OF; do
      echo "$format, $count columns" >&2
      rows=$((CELLS / count < 2000000 ? CELLS / count : 2000000))
      rows=$((rows / 1000 * 1000))
      : >"$FOLDER/lines.$format"
      { echo "SET 'parallelism.default' = '1';"; decoder "$format" "$count" "$FOLDER/lines.$format"; } >"$FOLDER/decoder.sql"
      none=$(cpu "$FOLDER/decoder.sql")
      lines "$format" "$count" "$rows" >"$FOLDER/lines.$format"
      bytes=$(($(wc -c <"$FOLDER/lines.$format") / rows))
      all=$(cpu "$FOLDER/decoder.sql")
      ns=$(per_row "$all" "$none" "$rows")
      echo "$ns $count $rows $bytes $(awk -v ns="$ns" -v bytes="$bytes" 'BEGIN { printf "%.2f", ns / bytes }')" >>"$FOLDER/columns"
    done
    rm -f "$FOLDER/lines.$format"
    table columns rows 'bytes/row' 'ns/byte' <"$FOLDER/columns"
  done
}

# --- rates and idleness -------------------------------------------------------------------------------------------------------

ticks() { # of processor time that the job has used
  awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/$JOB/stat"
}

begin() { # begin FILE: starts an endless job and waits until starting is over
  "$MILLSTREAM" run -q "$1" >"$FOLDER/log" 2>&1 &
  JOB=$!
  sleep 5
  kill -0 "$JOB" 2>/dev/null || { cat "$FOLDER/log" >&2; die "$1 failed"; }
}

stop() {
  kill -INT "$JOB"
  wait "$JOB" || { cat "$FOLDER/log" >&2; die "a job that was stopped failed"; }
  JOB=''
}

rates() {
  local rate limit from to before began rows seconds second
  second=$(getconf CLK_TCK)
  echo "rows a second from Kafka to Kafka, for $SECONDS_EACH s; what a row takes while little comes is waking up"
  : >"$FOLDER/rates"
  for rate in $RATES; do
    echo "$rate rows a second" >&2
    from=${ID}_from_$rate to=${ID}_to_$rate seconds=$SECONDS_EACH
    case $rate in
      max) limit=1000000000 rows=$TOPIC_ROWS ;;
      *) limit=$rate rows=$((rate * SECONDS_EACH)) ;;
    esac
    topic "$from" 2
    topic "$to" 2
    {
      kafka_table ROWS_IN "$from" "'scan.startup.mode' = 'earliest-offset'"
      kafka_table ROWS_OUT "$to" ''
      echo "INSERT INTO ROWS_OUT SELECT * FROM ROWS_IN WHERE load_percent > 80;"
    } >"$FOLDER/rate.sql"
    begin "$FOLDER/rate.sql"
    before=$(ticks) began=$(date +%s%N)
    fill "$from" "$rows" "$limit"
    [ "$rate" != max ] || seconds=$(awk -v ns=$(($(date +%s%N) - began)) 'BEGIN { print ns / 1e9 }')
    sleep 1
    awk -v ticks=$(($(ticks) - before)) -v second="$second" -v rows="$rows" -v seconds="$seconds" \
      'BEGIN { printf "%.1f %.0f %.2f\n", ticks / second * 1e9 / rows, rows / seconds, 100 * ticks / second / seconds }' >>"$FOLDER/rates"
    stop
    drop "$from"
    drop "$to"
  done
  table rows/s 'CPU %' <"$FOLDER/rates"
}

idle() {
  local client name second before
  second=$(getconf CLK_TCK)
  echo "a job that waits on an empty topic, for $SECONDS_EACH s"
  printf '%12s%12s%12s\n' client 'CPU %' 'RSS MB'
  for client in native librdkafka; do
    name=${ID}_idle_$client
    topic "$name" 2
    {
      kafka_table ROWS_IN "$name" "'scan.startup.mode' = 'earliest-offset', 'scan.client' = '$client'"
      echo "CREATE TABLE NOWHERE (host STRING) WITH ('connector' = 'blackhole'); INSERT INTO NOWHERE SELECT host FROM ROWS_IN;"
    } >"$FOLDER/idle.sql"
    begin "$FOLDER/idle.sql"
    before=$(ticks)
    sleep "$SECONDS_EACH"
    awk -v client="$client" -v ticks=$(($(ticks) - before)) -v second="$second" -v seconds="$SECONDS_EACH" \
      '/^VmRSS/ { printf "%12s%12.2f%12.0f\n", client, 100 * ticks / second / seconds, $2 / 1024 }' "/proc/$JOB/status"
    stop
    drop "$name"
  done
}

for part in $PARTS; do
  case $part in
    keys | partitions | columns | rates | idle) "$part" ;;
    *) die "PARTS: there is no \"$part\"; allowed: keys, partitions, columns, rates, idle" ;;
  esac
done
