# What the services' users read: the addresses, the environment of the tests, and a millstream.toml that job files run with.

print_addresses() {
  say "  kafka       127.0.0.1:$(kafka_port)"
  say "  postgresql  postgresql://avnadmin@127.0.0.1:$(postgres_port)/defaultdb  (password in $PASSWORD_FILE)"
  say "  opensearch  http://127.0.0.1:$(opensearch_port)"
}

print_environment() {
  say "export MILLSTREAM_TEST_KAFKA=127.0.0.1:$(kafka_port)"
  say "export MILLSTREAM_TEST_POSTGRES=postgresql://avnadmin:$(cat "$PASSWORD_FILE")@127.0.0.1:$(postgres_port)/defaultdb"
  say "export MILLSTREAM_TEST_OPENSEARCH=http://127.0.0.1:$(opensearch_port)"
  [ "$INSTANCE_NAME" = test ] || return 0
  say "export MILLSTREAM_TEST_CERTS=$(certs_dir)"
  say "export MILLSTREAM_TEST_KAFKA_SASL=localhost:$(cat "$(kafka_dir)/sasl-port")"
  say "export MILLSTREAM_TEST_KAFKA_MUTUAL=localhost:$(cat "$(kafka_dir)/mutual-port")"
  say "export MILLSTREAM_TEST_KAFKA_EXPIRED=localhost:$(cat "$(kafka_dir)/expired-port")"
}

# shellcheck disable=SC2016 # the back-ticks are text
TOML_MARK='# Written by `make up`'

# write_toml: the integrations that fill the blank connections of sql/alerting. A file that someone else wrote stays as it is.
write_toml() {
  local file=$ROOT/millstream.toml
  if [ "$INSTANCE_NAME" != demo ]; then
    file=$INSTANCE/millstream.toml
  elif [ -e "$file" ] && ! grep -qF "$TOML_MARK" "$file"; then
    file=$SERVICES_HOME/millstream.toml
    say "  millstream.toml is yours and stays as it is; one for these services is $file (use --config)"
  else
    say "  wrote $file, found when millstream runs in that folder; elsewhere name it with --config"
  fi
  cat >"$file" <<TOML
$TOML_MARK for the services on this machine; written again by the next one. Delete this line to keep your changes.
# A table whose address is blank takes its options from the integration that fits.

[integrations.demo-kafka]
connector = "kafka"
"properties.bootstrap.servers" = "127.0.0.1:$(kafka_port)"
"properties.security.protocol" = "PLAINTEXT"

[integrations.demo-postgresql]
connector = "jdbc"
url = "jdbc:postgresql://127.0.0.1:$(postgres_port)/defaultdb"
username = "avnadmin"
password = "\${file:$PASSWORD_FILE}"

[integrations.demo-opensearch]
connector = "opensearch"
hosts = "http://127.0.0.1:$(opensearch_port)"
TOML
}

# remove_toml: only the one that write_toml has written for these services.
remove_toml() {
  local file=$ROOT/millstream.toml
  if [ -e "$file" ] && grep -qF "$TOML_MARK" "$file" && grep -qF "$PASSWORD_FILE" "$file"; then rm -f "$file"; fi
}

# password_file: made once; letters and digits only, so that it fits into a URL.
make_password() {
  PASSWORD_FILE=$SERVICES_HOME/pg-password
  [ -s "$PASSWORD_FILE" ] || (umask 077; od -An -tx1 -N16 /dev/urandom | tr -d ' \n' >"$PASSWORD_FILE")
}
