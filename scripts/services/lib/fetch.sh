# What is missing on this machine, and how the services' files come into SERVICES_HOME/lib (Maven Central, checksums enforced).

# require_tools: one line with the one command that installs everything missing. Never runs it.
require_tools() {
  local missing=''
  jdk_pick 17 999 >/dev/null || missing="$missing java"
  { [ -d "$SERVICES_HOME/lib/kafka-$KAFKA_VERSION" ] && [ -d "$SERVICES_HOME/lib/opensearch-$(opensearch_version)" ]; } || have mvn || missing="$missing maven"
  postgres_bin >/dev/null || missing="$missing postgresql"
  [ "$INSTANCE_NAME" = demo ] || have openssl || missing="$missing openssl"
  [ -n "$missing" ] || return 0
  warn "error: the services need$missing, which this machine lacks (or a running Docker)"
  warn "  Install with:  $(install_command "$missing")"
  exit 1
}

install_command() {
  local word packages=''
  if have apt-get; then
    for word in $1; do
      case $word in java) packages="$packages default-jre-headless" ;; *) packages="$packages $word" ;; esac
    done
    if is_root; then say "apt-get install -y$packages"; else say "sudo apt-get install -y$packages"; fi
  elif have brew; then
    for word in $1; do
      case $word in java) packages="$packages openjdk@21" ;; postgresql) packages="$packages postgresql@17" ;; *) packages="$packages $word" ;; esac
    done
    say "brew install$packages"
  else
    say "your package manager:$1 (Java 17 or newer, PostgreSQL 14 or newer with initdb)"
  fi
}

# fetch NAME GOAL ARG…: runs Maven into lib/NAME.part and renames it when it is whole.
fetch() {
  local name=$1 pom=$2 start=$SECONDS target
  shift 2
  target=$SERVICES_HOME/lib/$name
  [ -d "$target" ] && return 0
  say "$name … fetching (once)"
  rm -rf "$target.part"
  mkdir -p "$target.part"
  if ! (umask 022; mvn -q -B -C -f "$HERE/maven/$pom" "$@" -Dout="$target.part" -DoutputDirectory="$target.part") >"$SERVICES_HOME/lib/$name.log" 2>&1; then
    warn "error: cannot fetch $name with Maven:"
    tail -n 20 "$SERVICES_HOME/lib/$name.log" | sed 's/^/  mvn | /' >&2
    return 1
  fi
  chmod -R a+rX "$target.part"
  mv "$target.part" "$target"
  say "$name … fetched in $((SECONDS - start)) s"
}

fetch_all() {
  (umask 022; mkdir -p "$SERVICES_HOME/lib")
  fetch "kafka-$KAFKA_VERSION" kafka.xml dependency:copy-dependencies -DincludeScope=runtime
  fetch "opensearch-$(opensearch_version)" opensearch.xml dependency:unpack "-Dopensearch.version=$(opensearch_version)"
  [ "$INSTANCE_NAME" = demo ] || ! jdk_pick 11 23 >/dev/null || fetch_secured
}

# fetch_secured: the node that tests of TLS and passwords start, with its plugin already in its place.
fetch_secured() {
  (umask 022; mkdir -p "$SERVICES_HOME/lib")
  fetch opensearch-secured-2.19.4 opensearch-secured.xml dependency:unpack
}
