# shellcheck shell=sh disable=SC2034 # what is set here is used where this is sourced
# Sourced by the scripts that need Docker: is there an engine, which compose is it, what do the settings say.

# What base images built here are called: never an upstream name.
PYTHON_BUILT=concurrency-lab/python:3.13-debian
PROMETHEUS_BUILT=concurrency-lab/prometheus:2.53-debian

need_engine() {
    command -v docker >/dev/null || fail "This needs Docker, and there is no 'docker' command here (Debian: docker.io)."
    if ! answer=$(docker version --format '{{.Server.Version}}' 2>&1); then
        case $answer in
        *"permission denied"*)
            fail "The Docker engine does not let this user in: join the group 'docker' and log in again." ;;
        *)
            fail "The Docker engine does not answer; is it running? It says: $(printf '%s' "$answer" | tail -n 1)" ;;
        esac
    fi
}

# Sets COMPOSE (a command, perhaps of two words) unless the caller has.
need_compose() {
    need_engine
    if [ -z "${COMPOSE:-}" ]; then
        if docker compose version >/dev/null 2>&1; then
            COMPOSE="docker compose"
        elif command -v docker-compose >/dev/null; then
            COMPOSE=docker-compose
        else
            fail "Neither 'docker compose' nor docker-compose is installed here (Debian: docker-compose)."
        fi
    fi
    compose_version=$($COMPOSE version --short 2>/dev/null) || fail "COMPOSE='$COMPOSE' does not run here."
    not_another_checkout
}

compose() { $COMPOSE "$@"; }

# The project's name is Compose's business (after the folder, or as COMPOSE_PROJECT_NAME says), so its containers say it.
find_project() {
    id=$(compose ps -aq 2>/dev/null | head -n 1)
    project=${id:+$(label_of "$id" com.docker.compose.project)}
}

# Two checkouts in folders of one name would take each other's stack.
not_another_checkout() {
    find_project
    [ -n "$project" ] || return 0
    owner=$(label_of "$id" com.docker.compose.project.working_dir)
    [ "$owner" = "$PWD" ] || fail "The project name '$project' belongs to the stack of $owner:" \
        "choose another for this one, as in 'make up COMPOSE_PROJECT_NAME=lab2', or take that one down."
}

# container SERVICE: the id of its container, running or not; nothing if there is none.
container() {
    [ -z "$project" ] || docker ps -aq --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" --filter "label=com.docker.compose.oneoff=False" | head -n 1
}

label_of() { docker inspect --format "{{index .Config.Labels \"$2\"}}" "$1"; }

# What the user has set, as Compose sees it: in the environment, or else in .env.
setting() {
    eval "value=\${$1:-}"
    [ -n "$value" ] || [ ! -f .env ] || value=$(sed -n "s/^$1=//p" .env | tail -n 1)
    printf '%s' "$value"
}

# The default of a setting, from the one place where it is written: docker-compose.yml.
default_of() { sed -n "s/.*\${$1:-\([^}]*\)}.*/\1/p" docker-compose.yml | head -n 1; }

# address SERVICE PORT: where a port of the container that runs is published; nothing if none does.
address() { docker port "$(container "$1")" "$2" 2>/dev/null | head -n 1; }

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Where `make up` writes what it hands to Compose and to the image build; each project has a place of its own.
staging_place() { project=$(setting COMPOSE_PROJECT_NAME) && echo ".stack/${project:-default}"; }
