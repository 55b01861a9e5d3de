#!/bin/sh
# Fill .venv from the hashed locks:  venv.sh runtime | dev | mutants | docs.   venv.sh bench makes .venv-bench, for the peers' own
# dependencies.
# Make calls it where the stamp (.venv/runtime, .venv/dev, …) is missing or older than its locks.
set -eu
. "$(dirname -- "$0")/common.sh"

tested=$(tested_pythons)
oldest=${tested%% *}
newest=${tested##* }

# version_of COMMAND: its Python's version, as in 3.13, if it lies between the oldest and the newest that are tested.
version_of() {
    "$1" -c 'import sys
oldest, newest = (tuple(map(int, each.split("."))) for each in sys.argv[1:])
print("%d.%d" % sys.version_info[:2]) if oldest <= sys.version_info[:2] <= newest else sys.exit(1)' \
        "$oldest" "$newest" 2>/dev/null
}

# Sets python to the first that is tested: PYTHON if it is given, else whatever is called python3 or python3.N here.
# Where none is, the first between the oldest and the newest serves, too.
find_python() {
    names=python
    for each in $tested; do names="python$each $names"; done
    untested=""
    for python in ${PYTHON:-python3 $names}; do
        version=$(version_of "$python") || continue
        case " $tested " in *" $version "*) return ;; esac
        untested=${untested:-$python}
    done
    python=$untested
    [ -n "$python" ] || fail "This needs Python $oldest to $newest, and ${PYTHON:-python3} here is none: install one, or name it with PYTHON=…"
    warn "The lab is not tested with Python $(version_of "$python"), only with $tested. If something fails, name one of these with PYTHON=…"
}

install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "$@" >&2 ||
        fail "The packages could not be installed into .venv (pip's reason is above)."
}

if ! .venv/bin/python -c '' 2>/dev/null; then
    find_python
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
mutants | docs)
    install --require-hashes -r "requirements/$1.txt"
    ;;
dev)
    warn "Installing the locked development tools into .venv; this happens once …"
    install --require-hashes -r requirements/dev.txt
    ;;
esac
touch ".venv/$1"
