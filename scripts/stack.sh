#!/bin/sh
# A compose command on this checkout's stack, with the compose that `make up` uses:  stack.sh ps
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

need_compose
choose_project
case $1 in
logs) compose "$@" 2>&1 | plain ;; # containers write them, and an app is one
*) compose "$@" ;;
esac
