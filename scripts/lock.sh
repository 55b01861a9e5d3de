#!/bin/sh
# Renew requirements/*.txt from requirements/*.in: development first, the rest at the same versions.
set -eu
. "$(dirname -- "$0")/common.sh"

uv=$PWD/.venv/bin/uv
cd requirements
lock() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header "$@"; }

lock --upgrade dev.in --output-file dev.txt
for name in client target build mutants docs; do
    lock --constraints dev.txt "$name.in" --output-file "$name.txt"
done

# Which wheels they are installed from; fails where one would have to be compiled.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
lock --format pylock.toml client.txt target.txt build.txt --output-file "$scratch/pylock.toml"
../.venv/bin/python ../scripts/wheels.py "$scratch/pylock.toml" >wheels.tsv

lock --upgrade bench.in --output-file bench.txt # in a venv of its own: the peers choose their own versions
