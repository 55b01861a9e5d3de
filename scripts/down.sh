#!/bin/sh
# Remove the stack's containers, networks and volumes; images and results stay.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

need_compose
compose down --volumes --remove-orphans
rm -rf -- "$(staging_place)"
