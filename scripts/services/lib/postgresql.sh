# A PostgreSQL server of the distribution's binaries in a data folder of its own: user avnadmin, database defaultdb, loopback only.

postgres_dir() { printf '%s' "$INSTANCE/postgresql"; }
postgres_mark() { printf '%s' "$(postgres_dir)/data"; }
postgres_alive() { alive "$(postgres_dir)/pid" "$(postgres_mark)"; }
postgres_ready() { "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p "$(postgres_port)"; }
postgres_port() { cat "$(postgres_dir)/port"; }

# postgres_bin: the folder with initdb and postgres, which on Debian is not on the PATH; the newest version wins.
postgres_bin() {
  local dir best='' version best_version=0 initdb
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /opt/homebrew/opt/postgresql/bin; do
    if [ ! -x "$dir/initdb" ] || [ ! -x "$dir/postgres" ]; then continue; fi
    version=$(printf '%s' "$dir" | tr -c '0-9' ' ' | awk '{print $1 + 0}')
    if [ "$version" -ge "$best_version" ]; then best=$dir best_version=$version; fi
  done
  if [ -z "$best" ] && initdb=$(command -v initdb 2>/dev/null); then best=$(dirname "$initdb"); fi
  [ -n "$best" ] && printf '%s\n' "$best"
}

postgres_choose_ports() { postgres_alive || choose_port "$(postgres_dir)/port" "$WANTED_POSTGRES"; }

postgres_start() {
  postgres_alive || postgres_launch
  wait_ready postgresql "$(postgres_dir)" 180 postgres_ready postgres_alive
  if [ "$(postgres_psql -d postgres -Atc "SELECT count(*) FROM pg_database WHERE datname = 'defaultdb'")" = 0 ]; then
    postgres_psql -d postgres -qc 'CREATE DATABASE defaultdb'
  fi
}

postgres_launch() {
  local dir
  dir=$(postgres_dir)
  mkdir -p "$dir"
  own "$dir"
  [ -e "$dir/data/PG_VERSION" ] || postgres_create
  # A server that was killed leaves postmaster.pid behind, and another process may have got its number since.
  if [ -e "$dir/data/postmaster.pid" ] && ! alive "$dir/data/postmaster.pid" "$(postgres_mark)"; then rm -f "$dir/data/postmaster.pid"; fi
  local security=()
  if [ "$INSTANCE_NAME" = test ]; then
    # PostgreSQL wants a key that nobody else can read.
    (umask 077; cp "$(certs_dir)/server.key" "$dir/server.key")
    own "$dir/server.key"
    security=(-c ssl=on -c "ssl_key_file=$dir/server.key" -c "ssl_cert_file=$(certs_dir)/server.pem" -c "ssl_ca_file=$(certs_dir)/ca.pem")
    # millstream comes with a client certificate, tls_only not without TLS, everybody else as they like.
    printf '%s\n' 'hostssl all millstream all cert' 'hostnossl all tls_only all reject' 'host all all all scram-sha-256' >"$dir/pg_hba.conf"
    own "$dir/pg_hba.conf"
    security+=(-c "hba_file=$dir/pg_hba.conf")
  fi
  launch "$dir" "$(postgres_bin)/postgres" -D "$dir/data" -p "$(postgres_port)" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c max_connections=200 -c fsync="$POSTGRES_FSYNC" ${security[@]+"${security[@]}"}
}

# The data folder gets its name when it is whole. The password file exists only meanwhile and only its owner may read it.
postgres_create() {
  local dir bin
  dir=$(postgres_dir) bin=$(postgres_bin)
  rm -rf "$dir/data" "$dir/data.part"
  (umask 077; cp "$PASSWORD_FILE" "$dir/initial-password")
  own "$dir"
  if ! (cd "$dir" && as_user "$bin/initdb" -D "$dir/data.part" -U avnadmin --pwfile="$dir/initial-password" -A scram-sha-256 \
    --encoding=UTF8 --no-locale --no-sync) >"$dir/log" 2>&1; then
    rm -f "$dir/initial-password"
    warn 'postgresql: initdb failed:'
    tail -n 20 "$dir/log" | sed 's/^/  postgresql | /' >&2
    exit 1
  fi
  rm -f "$dir/initial-password"
  mv "$dir/data.part" "$dir/data"
}

# postgres_psql ARG…: psql as avnadmin, on defaultdb unless told otherwise; reads no configuration of the caller.
postgres_psql() {
  PGPASSWORD=$(cat "$PASSWORD_FILE") PGDATABASE=${PGDATABASE:-defaultdb} \
    "$(postgres_bin)/psql" -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(postgres_port)" -U avnadmin "$@"
}

# INT is PostgreSQL's fast shutdown: running transactions are rolled back, the data is flushed.
postgres_stop() { stop_process "$(postgres_dir)/pid" "$(postgres_mark)" "${1:-INT}" 15; }
