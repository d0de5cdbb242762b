# A service that a test has for itself: to stop, kill, freeze and start again while a job runs. Always local processes.
#
#   ctl own NAME up SERVICE        start it, again after a kill with the same port and data; prints its environment
#   ctl own NAME stop SERVICE      ask it to end, and wait
#   ctl own NAME kill SERVICE      kill -9
#   ctl own NAME freeze SERVICE    SIGSTOP: connections stay open and nobody answers
#   ctl own NAME thaw SERVICE      SIGCONT
#   ctl own NAME down              kill all of this name and delete their data
#
# SERVICE is kafka, kafka2 (a second broker of the same cluster), kafka-secured (a broker with a second port for TLS and a
# password, printed behind the first), postgresql, opensearch or opensearch-secured (TLS and users). `ctl with` ends them all
# with it.

own_command() {
  [ $# -ge 2 ] || die 'own needs a name and an action' 'For example:  ctl own outage up kafka'
  use_instance "own-$1"
  local action=$2 service=${3:-}
  shift 2
  if [ "$action" = down ]; then own_down; return 0; fi
  case $service in
    kafka) KAFKA_NODE=1 ;;
    kafka2) KAFKA_NODE=2 service=kafka ;;
    kafka-secured) KAFKA_SECURED=yes service=kafka ;;
    postgresql) service=postgres ;;
    opensearch) ;;
    opensearch-secured) OPENSEARCH_SECURED=yes service=opensearch ;;
    *) die "there is no service \"$service\"" 'Allowed: kafka, kafka2, kafka-secured, postgresql, opensearch, opensearch-secured.' ;;
  esac
  case $action in
    up) own_up "$service" ;;
    stop) "${service}_stop" ;;
    kill) own_kill "$service" ;;
    freeze) own_signal "$service" STOP ;;
    thaw) own_signal "$service" CONT ;;
    *) die "there is no action \"$action\"" 'Allowed: up, stop, kill, freeze, thaw, down.' ;;
  esac
}

# own_up SERVICE: what it has to say goes to stderr; stdout is for the environment.
own_up() {
  (umask 022; mkdir -p "$INSTANCE")
  printf 'local\n' >"$INSTANCE/mode"
  {
    require_tools
    [ -z "$OPENSEARCH_SECURED" ] || fetch_secured
    own_port_known "$1" || "${1}_choose_ports"
    "${1}_start"
  } >&2
  case $1 in
    kafka) say "127.0.0.1:$(kafka_port)${KAFKA_SECURED:+ localhost:$(cat "$(kafka_dir)/sasl-port")}" ;;
    postgres) say "postgresql://avnadmin:$(cat "$PASSWORD_FILE")@127.0.0.1:$(postgres_port)/defaultdb" ;;
    opensearch) if [ -n "$OPENSEARCH_SECURED" ]; then say "https://localhost:$(opensearch_port)"; else say "http://127.0.0.1:$(opensearch_port)"; fi ;;
  esac
}

# own_port_known SERVICE: a service that comes back has the port its clients know.
own_port_known() { [ -s "$("${1}_dir")/port" ]; }

# own_kill SERVICE: the processes of PostgreSQL's connections, too: they would keep its memory, and with it the next server away.
own_kill() {
  local children=''
  [ "$1" != postgres ] || children=$(pgrep -P "$(cat "$(postgres_dir)/pid")" | tr '\n' ' ') || true
  "${1}_stop" KILL
  # shellcheck disable=SC2086 # several numbers
  [ -z "$children" ] || kill -KILL $children 2>/dev/null || true
}

own_signal() { # own_signal SERVICE SIGNAL
  "${1}_alive" || die "$1 of this name is not running"
  kill "-$2" "$(cat "$("${1}_dir")/pid")"
  # The whole of PostgreSQL: the server and the process of each connection.
  if [ "$1" = postgres ]; then pkill "-$2" -P "$(cat "$("${1}_dir")/pid")" || true; fi
}

own_down() {
  opensearch_stop KILL & postgres_stop QUIT & kafka_stop KILL & (KAFKA_NODE=2; kafka_stop KILL) & (OPENSEARCH_SECURED=yes; opensearch_stop KILL) & wait
  rm -rf "$INSTANCE"
}

own_down_all() {
  local dir
  for dir in "$SERVICES_HOME"/own-*; do
    [ -d "$dir" ] || continue
    use_instance "$(basename "$dir")"
    own_down
  done
}
