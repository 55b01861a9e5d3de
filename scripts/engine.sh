# shellcheck shell=sh disable=SC2034 # what is set here is used where this is sourced
# Sourced by the scripts that need Docker: is there an engine, which compose is it, what do the settings say.

# What base images built here are called: never an upstream name.
PYTHON_BUILT=concurrency-lab/python:3.13-debian
PROMETHEUS_BUILT=concurrency-lab/prometheus:3-debian
test_base() { echo "concurrency-lab/test-base:$1-debian"; }

VOLUMES_WITHIN_S=10

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
}

compose() { $COMPOSE "$@"; }

# The project's name is Compose's business (after the folder, or as COMPOSE_PROJECT_NAME says), so its containers say it.
find_project() {
    id=$(compose ps -aq 2>/dev/null | head -n 1)
    project=${id:+$(label_of "$id" com.docker.compose.project)}
    owner=${id:+$(label_of "$id" com.docker.compose.project.working_dir)}
}

# The same where no container is left to say it. The newer Compose lets no name begin with a sign.
project_name() {
    name=$(setting COMPOSE_PROJECT_NAME)
    name=$(printf '%s' "${name:-${PWD##*/}}" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-')
    case $compose_version in
    1.*) echo "$name" ;;
    *) echo "$name" | sed 's/^[_-]*//' ;;
    esac
}

# The projects of this checkout's stacks, one a line.
stacks_here() {
    docker ps -a --filter "label=com.docker.compose.project.working_dir=$PWD" \
        --filter "label=com.docker.compose.oneoff=False" \
        --format '{{.Label "com.docker.compose.project"}}' | sort -u
}

# Two checkouts in folders of one name would take each other's stack.
not_another_checkout() {
    [ -z "$project" ] || [ "$owner" = "$PWD" ] || fail "The project name '$project' belongs to the stack of $owner:" \
        "choose another for this one, as in 'make up COMPOSE_PROJECT_NAME=lab2', or take that one down."
}

# For what is done to a stack that is there. Where nobody says which, and this checkout has none by the name that Compose
# gives it, it is the one that it has by another, as `loadlab run` finds it.
choose_project() {
    find_project
    if [ "$owner" != "$PWD" ] && [ -z "$(setting COMPOSE_PROJECT_NAME)" ]; then
        # shellcheck disable=SC2046 # a name a word
        set -- $(stacks_here)
        [ $# -le 1 ] || fail "This checkout has $# stacks ($(echo "$*" | sed 's/ /, /g')):" \
            "say which of them is meant, as in COMPOSE_PROJECT_NAME=$1."
        if [ $# = 1 ]; then
            COMPOSE_PROJECT_NAME=$1
            export COMPOSE_PROJECT_NAME
            find_project
        fi
    fi
    not_another_checkout
}

# volumes PROJECT: those of its volumes that are the stack's alone. Not that of the results, which a plain
# `docker compose up` keeps there.
volumes() {
    for each in prometheus grafana app_data; do
        docker volume ls -q --filter "label=com.docker.compose.project=$1" \
            --filter "label=com.docker.compose.volume=$each"
    done
}

# remove_volumes PROJECT [KEPT]: all of these but those that are kept, a name a line. Compose would remove the results,
# too; and where the engine is still letting go of a volume, docker-compose fails and docker compose leaves it without an
# error.
remove_volumes() {
    tries=$VOLUMES_WITHIN_S
    while left=$(volumes "$1" | grep -vxF -e "${2:-}"); do
        # shellcheck disable=SC2086 # a name a word
        why=$(docker volume rm $left 2>&1) && break
        [ "$tries" -gt 0 ] || fail "$why"
        tries=$((tries - 1))
        sleep 1
    done
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
    [ -n "$value" ] || [ ! -f .env ] ||
        value=$(sed -n "s/\r\$//; s/^$1=//p" .env | tail -n 1 | sed "s/^\"\(.*\)\"\$/\1/; s/^'\(.*\)'\$/\1/")
    printf '%s' "$value"
}

# need_env_lines FILE NAME: refuse a file that Compose would refuse or read otherwise than it is written. Compose prints
# what it can't read, which may be a secret; this tells the number of the line alone.
need_env_lines() {
    [ "$(tr -d '\000' <"$1" | wc -c)" -eq "$(wc -c <"$1")" ] || fail "$2: it is not text."
    if command -v iconv >/dev/null && ! iconv -f UTF-8 -t UTF-8 <"$1" >/dev/null 2>&1; then fail "$2: it is not UTF-8."; fi
    wrong=$(LC_ALL=C awk '
        function wrong(why) { print "line " begun ": " why; quote = ""; exit }
        # Look for the quote that ends a value; it may stand in a later line.
        function in_quotes(text,    at, sign) {
            for (at = 1; at <= length(text); at++) {
                sign = substr(text, at, 1)
                if (sign == "\\") at++
                else if (sign == quote) {
                    quote = ""
                    if (substr(text, at + 1) !~ /^[ \t]*$|^[ \t]+#/) wrong("something follows the closing quote")
                    return
                } else if (sign == "$" && quote == "\"") wrong(dollar)
            }
        }
        BEGIN { dollar = "Compose would take the $ for a variable; put the value in single quotes" }
        NR == 1 { sub(/^\357\273\277/, "") }
        { sub(/\r$/, "") }
        quote != "" { in_quotes($0); next }
        { begun = NR }
        /^[ \t]*(#|$)/ { next }
        !/^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=/ { wrong("it is not NAME=value") }
        {
            sub(/^[^=]*=[ \t]*/, "")
            quote = substr($0, 1, 1)
            if (quote ~ /["\047]/) { in_quotes(substr($0, 2)); next }
            quote = ""
            if (/\$/) wrong(dollar)
        }
        END { if (quote != "") print "line " begun ": its quote is not closed" }' "$1")
    [ -z "$wrong" ] || fail "$2: $wrong. The line may hold a secret, so it is not shown."
}

# The default of a setting, from the one place where it is written: docker-compose.yml.
default_of() { sed -n "s/.*\${$1:-\([^}]*\)}.*/\1/p" docker-compose.yml | head -n 1; }

# address SERVICE PORT: where a port of the container that runs is published; nothing if none does.
address() { docker port "$(container "$1")" "$2" 2>/dev/null | head -n 1; }

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Where `make up` writes what it hands to Compose and to the image build; each project has a place of its own. Parts are removed from it, so it is a folder in .stack and nothing else.
staging_place() {
    project=$(setting COMPOSE_PROJECT_NAME)
    need_name "$project"
    for each in .stack ".stack/${project:-default}"; do
        [ ! -L "$each" ] || fail "$each is a link, and what is in it would be removed: put a folder in its place."
    done
    echo ".stack/${project:-default}"
}

# need_name NAME: refuse what is no name of a project; it becomes a part of paths.
need_name() {
    case $1 in
    "") ;;
    [!abcdefghijklmnopqrstuvwxyz0123456789]* | *[!abcdefghijklmnopqrstuvwxyz0123456789_-]*)
        fail "COMPOSE_PROJECT_NAME: '$(printf '%s' "$1" | tr -cd '[:print:]')' is no name of a project: use lower-case" \
            "letters, digits, - and _, and begin with a letter or a digit." ;;
    esac
}

# Before anything is touched.
[ ! -f .env ] || need_env_lines .env .env
need_name "$(setting COMPOSE_PROJECT_NAME)"
