#!/usr/bin/env bash
# Runs the statements of a SQL file on a Flink of your own, all of it within one process, and ends when its jobs do: to stand beside Millstream.
#
#   FLINK_HOME=path/to/flink-2.2.1 OTHER='benches/with_flink.sh {file}' make bench-kafka
#
# FLINK_HOME is an unpacked distribution of Flink (https://flink.apache.org/downloads); Java 17 or 21 is needed, found by JAVA_HOME or as `java`.
# FLINK_JARS (FLINK_HOME/lib) is a folder with the connectors that the file names. The tutorial's jobs take flink-sql-connector-kafka,
# flink-connector-jdbc-core, flink-connector-jdbc-postgres and PostgreSQL's driver, in the versions for this Flink.
# PARALLELISM (2) is 'parallelism.default', OBJECT_REUSE (true) 'pipeline.object-reuse', HEAP (2g) the most memory of Java's heap.
# The SQL client runs each job in a cluster within its own process ('execution.target' = 'local') and waits for it ('table.dml-sync').
set -euo pipefail
die() { echo "$*" >&2; exit 1; }
[ $# -eq 1 ] || die "usage: FLINK_HOME=path/to/flink benches/with_flink.sh FILE"
: "${FLINK_HOME:?an unpacked distribution of Flink, from https://flink.apache.org/downloads}"
JARS=${FLINK_JARS:-$FLINK_HOME/lib}
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java
command -v "$JAVA" >/dev/null || die "no $JAVA: Flink 2.2 needs Java 17 or 21"
client=$(find "$FLINK_HOME/opt" -name 'flink-sql-client-*.jar' 2>/dev/null | head -n 1)
[ -n "$client" ] || die "$FLINK_HOME has no opt/flink-sql-client-*.jar: it is no distribution of Flink"

folder=$(mktemp -d) flink=''
# Whoever ends this ends Flink.
trap '[ -z "$flink" ] || kill -KILL "$flink" 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cat >"$folder/config.yaml" <<YAML
execution.target: local
parallelism.default: ${PARALLELISM:-2}
taskmanager.numberOfTaskSlots: ${PARALLELISM:-2}
pipeline.object-reuse: ${OBJECT_REUSE:-true}
table.dml-sync: true
sql-client.execution.result-mode: tableau
YAML
echo 'rootLogger.level = OFF' >"$folder/log4j2.properties"
opens=()
for package in java.util java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks java.lang java.lang.reflect java.net java.text java.time; do
  opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done
status=0
FLINK_CONF_DIR=$folder "$JAVA" "-Xmx${HEAP:-2g}" "${opens[@]}" "-Dlog4j.configurationFile=$folder/log4j2.properties" \
  -cp "$FLINK_HOME/lib/*:$JARS/*:$FLINK_HOME/opt/*" org.apache.flink.table.client.SqlClient -f "$1" >"$folder/out" 2>&1 &
flink=$!
wait "$flink" || status=$?
flink=''
# What failed is said in words; the log would also have what the client tries of statements that go on in the next line.
if [ $status -ne 0 ] || grep -qF '[ERROR]' "$folder/out"; then
  cat "$folder/out" >&2
  exit 1
fi
