#!/bin/sh
# Remove the stack's containers, networks and volumes; images and results stay.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

VOLUMES_WITHIN_S=10

volumes_left() { [ -z "$project" ] || docker volume ls -q --filter "label=com.docker.compose.project=$project"; }

need_compose

# The engine may still be letting go of a removed container. docker-compose then fails on its volumes, and
# docker compose leaves them without an error.
tries=$VOLUMES_WITHIN_S
until compose down --volumes --remove-orphans && [ -z "$(volumes_left)" ]; do
    left=$(volumes_left)
    [ -n "$left" ] || exit 1 # compose has said why
    # shellcheck disable=SC2086 # a name a word
    [ "$tries" -gt 0 ] || fail "Still in use by another container, and so not removed: volume" $left
    tries=$((tries - 1))
    sleep 1
done

rm -rf -- "$(staging_place)"
