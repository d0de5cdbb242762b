# Which Java runs what. Kafka 4 needs 17 or newer; OpenSearch 3 needs 21 or newer; OpenSearch 2.19 runs on 17 and fails on 24.

# jdk_list: "MAJOR PATH-OF-JAVA", one line per Java found: JAVA_HOME, the PATH, and where packages put them.
jdk_list() {
  local home java major
  {
    [ -n "${JAVA_HOME:-}" ] && printf '%s\n' "$JAVA_HOME"
    java=$(command -v java 2>/dev/null) && real_home "$java"
    for home in /usr/lib/jvm/* /opt/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home \
      /opt/homebrew/opt/openjdk* /usr/local/opt/openjdk* "${HOME:-/}"/.sdkman/candidates/java/*; do
      [ -x "$home/bin/java" ] && printf '%s\n' "$home"
    done
  } | while IFS= read -r home; do
    [ -x "$home/bin/java" ] || continue
    major=$(jdk_major "$home")
    [ -n "$major" ] && printf '%s %s\n' "$major" "$home/bin/java"
  done
}

# real_home JAVA: the home of a java on the PATH, following links (readlink -f is missing on old macOS).
real_home() {
  local java=$1 link
  while link=$(readlink "$java"); do
    case $link in /*) java=$link ;; *) java=$(dirname "$java")/$link ;; esac
  done
  (cd "$(dirname "$java")/.." && pwd -P)
}

# jdk_major HOME: 17 for "17.0.15". Reads the release file; asks java itself when there is none (macOS's /usr/bin/java stub: nothing).
jdk_major() {
  local version=''
  [ -r "$1/release" ] && version=$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9][0-9]*\).*/\1/p' "$1/release" | head -n 1)
  [ -n "$version" ] || version=$("$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9][0-9]*\).*/\1/p' | head -n 1)
  printf '%s' "$version"
}

# jdk_pick MIN MAX: the java whose major version is the lowest in the range that the service user may run; fails when there is none.
jdk_pick() {
  local major java
  while read -r major java; do
    if [ "$major" -ge "$1" ] && [ "$major" -le "$2" ] && (as_user test -x "$java") 2>/dev/null; then
      printf '%s\n' "$java"
      return 0
    fi
  done <<LIST
$(jdk_list | sort -n -u)
LIST
  return 1
}
