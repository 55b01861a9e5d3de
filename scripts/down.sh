#!/bin/sh
# Remove the stack's containers, networks and volumes; images and results stay, those in the volume "results" too,
# which is where a plain `docker compose up` keeps them.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

networks() { docker network ls -q --filter "label=com.docker.compose.project=$1"; }

staging=$(staging_place)
need_compose
choose_project
name=${project:-$(project_name)}
if [ -n "$project$(networks "$name")$(volumes "$name")" ]; then
    compose down --remove-orphans
    remove_volumes "$name"
else
    say "There is no stack '$name' to remove."
fi
staging=$(staging_place) # of the project that was chosen
rm -rf -- "$staging"
