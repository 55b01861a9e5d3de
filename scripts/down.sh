#!/bin/sh
# Remove the stack's containers, networks and volumes; images and results stay, those in the volume "results" too,
# which is where a plain `docker compose up` keeps them.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

VOLUMES_WITHIN_S=10

volumes() {
    for each in prometheus grafana; do
        docker volume ls -q --filter "label=com.docker.compose.project=$project" \
            --filter "label=com.docker.compose.volume=$each"
    done
}

# Compose would remove the results, too; and where the engine is still letting go of a volume, docker-compose fails and
# docker compose leaves it without an error.
remove_volumes() {
    tries=$VOLUMES_WITHIN_S
    while left=$(volumes) && [ -n "$left" ]; do
        # shellcheck disable=SC2086 # a name a word
        why=$(docker volume rm $left 2>&1) && break
        [ "$tries" -gt 0 ] || fail "$why"
        tries=$((tries - 1))
        sleep 1
    done
}

need_compose
compose down --remove-orphans
[ -z "$project" ] || remove_volumes
rm -rf -- "$(staging_place)"
