#!/bin/sh
# Run the tests that a marker expression chooses:  test.sh EXPRESSION [ARGUMENTS OF PYTEST].
# Those that compare times go first and alone; then the others, several at once. An empty expression is every test.
set -u
. "$(dirname -- "$0")/common.sh"

chosen=${1:+($1) and }
shift
unset PYTHONDONTWRITEBYTECODE # each of several processes would compile every test anew
NONE_FOUND=5

part() {
    markers=$1
    shift
    .venv/bin/python -m pytest -m "$chosen$markers" "$@"
}

part 'timed' "$@"
alone=$?
part 'not timed' -n auto --dist loadgroup "$@"
together=$?

# A part may have nothing to do (ARGS="-k pool"); both may not.
[ "$alone" -ne "$NONE_FOUND" ] || alone=$together
[ "$together" -ne "$NONE_FOUND" ] || together=$alone
[ "$alone" -eq 0 ] || [ "$together" -ne 0 ] || warn "Of the tests that compare times some failed (see above)."
[ "$alone" -eq 0 ] || exit "$alone"
exit "$together"
