# A Kafka broker in KRaft mode: broker and controller in one process. A test's own instance may have a second node, a broker
# alone (KAFKA_NODE=2), or ask for TLS and a password at a second port (KAFKA_SECURED=yes). The shared test instance listens
# with TLS in three ways: for users with a password, for certificates, and with a certificate that has ended.

KAFKA_VERSION=4.1.1
KAFKA_NODE=1
KAFKA_SECURED=''
kafka_dir() { if [ "$KAFKA_NODE" = 1 ]; then printf '%s' "$INSTANCE/kafka"; else printf '%s' "$INSTANCE/kafka$KAFKA_NODE"; fi; }
kafka_mark() { printf '%s' "$(kafka_dir)/server.properties"; }
kafka_alive() { alive "$(kafka_dir)/pid" "$(kafka_mark)"; }
kafka_ready() { grep -q 'Kafka Server started' "$(kafka_dir)/log"; }
kafka_port() { cat "$(kafka_dir)/port"; }
kafka_classpath() { printf '%s' "$SERVICES_HOME/lib/kafka-$KAFKA_VERSION/*"; }

# kafka_tls_listeners: the names of the listeners with TLS.
kafka_tls_listeners() { if [ "$INSTANCE_NAME" = test ]; then say sasl mutual expired; elif [ -n "$KAFKA_SECURED" ]; then say sasl; fi; }

kafka_choose_ports() {
  kafka_alive && return 0
  local listener
  choose_port "$(kafka_dir)/port" "$WANTED_KAFKA"
  [ "$KAFKA_NODE" != 1 ] || choose_port "$(kafka_dir)/controller-port" "$((WANTED_KAFKA + 1))"
  for listener in $(kafka_tls_listeners); do choose_port "$(kafka_dir)/$listener-port" "$((WANTED_KAFKA + 2))"; done
}

# kafka_security: the settings of the listeners with TLS. They are for localhost, the name in the certificates.
kafka_security() {
  local name store trust
  trust=$(certs_dir)/ca.pem
  printf 'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL,EXPIRED:SSL\n'
  for name in $(kafka_tls_listeners); do
    store=$(certs_dir)/server-store.pem
    [ "$name" != expired ] || store=$(certs_dir)/expired-store.pem
    printf 'listener.name.%s.ssl.keystore.type=PEM\nlistener.name.%s.ssl.keystore.location=%s\n' "$name" "$name" "$store"
    printf 'listener.name.%s.ssl.truststore.type=PEM\nlistener.name.%s.ssl.truststore.location=%s\n' "$name" "$name" "$trust"
  done
  cat <<'CONF'
listener.name.mutual.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret";
CONF
}

kafka_start() {
  kafka_alive || kafka_launch
  wait_ready kafka "$(kafka_dir)" 180 kafka_ready kafka_alive
}

# kafka_cluster_id: all nodes of an instance have the first one's. It begins with no dash, or it would be taken for an option.
kafka_cluster_id() {
  local file=$INSTANCE/kafka/cluster-id
  [ -s "$file" ] || head -c 16 /dev/urandom | base64 | tr '+/' '-_' | sed 's/^-/A/' | cut -c1-22 >"$file"
  cat "$file"
}

kafka_launch() {
  local dir java port controller roles listeners advertised name
  dir=$(kafka_dir) java=$(jdk_pick 17 999) port=$(kafka_port) controller=$(cat "$INSTANCE/kafka/controller-port")
  mkdir -p "$dir/data"
  listeners=PLAINTEXT://127.0.0.1:$port roles=broker
  for name in $(kafka_tls_listeners); do
    listeners="$listeners,$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')://127.0.0.1:$(cat "$dir/$name-port")"
  done
  advertised=$(printf '%s' "$listeners" | sed 's|\([A-Z]\)://127.0.0.1|\1://localhost|g; s|PLAINTEXT://localhost|PLAINTEXT://127.0.0.1|')
  # A test may stand between its broker and the clients; before one with TLS, between it and those that come with TLS.
  if [ -n "${MILLSTREAM_OWN_KAFKA_ADVERTISED:-}" ]; then
    if [ -n "$KAFKA_SECURED" ]; then
      advertised=${advertised%%,*},SASL://$MILLSTREAM_OWN_KAFKA_ADVERTISED
    else
      advertised=PLAINTEXT://$MILLSTREAM_OWN_KAFKA_ADVERTISED
    fi
  fi
  [ "$KAFKA_NODE" != 1 ] || roles=broker,controller listeners="$listeners,CONTROLLER://127.0.0.1:$controller"
  # Records are kept whatever their timestamps: event times of long ago would go at the next look of the retention.
  cat >"$dir/server.properties" <<CONF
process.roles=$roles
node.id=$KAFKA_NODE
controller.quorum.voters=1@127.0.0.1:$controller
listeners=$listeners
advertised.listeners=$advertised
controller.listener.names=CONTROLLER
log.dirs=$dir/data
num.partitions=2
auto.create.topics.enable=true
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
CONF
  if [ -n "$(kafka_tls_listeners)" ]; then
    certs_make || return 1
    kafka_security >>"$dir/server.properties"
  fi
  own "$dir"
  if [ ! -e "$dir/data/meta.properties" ]; then
    (cd "$dir" && as_user "$java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(kafka_classpath)" kafka.tools.StorageTool format \
      -t "$(kafka_cluster_id)" -c "$dir/server.properties" \
      --add-scram 'SCRAM-SHA-256=[name=alice,password=alice-secret]' --add-scram 'SCRAM-SHA-512=[name=alice,password=alice-secret]') \
      >"$dir/log" 2>&1 || {
      warn 'kafka: cannot format its storage:'
      tail -n 20 "$dir/log" | sed 's/^/  kafka | /' >&2
      return 1
    }
  fi
  launch "$dir" "$java" -Xms256m -Xmx512m "${KAFKA_JVM[@]}" -Dorg.slf4j.simpleLogger.showDateTime=true \
    -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$(kafka_classpath)" kafka.Kafka "$dir/server.properties"
}

kafka_stop() { stop_process "$(kafka_dir)/pid" "$(kafka_mark)" "${1:-TERM}" 15; }
