# An OpenSearch node without the security plugin, loopback only. For `make up` 3.6.0 where a Java 21 or newer is found, else 2.19.4;
# for tests 2.19.4 where a Java can run it, for it starts in half the time with half the memory.
#
# MILLSTREAM_OPENSEARCH_SETTINGS holds more lines for opensearch.yml, such as a queue that is soon full.
#
# With OPENSEARCH_SECURED=yes a node of 2.19.4 with the plugin: TLS as certs.sh gives it, and two users, "millstream" (password
# "millstream-secret", may do all) and "reader" (password "reader-secret", may only read indexes whose names begin with "readable").

OPENSEARCH_SECURED=''
opensearch_dir() { printf '%s' "$INSTANCE/opensearch${OPENSEARCH_SECURED:+-secured}"; }
opensearch_mark() { printf '%s' "-Dopensearch.path.conf=$(opensearch_dir)/config"; }
opensearch_alive() { alive "$(opensearch_dir)/pid" "$(opensearch_mark)"; }
opensearch_port() { cat "$(opensearch_dir)/port"; }
opensearch_ready() {
  if [ -n "$OPENSEARCH_SECURED" ]; then
    grep -q "Node 'millstream' initialized" "$(opensearch_dir)/log"
    return
  fi
  port_open "$(opensearch_port)" && http_get 127.0.0.1 "$(opensearch_port)" '/_cluster/health?wait_for_status=yellow&timeout=1s' | grep -q '"timed_out":false'
}

# opensearch_version: MILLSTREAM_OPENSEARCH=2 or 3 forces one; a data folder stays with the major version that wrote it.
opensearch_version() {
  local choice=${MILLSTREAM_OPENSEARCH:-}
  [ -z "$OPENSEARCH_SECURED" ] || choice=2
  [ -z "$choice" ] && [ -s "$INSTANCE/opensearch/version" ] && choice=$(cat "$INSTANCE/opensearch/version")
  case $choice in
    2*) say 2.19.4 ;;
    3*) say 3.6.0 ;;
    *)
      if [ "$INSTANCE_NAME" != demo ] && jdk_pick 11 23 >/dev/null; then
        say 2.19.4
      elif jdk_pick 21 999 >/dev/null; then
        say 3.6.0
      else
        say 2.19.4
      fi
      ;;
  esac
}

opensearch_choose_ports() {
  opensearch_alive && return 0
  choose_port "$(opensearch_dir)/port" "$WANTED_OPENSEARCH"
  choose_port "$(opensearch_dir)/transport-port" "$((WANTED_OPENSEARCH + 100))"
}

opensearch_start() {
  opensearch_alive || opensearch_launch
  wait_ready opensearch "$(opensearch_dir)" 180 opensearch_ready opensearch_alive
}

opensearch_launch() {
  local dir version home java flags
  dir=$(opensearch_dir) version=$(opensearch_version)
  home=$(dirname "$(find "$SERVICES_HOME/lib/opensearch${OPENSEARCH_SECURED:+-secured}-$version" -maxdepth 2 -name modules -type d | head -n 1)")
  case $version in
    2*)
      java=$(jdk_pick 11 23) || die 'opensearch 2.19.4 needs a Java between 11 and 23'
      flags=(-Djava.security.manager=allow)
      ;;
    *)
      java=$(jdk_pick 21 999) || die 'opensearch 3.6.0 needs Java 21 or newer'
      flags=("-javaagent:$home/agent/opensearch-agent.jar" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED)
      ;;
  esac
  mkdir -p "$dir/config" "$dir/data" "$dir/logs" "$dir/tmp"
  printf '%s\n' "$version" >"$dir/version"
  opensearch_configure
  [ -z "$OPENSEARCH_SECURED" ] || opensearch_secure "$home/plugins/opensearch-security/config"
  own "$dir"
  launch "$dir" "$java" -Xms512m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${flags[@]}" "-Dopensearch.path.home=$home" \
    "$(opensearch_mark)" -Dopensearch.distribution.type=zip -Dopensearch.bundled_jdk=false "-Djava.io.tmpdir=$dir/tmp" \
    -Djna.nosys=true -cp "$home/lib/*" org.opensearch.bootstrap.OpenSearch
}

opensearch_configure() {
  local dir
  dir=$(opensearch_dir)
  cat >"$dir/config/opensearch.yml" <<CONF
cluster.name: millstream
node.name: millstream
discovery.type: single-node
network.host: 127.0.0.1
http.port: $(opensearch_port)
transport.port: $(cat "$dir/transport-port")
path.data: "$dir/data"
path.logs: "$dir/logs"
cluster.routing.allocation.disk.threshold_enabled: false
${MILLSTREAM_OPENSEARCH_SETTINGS:-}
CONF
  cat >"$dir/config/log4j2.properties" <<'CONF'
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1.} %marker%m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
CONF
}

# opensearch_secure CONFIG-OF-THE-PLUGIN: who may what, and TLS on both ports. The certificates must lie in the node's own folder.
opensearch_secure() {
  local dir users name
  dir=$(opensearch_dir) users=$(opensearch_dir)/config/opensearch-security
  certs_make || return 1
  mkdir -p "$users"
  for name in ca.pem server.pem server.key; do cp "$(certs_dir)/$name" "$dir/config/$name"; done
  for name in "$1"/*.yml; do cp "$name" "$users/"; done
  cat >>"$dir/config/opensearch.yml" <<'CONF'
plugins.security.ssl.transport.pemcert_filepath: server.pem
plugins.security.ssl.transport.pemkey_filepath: server.key
plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.pemcert_filepath: server.pem
plugins.security.ssl.http.pemkey_filepath: server.key
plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem
plugins.security.nodes_dn: ["CN=localhost"]
plugins.security.allow_default_init_securityindex: true
CONF
  cat >"$users/internal_users.yml" <<'CONF'
_meta: {type: internalusers, config_version: 2}
millstream:
  hash: "$2y$12$/O5WD7jPbSyNTNV9NlcVAeaX9O0cDzN3vgSwgowkvO4jVvai1ifdW"
  backend_roles: [admin]
reader:
  hash: "$2y$12$MBytOif24civmuBcPGjzW.ZCwsq8c93AJW5l4M7BsD6rNbbmExeqi"
CONF
  cat >"$users/roles.yml" <<'CONF'
_meta: {type: roles, config_version: 2}
millstream_reader:
  cluster_permissions: ["cluster_composite_ops", "indices:data/read/scroll", "indices:data/read/scroll/clear"]
  index_permissions:
    - index_patterns: ["readable*"]
      allowed_actions: [read]
CONF
  cat >"$users/roles_mapping.yml" <<'CONF'
_meta: {type: rolesmapping, config_version: 2}
all_access:
  backend_roles: [admin]
millstream_reader:
  users: [reader]
CONF
}

opensearch_stop() { stop_process "$(opensearch_dir)/pid" "$(opensearch_mark)" "${1:-TERM}" 15; }
