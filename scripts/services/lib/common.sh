# Words, ports, processes and HTTP that every service script shares. Sourced by ctl; works with bash 3.2 (macOS) and newer.

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() { warn "error: $1"; shift; while [ $# -gt 0 ]; do warn "  $1"; shift; done; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# --- who runs the services, and where ---------------------------------------------------------------------------------

# PostgreSQL and OpenSearch refuse to run as root, so root hands all services to an unprivileged user.
# RUN_USER is empty when we are a normal user already.
choose_user() {
  RUN_USER=''
  is_root || return 0
  local user
  for user in postgres nobody; do
    if id "$user" >/dev/null 2>&1; then RUN_USER=$user; return 0; fi
  done
  die 'no unprivileged user to run the services as (looked for postgres and nobody)'
}

# as_user CMD…: replaces this (sub)shell by CMD under the service user, so that a background job's pid is CMD's pid.
as_user() {
  if [ -z "$RUN_USER" ]; then exec "$@"; fi
  if have setpriv; then exec setpriv --reuid="$(id -u "$RUN_USER")" --regid="$(id -g "$RUN_USER")" --clear-groups -- "$@"; fi
  if have runuser; then exec runuser -u "$RUN_USER" -- "$@"; fi
  # shellcheck disable=SC2016 # for the inner shell
  exec su -m "$RUN_USER" -s /bin/sh -c 'exec "$0" "$@"' -- "$@"
}

# own PATH…: the service user may write there.
own() { if [ -n "$RUN_USER" ]; then chown -R "$RUN_USER" "$@"; fi; }

# choose_home: SERVICES_HOME is the folder everything is installed into and runs in: .services of the project, or, where the
# service user can't reach that (a clone under /root), a folder of root's under /var/tmp.
choose_home() {
  SERVICES_HOME=${MILLSTREAM_SERVICES_HOME:-$ROOT/.services}
  (umask 022; mkdir -p "$SERVICES_HOME") || die "cannot create $SERVICES_HOME"
  SERVICES_HOME=$(cd "$SERVICES_HOME" && pwd -P)
  [ -w "$SERVICES_HOME" ] || die "cannot write to $SERVICES_HOME" 'It belongs to another user; remove it, or set MILLSTREAM_SERVICES_HOME to a folder of your own.'
  if [ -n "$RUN_USER" ] && ! (as_user test -x "$SERVICES_HOME") 2>/dev/null; then
    SERVICES_HOME=/var/tmp/millstream-services-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
    [ -d "$SERVICES_HOME" ] || mkdir -m 755 "$SERVICES_HOME" || die "cannot create $SERVICES_HOME"
    if [ -L "$SERVICES_HOME" ] || [ ! -O "$SERVICES_HOME" ]; then
      die "$SERVICES_HOME belongs to another user" 'Set MILLSTREAM_SERVICES_HOME to a folder that the service user can reach.'
    fi
  fi
}

# --- ports ------------------------------------------------------------------------------------------------------------

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port FILE WANTED: writes into FILE the port it remembers if that is free, else WANTED, else WANTED in steps of 1000, else any.
# Ports chosen earlier in this run, not yet listened on, are in PORTS_CHOSEN. All below the range that systems give to clients.
PORTS_CHOSEN=' '
choose_port() {
  local file=$1 wanted=$2 candidate remembered=''
  [ ! -s "$file" ] || remembered=$(cat "$file")
  for candidate in $remembered "$wanted" $(seq $((wanted % 1000 + 10000)) 1000 31999) $(seq 20000 32000); do
    case $PORTS_CHOSEN in *" $candidate "*) continue ;; esac
    if ! port_open "$candidate"; then
      PORTS_CHOSEN="$PORTS_CHOSEN$candidate "
      mkdir -p "$(dirname "$file")"
      printf '%s\n' "$candidate" >"$file"
      return 0
    fi
  done
  die "no free port near $wanted"
}

# --- processes --------------------------------------------------------------------------------------------------------

# alive PIDFILE MARK: the process named in PIDFILE's first line exists, is not a zombie, and MARK stands in its command line (pids are reused).
alive() {
  local pid command
  pid=$(head -n 1 "$1" 2>/dev/null) || return 1
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  if [ -r "/proc/$pid/stat" ]; then
    case $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) in
      # A zombie with more than one thread is still ending and may hold its port; one without is only waiting to be counted.
      Z*) [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -gt 1 ]; return ;;
      X* | '') return 1 ;;
    esac
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  elif [ -d /proc/self ]; then
    return 1
  else
    case $(ps -o state= -p "$pid" 2>/dev/null) in Z* | '') return 1 ;; esac
    command=$(ps -ww -o command= -p "$pid" 2>/dev/null) || return 1
  fi
  case $command in *"$2"*) return 0 ;; *) return 1 ;; esac
}

