#!/bin/sh
# Build the base images from Debian's packages, for machines that can't reach a registry:
#     images.sh [python] [prometheus]        (both, if none is named)
#     images.sh python3.14                   (what `make test-pythons` tests this Python in)
# shellcheck disable=SC2016 # $1 is for mmdebstrap to expand
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

stable=trixie # what the stack's Python is made from
prometheus_suite=forky # the first with Prometheus 3, whose promtool is a package of its own
certificates=/etc/ssl/certs/ca-certificates.crt

# The suite that packages a Python.
suite_of() {
    case $1 in
    3.11) echo bookworm ;;
    3.13) echo trixie ;;
    3.14) echo forky ;;
    *) fail "Python $1 is in no Debian suite that this script knows." ;;
    esac
}

# build NAME SUITE PACKAGES [SETUP]: SETUP is a shell command that is run on the new root, as $1.
# A mirror may have stopped at an old state of a suite that is not released yet. Its signatures are checked all the same.
build() {
    say "Building $1 from Debian packages ($2) …"
    set -- "$1" "$2" "$3" "${4:-true}" "$(date +%s)"
    if ! mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include="$3" \
        --customize-hook="$4" --customize-hook="$trust" \
        "$2" "$scratch/root.tar" "$mirror" >"$scratch/log" 2>&1; then
        tail -n 15 "$scratch/log" | plain >&2
        fail "mmdebstrap could not build $1 (its last lines are above)."
    fi
    docker import --change "ENV PIP_CERT=$certificates" --change 'CMD ["/bin/sh"]' "$scratch/root.tar" "$1" >/dev/null
    rm "$scratch/root.tar"
    say "Built $1 in $(($(date +%s) - $5)) s."
}

need_engine
command -v mmdebstrap >/dev/null ||
    fail "Building images from Debian packages needs mmdebstrap, which is not installed here (Debian: mmdebstrap)."
[ "$(id -u)" = 0 ] || command -v newuidmap >/dev/null ||
    fail "mmdebstrap needs newuidmap to work for an ordinary user, and it is not installed here (Debian: uidmap)."
mirror=$(./scripts/mirror.sh)

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT TERM

# A certificate authority that the host trusts is trusted in the image, or pip fails behind a proxy that has its own.
trust=true
[ ! -r "$certificates" ] || trust="upload $certificates $certificates"

for name in "${@:-all}"; do
    case $name in
    python3.*)
        suite=$(suite_of "${name#python}")
        build "$(test_base "${name#python}")" "$suite" "$name,$name-venv,ca-certificates,make"
        ;;
    python | all) build "$PYTHON_BUILT" "$stable" python3,python3-venv,ca-certificates ;;
    esac
    case $name in
    # The folder belongs to the user of docker-compose.yml: a new volume takes its owner from the image.
    prometheus | all) build "$PROMETHEUS_BUILT" "$prometheus_suite" prometheus,promtool,ca-certificates \
        'install -d -o 65534 -g 65534 "$1/prometheus"' ;;
    esac
done
