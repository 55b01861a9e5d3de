#!/bin/sh
# `make run`: turn Make's variables into options of `loadlab run`. A variable that is not set adds no option, and
# each value stays one word whatever it contains; ARGS is read as the shell would read it.
set -eu
. "$(dirname -- "$0")/common.sh"

# Outside of quotes these would end the options there, and what follows would run as a command.
unquoted=$(printf '%s' "${ARGS:-}" | sed -e 's/\\.//g' -e "s/'[^']*'//g" -e 's/"[^"]*"//g')
case $unquoted in
*['&;|<>()']*) fail "ARGS: put what holds & ; | < > ( ) into quotes, as in make run ARGS=\"--path '/?a=1&b=2'\"." ;;
esac
eval "set -- ${ARGS:-}"
set -- \
    ${CONCURRENCY:+--concurrency "$CONCURRENCY"} \
    ${DURATION:+--duration "$DURATION"} \
    ${REQUESTS:+--requests "$REQUESTS"} \
    ${WORKLOAD:+--workload "$WORKLOAD"} \
    ${TRANSPORT:+--transport "$TRANSPORT"} \
    ${PROCESSES:+--processes "$PROCESSES"} \
    ${TARGET:+--target "$TARGET"} \
    ${WORKERS:+--workers "$WORKERS"} \
    ${THREADS:+--threads "$THREADS"} \
    ${LABEL:+--label "$LABEL"} \
    "$@"
exec .venv/bin/loadlab run ${SCENARIO:+"$SCENARIO"} "$@"
