# A Kafka broker in KRaft mode, one node: broker and controller in one process.

KAFKA_VERSION=4.1.1
kafka_dir() { printf '%s' "$INSTANCE/kafka"; }
kafka_mark() { printf '%s' "$(kafka_dir)/server.properties"; }
kafka_alive() { alive "$(kafka_dir)/pid" "$(kafka_mark)"; }
kafka_ready() { grep -q 'Kafka Server started' "$(kafka_dir)/log"; }
kafka_port() { cat "$(kafka_dir)/port"; }
kafka_classpath() { printf '%s' "$SERVICES_HOME/lib/kafka-$KAFKA_VERSION/*"; }

kafka_choose_ports() {
  kafka_alive && return 0
  choose_port "$(kafka_dir)/port" "$WANTED_KAFKA"
  choose_port "$(kafka_dir)/controller-port" "$((WANTED_KAFKA + 1))"
}

kafka_start() {
  kafka_alive || kafka_launch
  wait_ready kafka "$(kafka_dir)" 180 kafka_ready kafka_alive
}

kafka_launch() {
  local dir java port controller
  dir=$(kafka_dir) java=$(jdk_pick 17 999) port=$(kafka_port) controller=$(cat "$dir/controller-port")
  mkdir -p "$dir/data"
  cat >"$dir/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$dir/data
num.partitions=2
auto.create.topics.enable=true
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
CONF
  own "$dir"
  if [ ! -e "$dir/data/meta.properties" ]; then
    (cd "$dir" && as_user "$java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(kafka_classpath)" kafka.tools.StorageTool format \
      -t "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)" -c "$dir/server.properties") >"$dir/log" 2>&1 || {
      warn 'kafka: cannot format its storage:'
      tail -n 20 "$dir/log" | sed 's/^/  kafka | /' >&2
      return 1
    }
  fi
  launch "$dir" "$java" -Xms256m -Xmx512m "${KAFKA_JVM[@]}" -Dorg.slf4j.simpleLogger.showDateTime=true \
    -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$(kafka_classpath)" kafka.Kafka "$dir/server.properties"
}

kafka_stop() { stop_process "$(kafka_dir)/pid" "$(kafka_mark)" "${1:-TERM}" 15; }
