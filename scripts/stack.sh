#!/bin/sh
# A compose command on this checkout's stack, with the compose that `make up` uses:  stack.sh ps
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

need_compose
choose_project
compose "$@"
