#!/bin/sh
# Fill .venv from the hashed locks:  venv.sh runtime | dev.   venv.sh bench makes .venv-bench, for the peers' own
# dependencies.
# Make calls it where the stamp (.venv/runtime, .venv/dev) is missing or older than its locks.
set -eu
. "$(dirname -- "$0")/common.sh"

# The first Python that fits: PYTHON if it is given, else whatever is called python3 or python3.N here.
find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "This needs Python 3.11 to 3.14, and ${PYTHON:-python3} here is none: install one, or name it with PYTHON=…"
}

install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "$@" >&2 ||
        fail "The packages could not be installed into .venv (pip's reason is above)."
}

if ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python lacks its venv module (Debian: python3-venv)."
    warn "Making .venv and installing the locked packages into it; this happens once and takes about a minute …"
    rm -rf .venv
    "$python" -m venv .venv
fi

case $1 in
runtime)
    install --require-hashes -r requirements/client.txt -r requirements/target.txt -r requirements/build.txt
    install --no-deps --no-build-isolation --editable .
    ;;
bench)
    warn "Installing the peers of the bench into .venv-bench; this happens once …"
    .venv/bin/python -m venv .venv-bench
    .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
        -r requirements/bench.txt >&2 || fail "The packages could not be installed into .venv-bench (see above)."
    touch .venv-bench/done
    exit
    ;;
dev)
    warn "Installing the locked development tools into .venv; this happens once …"
    install --require-hashes -r requirements/dev.txt
    ;;
esac
touch ".venv/$1"
