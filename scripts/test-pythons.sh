#!/bin/sh
# Run the unit tests, and each scenario once, on every Python that pyproject.toml names:
#     test-pythons.sh [3.14 …]               (all of them, if none is named)
# Each has an image of its own, made from the Debian suite that packages it. Exit code 1 where something failed.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

# What is tested, as an archive: .dockerignore keeps all of that but the lab itself from a build in this folder.
tracked_files() { git ls-files -z | grep -zvxF .dockerignore | tar --create --null --files-from=- --ignore-failed-read; }

need_engine
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2046 # a version a word
[ $# -gt 0 ] || set -- $(tested_pythons)
failed=0
for python in "$@"; do
    base=$(test_base "$python")
    have_image "$base" || ./scripts/images.sh "python$python"
    say "Installing what is locked for Python $python …"
    tests=concurrency-lab/tests:$python
    if ! tracked_files | docker build --tag "$tests" --build-arg "PYTHON_IMAGE=$base" \
        --build-arg "PYTHON=python$python" --file scripts/test-pythons.Dockerfile - >"$scratch/build" 2>&1; then
        tail -n 25 "$scratch/build" >&2
        warn "The image for Python $python could not be built (its last lines are above)."
        printf '%s\timage\tFAILED\n' "$python" >>"$scratch/lines"
        failed=1
        continue
    fi
    docker run --rm --init "$tests" >"$scratch/$python" &
    tail --pid $! -n +1 -f "$scratch/$python"
    wait $! || failed=1
    cat "$scratch/$python" >>"$scratch/lines"
done

# A row for each thing that was run, a column for each Python.
say ""
awk -F '\t' -v pythons="$*" '
    NF >= 3 { if (!($2 in seen)) order[++rows] = $2; seen[$2]; outcome[$2, $1] = $3 }
    END {
        columns = split(pythons, python, " ")
        printf "%-26s", ""
        for (column = 1; column <= columns; column++) printf "%-10s", python[column]
        print ""
        for (row = 1; row <= rows; row++) {
            printf "%-26s", order[row]
            for (column = 1; column <= columns; column++) {
                key = order[row] SUBSEP python[column]
                printf "%-10s", key in outcome ? outcome[key] : "-"
            }
            print ""
        }
    }' "$scratch/lines"
exit "$failed"
