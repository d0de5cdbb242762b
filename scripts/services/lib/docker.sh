# The same three services as containers, by docker/compose.yml. Chosen where a Docker daemon answers and MILLSTREAM_SERVICES isn't "local".

docker_answers() { have docker && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

docker_compose() {
  docker compose -p "millstream-$INSTANCE_NAME-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)" \
    --env-file "$INSTANCE/compose.env" -f "$ROOT/docker/compose.yml" "$@"
}

docker_running() { [ -s "$INSTANCE/compose.env" ] && [ -n "$(docker_compose ps --status running -q "$1" 2>/dev/null)" ]; }

docker_up() {
  local start=$SECONDS
  docker_running kafka || choose_port "$(kafka_dir)/port" "$WANTED_KAFKA"
  docker_running postgresql || choose_port "$(postgres_dir)/port" "$WANTED_POSTGRES"
  docker_running opensearch || choose_port "$(opensearch_dir)/port" "$WANTED_OPENSEARCH"
  (
    umask 077
    cat >"$INSTANCE/compose.env" <<ENV
KAFKA_PORT=$(kafka_port)
POSTGRES_PORT=$(postgres_port)
OPENSEARCH_PORT=$(opensearch_port)
POSTGRES_PASSWORD=$(cat "$PASSWORD_FILE")
ENV
  )
  say 'kafka, postgresql, opensearch … starting in Docker (the first time fetches about 1.5 GB of images)'
  docker_compose up -d --wait --wait-timeout 180 kafka postgresql opensearch || {
    docker_compose logs --tail 30 >&2
    return 1
  }
  say "kafka, postgresql, opensearch … ready in $((SECONDS - start)) s"
}

# docker_down: a test instance's data goes with its containers.
docker_down() {
  [ -s "$INSTANCE/compose.env" ] || return 0
  if [ "$INSTANCE_NAME" = demo ]; then docker_compose down; else docker_compose down -v; fi
}

docker_psql() { docker_compose exec -T postgresql psql -X -v ON_ERROR_STOP=1 -U avnadmin -d defaultdb "$@"; }
