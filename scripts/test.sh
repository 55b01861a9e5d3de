#!/bin/sh
# Run the tests that a marker expression chooses:  test.sh EXPRESSION [ARGUMENTS OF PYTEST].
# Those that compare times go first and alone, then the others, several at once. An empty expression is every test.
set -u
. "$(dirname -- "$0")/common.sh"

chosen=${1:+($1) and }
shift
unset PYTHONDONTWRITEBYTECODE # each of several processes would compile every test anew
NONE_FOUND=5
status=$NONE_FOUND # a part may have nothing to do (ARGS="-k pool"); not all of them

part() {
    markers=$1
    shift
    .venv/bin/python -m pytest -m "$chosen$markers" "$@"
    ended=$?
    case $ended in
    "$NONE_FOUND") ;;
    0) [ "$status" -ne "$NONE_FOUND" ] || status=0 ;;
    *)
        warn "Of the tests that are $markers some failed (see above)."
        status=$ended
        ;;
    esac
}

part 'timed' "$@"
part 'not timed' -n auto --dist loadgroup "$@"
exit "$status"
