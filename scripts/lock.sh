#!/bin/sh
# Renew requirements/*.txt from requirements/*.in: development first, the rest at the same versions.
set -eu
. "$(dirname -- "$0")/common.sh"

uv=$PWD/.venv/bin/uv
cd requirements
lock() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header "$@"; }

lock --upgrade dev.in --output-file dev.txt
for name in client target build; do
    lock --constraints dev.txt "$name.in" --output-file "$name.txt"
done
lock --upgrade bench.in --output-file bench.txt # in a venv of its own: the peers choose their own versions