# launch DIR CMD…: starts CMD as the service user in a process group of its own (Ctrl-C in the terminal does not reach it),
# working in DIR, its output in DIR/log, its pid in DIR/pid.
launch() {
  local dir=$1
  shift
  [ -s "$dir/log" ] && mv -f "$dir/log" "$dir/log.old"
  set -m
  (
    cd "$dir" || exit 1
    exec </dev/null >log 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    trap '' HUP
    as_user "$@"
  ) &
  printf '%s\n' "$!" >"$dir/pid"
  set +m
}

# launching DIR: true while what `launch` started there is still there, though perhaps not yet under its own name.
launching() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

# stop_process PIDFILE MARK SIGNAL SECONDS: SIGNAL, and KILL when that was not enough. Returns when the process is gone.
stop_process() {
  local pidfile=$1 mark=$2 signal=$3 patience=$(($4 * 10)) pid
  if alive "$pidfile" "$mark"; then
    pid=$(cat "$pidfile")
    kill "-$signal" "$pid" 2>/dev/null || true
    while alive "$pidfile" "$mark"; do
      patience=$((patience - 1))
      if [ "$patience" -le 0 ]; then
        kill -KILL "$pid" 2>/dev/null || true
        patience=50
      fi
      sleep 0.1
    done
  fi
  rm -f "$pidfile"
}

# --- waiting ----------------------------------------------------------------------------------------------------------

# wait_ready NAME DIR SECONDS PROBE ALIVE: polls PROBE; says how long it took; fails with the log's end when ALIVE fails first.
wait_ready() {
  local name=$1 dir=$2 limit=$3 probe=$4 living=$5 start=$SECONDS told=0 elapsed
  until "$probe" 2>/dev/null; do
    elapsed=$((SECONDS - start))
    if ! "$living" && ! launching "$dir"; then
      warn "$name: stopped while starting. The end of $dir/log:"
      tail -n 30 "$dir/log" 2>/dev/null | sed "s/^/  $name | /" >&2
      return 1
    fi
    if [ "$elapsed" -ge "$limit" ]; then
      warn "$name: not ready after $limit s. The end of $dir/log:"
      tail -n 30 "$dir/log" 2>/dev/null | sed "s/^/  $name | /" >&2
      return 1
    fi
    if [ $((elapsed - told)) -ge 15 ]; then
      told=$elapsed
      say "$name … still starting after $elapsed s"
    fi
    sleep 0.2
  done
  say "$name … ready in $((SECONDS - start)) s"
}

# http_get HOST PORT PATH: prints the response; needs no curl. Gives up after five seconds without a byte.
http_get() {
  (
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf 'GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n' "$3" "$1" "$2" >&3
    local line='' status=1
    while IFS= read -r -t 5 line <&3 || [ -n "$line" ]; do
      printf '%s\n' "$line"
      line='' status=0
    done
    exit "$status"
  ) 2>/dev/null
}

# --- locks ------------------------------------------------------------------------------------------------------------

# lock NAME: one process at a time; waits for the holder and takes over from one that died. Released by unlock (or the EXIT trap).
LOCK=''
lock() {
  local dir=$SERVICES_HOME/$1.lock told=''
  until mkdir "$dir" 2>/dev/null; do
    if [ -e "$dir/pid" ] && ! alive "$dir/pid" ctl; then
      rm -rf "$dir"
    else
      [ -n "$told" ] || say "waiting for another $1 command (pid $(cat "$dir/pid" 2>/dev/null || say '?')) …"
      told=1
      sleep 0.5
    fi
  done
  printf '%s\n' "$$" >"$dir/pid"
  LOCK=$dir
}
unlock() { if [ -n "$LOCK" ]; then rm -rf "$LOCK"; LOCK=''; fi; }
