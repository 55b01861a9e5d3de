#!/bin/sh
# Bring the stack up and wait until it is healthy. Needs Docker and a shell, nothing else.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh
. ./scripts/ports.sh

REGISTRY_PATIENCE_S=15 # without a word from the registry; a download that has begun may take its time
HEALTHY_WITHIN_S=120
IMAGE_USER=10001:10001 # of client/Dockerfile

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT TERM

unreachable="" # what Docker said when the registry could not be reached; asked once per `make up`

# pull IMAGE: true if it came. What Docker said last is in $said.
pull() {
    say "Pulling $1 …"
    : >"$scratch/pull"
    docker pull "$1" >"$scratch/pull" 2>&1 &
    puller=$!
    waited=0
    while kill -0 "$puller" 2>/dev/null; do
        if [ ! -s "$scratch/pull" ] && [ "$waited" -ge "$REGISTRY_PATIENCE_S" ]; then
            kill "$puller" 2>/dev/null || :
            wait "$puller" 2>/dev/null || :
            said="no answer from the registry within $REGISTRY_PATIENCE_S s"
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    wait "$puller" && return 0
    said=$(tail -n 1 "$scratch/pull")
    return 1
}

# need_image VARIABLE [BUILT KIND]: VARIABLE names an image that is here, or it returns false (never when the user
# has set VARIABLE: what was asked for is had, or the whole `up` fails). BUILT is the name of our own substitute.
need_image() {
    image=$(setting "$1")
    if [ -n "$image" ]; then
        have_image "$image" || pull "$image" || fail "$1=$image can't be pulled: $said"
        return 0
    fi
    image=$(default_of "$1")
    if have_image "$image"; then return 0; fi
    if [ $# = 3 ] && have_image "$2"; then
        say "Using $2 in place of $image ('docker pull $image', then 'make up', to change that)."
    else
        if [ -n "$unreachable" ]; then
            said=$unreachable
        elif pull "$image"; then
            return 0
        else
            unreachable=$said
        fi
        say "$image can't be pulled: $said"
        [ $# = 3 ] || return 1
        ./scripts/images.sh "$3"
    fi
    export "$1=$2"
}

# A checksum of the files that a container reads through a mount: their change is one that Compose does not see.
checksum() { find "$@" -type f -exec cksum {} + | sort | cksum | cut -d ' ' -f 1; }

# The container has another user, and would only report that there is no such module.
need_readable() {
    hidden=$(find "$1" -maxdepth 0 ! -perm -005; find "$1" -name '.?*' -prune -o -name '*.py' ! -perm -004 -print)
    [ -z "$hidden" ] || fail "APP_DIR: $(echo "$hidden" | head -n 1) can't be read by others, and so not by the target's container: 'chmod -R go+rX' changes that."
}

# The app of APP_DIR: its requirements are staged for the build, since a build sees nothing outside its context.
use_app() {
    [ -n "${TARGET_APP:-}" ] || fail "APP_DIR needs TARGET_APP as well, as in 'make up TARGET_APP=module:callable APP_DIR=$APP_DIR'."
    [ -d "$APP_DIR" ] || fail "APP_DIR=$APP_DIR is not a folder."
    APP_DIR=$(cd -P -- "$APP_DIR" && pwd)
    need_readable "$APP_DIR"
    APP_REQUIREMENTS=$staging/app
    mkdir -p "$APP_REQUIREMENTS"
    : >"$APP_REQUIREMENTS/requirements.txt"
    # With the files that it may name by -r and -c.
    find "$APP_DIR" -maxdepth 1 \( -name 'requirements*.txt' -o -name 'constraints*.txt' \) \
        -exec cp {} "$APP_REQUIREMENTS/" \;
    APP_FILES=$(cd "$APP_DIR" && checksum . -name '.?*' -prune -o -name __pycache__ -prune -o -name '*.py')
    APP_ENV_FILE=$(setting APP_ENV_FILE)
    if [ -n "$APP_ENV_FILE" ]; then
        APP_ENV_FILE=$(cd -P -- "$(dirname -- "$APP_ENV_FILE")" && pwd)/${APP_ENV_FILE##*/}
    else
        APP_ENV_FILE=$PWD/$staging/app/none.env
        : >"$APP_ENV_FILE"
    fi
    APP_DATA=$(setting APP_DATA)
    APP_DATA=${APP_DATA:-/data}
    case $APP_DATA in
    / | /app | /app/* | /tmp | /tmp/* | *..* | *:* | [!/]*) fail "APP_DATA=$APP_DATA: it is a folder in the target's container, as in /data, and not below /app or /tmp." ;;
    esac
    APP_REVISION=$(revision_of_app)
    COMPOSE_FILE=$COMPOSE_FILE:docker-compose.app.yml
    export APP_DIR APP_REQUIREMENTS APP_REVISION APP_FILES APP_ENV_FILE APP_DATA
}

# The commit of APP_DIR, with -dirty behind it where its files differ from it; nothing where that can't be told.
revision_of_app() {
    app_git() { git -c core.fsmonitor=false --no-optional-locks -C "$APP_DIR" "$@" 2>/dev/null; }
    if app_git check-ignore --quiet . || ! commit=$(app_git rev-parse --verify HEAD); then return 0; fi
    [ -z "$(app_git status --porcelain --untracked-files=no -- .)" ] || commit=$commit-dirty
    printf '%s' "$commit"
}

# The other services that the app needs: a file of Compose, laid over those of the lab.
use_services() {
    [ -f "$APP_COMPOSE" ] || fail "APP_COMPOSE=$APP_COMPOSE is not a file."
    COMPOSE_FILE=$COMPOSE_FILE:$(cd -P -- "$(dirname -- "$APP_COMPOSE")" && pwd)/${APP_COMPOSE##*/}
}

# The services that are not the lab's.
services_beside() { compose config --services 2>/dev/null | grep -vxE 'target|client|prometheus|grafana'; }

# A gunicorn.conf.py of the user's, laid over the lab's defaults; what WORKERS and THREADS say wins over it.
use_gunicorn_config() {
    [ -f "$GUNICORN_CONFIG" ] || fail "GUNICORN_CONFIG=$GUNICORN_CONFIG is not a file."
    GUNICORN_CONFIG=$(cd -P -- "$(dirname -- "$GUNICORN_CONFIG")" && pwd)/${GUNICORN_CONFIG##*/}
    hidden=$(find -L "$GUNICORN_CONFIG" ! -perm -004)
    [ -z "$hidden" ] || fail "GUNICORN_CONFIG: $GUNICORN_CONFIG can't be read by others, and so not by the target's container: 'chmod o+r' changes that."
    GUNICORN_CONFIG_FILES=$(cksum <"$GUNICORN_CONFIG" | cut -d ' ' -f 1)
    COMPOSE_FILE=$COMPOSE_FILE:docker-compose.gunicorn.yml
    export GUNICORN_CONFIG GUNICORN_CONFIG_FILES
}

# What would do nothing is refused, as `loadlab run` refuses the options behind these settings.
refuse_vain() {
    if [ "$(setting TARGET_SERVER)" = flask ]; then
        [ -z "$(setting GUNICORN_CONFIG)" ] || fail "GUNICORN_CONFIG: TARGET_SERVER=flask is no gunicorn; leave one of them out."
        for variable in WORKERS THREADS; do
            [ -z "$(setting "$variable")" ] || fail "$variable: Flask's development server has no such limit, it starts a thread for each connection; leave it out, or give TARGET_SERVER=gunicorn."
        done
    fi
    if [ -z "${APP_DIR:-}" ]; then
        for variable in APP_ENV_FILE APP_DATA APP_COMPOSE; do
            [ -z "$(setting "$variable")" ] || fail "$variable: it goes with an app of your own; give APP_DIR and TARGET_APP as well, or leave it out."
        done
    fi
    case $(setting TARGET_APP) in
    "" | loadlab_target.app | loadlab_target.app:*) ;;
    *) [ -z "$(setting TARGET_DELAY)" ] || fail "TARGET_DELAY: it is how long the lab's own app waits, and this one is $(setting TARGET_APP); leave it out." ;;
    esac
}

# What the agent asks of a client that reads, starts or stops a run from the page. It stays the same for as long as the stack is there.
make_token() {
    LOADLAB_TOKEN=$(setting LOADLAB_TOKEN)
    token_file=$staging/token
    [ -n "$LOADLAB_TOKEN" ] || LOADLAB_TOKEN=$(cat "$token_file" 2>/dev/null || :)
    [ -n "$LOADLAB_TOKEN" ] || LOADLAB_TOKEN=$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')
    rm -f -- "$token_file"
    (umask 077 && printf '%s\n' "$LOADLAB_TOKEN" >"$token_file")
    export LOADLAB_TOKEN
}

# The client keeps the results of the page's runs in the folder that `make run` uses, and as the same person. A client
# that would be root is the image's own user instead, whose group may then add to the folder, but change nothing in it
# that is not its own; by the set-group-ID bit a run knows that the group may read what it keeps there.
share_results() {
    LAB_RESULTS=$(setting LAB_RESULTS)
    LAB_RESULTS=${LAB_RESULTS:-./results}
    LAB_USER=$(setting LAB_USER)
    mkdir -p -- "$LAB_RESULTS" || fail "LAB_RESULTS=$LAB_RESULTS can't be made a folder."
    LAB_RESULTS=$(cd -P -- "$LAB_RESULTS" && pwd)
    if [ -z "$LAB_USER" ] && [ "$(id -u)" = 0 ]; then
        LAB_USER=$IMAGE_USER
        chgrp "${IMAGE_USER#*:}" "$LAB_RESULTS" && chmod g+rwxs,+t "$LAB_RESULTS"
    elif [ -z "$LAB_USER" ]; then
        LAB_USER=$(id -u):$(id -g)
        [ -w "$LAB_RESULTS" ] || fail "$LAB_RESULTS is not yours to write to, and the client would keep results there: take it over with chown, or name another folder by LAB_RESULTS=…"
    fi
    export LAB_RESULTS LAB_USER
}

# The CPU limits, as numbers: what docker-compose.yml can't say with a variable.
limit_cpus() {
    for service in target client prometheus grafana; do
        variable=$(echo "$service" | tr '[:lower:]' '[:upper:]')_CPUS
        cores=$(setting "$variable")
        [ -n "$cores" ] || continue
        quota=$(echo "$cores" | awk '/^[0-9]*\.?[0-9]+$/ { printf "%d", $1 * 100000 }')
        # 1000 is the least that the kernel takes.
        [ "${quota:-0}" -ge 1000 ] || fail "$variable=$cores is not a number of cores from 0.01, such as 1.5."
        [ -f "$staging/limits.yml" ] || echo services: >"$staging/limits.yml"
        echo "  $service: {cpu_period: 100000, cpu_quota: $quota}" >>"$staging/limits.yml"
    done
    [ ! -f "$staging/limits.yml" ] || COMPOSE_FILE=$COMPOSE_FILE:$staging/limits.yml
}

# True if a container is there whose settings or image are no longer those of the files.
settings_changed() {
    compose config --hash '*' >"$scratch/hashes"
    while read -r service hash; do
        id=$(container "$service")
        [ -n "$id" ] || continue
        [ "$(label_of "$id" com.docker.compose.config-hash)" = "$hash" ] || return 0
        now=$(docker image inspect --format '{{.Id}}' "$(docker inspect --format '{{.Config.Image}}' "$id")")
        [ "$(docker inspect --format '{{.Image}}' "$id")" = "$now" ] || return 0
    done <"$scratch/hashes"
    return 1
}

# What is paused or unhealthy: Compose would leave it so, and give up where another service waits for it.
restart_ailing() {
    [ -n "$project" ] || return 0
    for id in $(docker ps -q --filter "label=com.docker.compose.project=$project" --filter status=paused); do
        docker unpause "$id" >/dev/null
    done
    # Docker calls one that was paused unhealthy until its next probe, so it is among these.
    for id in $(docker ps -q --filter "label=com.docker.compose.project=$project" --filter health=unhealthy); do
        say "Restarting $(label_of "$id" com.docker.compose.service), which was paused or unhealthy …"
        docker restart "$id" >/dev/null
    done
}

state_of() { docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1"; }

# Shows what failed, takes the stack down with the volumes that it made (half a stack would only mislead whatever runs
# next), and says why: because of the first container that failed, or else the given reason.
give_up() {
    reason=$1
    culprit=""
    find_project
    for service in $services; do
        id=$(container "$service")
        [ -n "$id" ] || continue
        state=$(state_of "$id")
        case $state in
        "running healthy" | "running starting" | "running " | created*) continue ;;
        exited*) state="has exited with code $(docker inspect --format '{{.State.ExitCode}}' "$id")" ;;
        *) state="is ${state#running }" ;;
        esac
        warn "--- the last lines of $service:"
        docker logs --tail 20 "$id" 2>&1 | plain >&2
        warn "---"
        culprit=${culprit:-"$service $state."}
    done
    compose down >/dev/null 2>&1 || :
    (remove_volumes "${project:-$(project_name)}" "$volumes_before") 2>/dev/null || :
    fail "The stack did not come up, and was taken down again: ${culprit:-$reason}"
}

# Why `up` failed, from what compose printed.
why_up_failed() {
    port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*\(already\|in use\).*/\1/p' "$scratch/up" | head -n 1)
    if [ -n "$port" ]; then
        for variable in TARGET_PORT AGENT_PORT PROMETHEUS_PORT GRAFANA_PORT; do
            [ "$(port_of $variable)" != "$port" ] || taken $variable "$port"
        done
    else
        grep -v '^ *$' "$scratch/up" | tail -n 1
    fi
}

# The app's environment, before Compose reads it.
check_env_file() {
    file=$(setting APP_ENV_FILE)
    [ -n "$file" ] || return 0
    [ -f "$file" ] || fail "APP_ENV_FILE=$file is not a file."
    need_env_lines "$file" "APP_ENV_FILE=$file"
}

refuse_vain
check_env_file
need_compose
find_project
not_another_checkout
need_ports TARGET_PORT AGENT_PORT PROMETHEUS_PORT
staging=$(staging_place)
rm -rf -- "$staging/app" "$staging/limits.yml"
mkdir -p "$staging"
chmod 700 .stack # an app's requirements may hold the password of an index
echo '*' >.stack/.gitignore
make_token
share_results
COMPOSE_FILE=docker-compose.yml
APP_COMPOSE=$(setting APP_COMPOSE)
[ -z "${APP_DIR:-}" ] || use_app
[ -z "$APP_COMPOSE" ] || use_services
GUNICORN_CONFIG=$(setting GUNICORN_CONFIG)
[ -z "$GUNICORN_CONFIG" ] || use_gunicorn_config
limit_cpus
export COMPOSE_FILE

need_image PYTHON_IMAGE "$PYTHON_BUILT" python
need_image PROMETHEUS_IMAGE "$PROMETHEUS_BUILT" prometheus
services="target client prometheus"
if [ -n "$project" ] && [ -z "$(container grafana)$(setting GRAFANA_IMAGE)" ] && ! have_image "$(default_of GRAFANA_IMAGE)"; then
    # Not asked again for a stack that is there: where the registry does not answer, each time would cost the wait.
    say "The stack stays without Grafana ('docker pull $(default_of GRAFANA_IMAGE)', then 'make up', to change that)."
elif need_image GRAFANA_IMAGE; then
    services="$services grafana"
else
    say "The stack comes up without Grafana."
fi
case $services in
*grafana*) need_ports GRAFANA_PORT ;;
esac
PROMETHEUS_FILES=$(checksum prometheus)
GRAFANA_FILES=$(checksum grafana/provisioning grafana/dashboards)
export PROMETHEUS_FILES GRAFANA_FILES

compose config --quiet >"$scratch/config" 2>&1 ||
    fail "Compose does not accept these settings: $(grep -v '^ *$' "$scratch/config" | tail -n 1)"

for service in $(services_beside); do services="$services $service"; done

say "Building the images of target and client (the first time takes a minute) …"
if ! compose build target client >"$scratch/build" 2>&1; then
    tail -n 25 "$scratch/build" | plain >&2
    fail "The images could not be built (the last lines are above)."
fi

# docker-compose 1.29 can't recreate a container on a newer engine, only create one.
case $compose_version in
1.*) if settings_changed; then compose down >/dev/null 2>&1; fi ;;
esac

restart_ailing
say "Starting $services …"
volumes_before=$(volumes "${project:-$(project_name)}")
# shellcheck disable=SC2086 # the services are words
compose up -d --no-build $services >"$scratch/up" 2>&1 || give_up "$(why_up_failed)"

find_project
waited=0
for service in $services; do
    id=$(container "$service")
    while :; do
        state=$(state_of "$id")
        case $state in
        "running healthy" | "running ") break ;;
        "running starting") ;;
        *) give_up "$service is $state" ;;
        esac
        [ "$waited" -lt "$HEALTHY_WITHIN_S" ] || give_up "$service was not healthy within $HEALTHY_WITHIN_S s."
        sleep 1
        waited=$((waited + 1))
    done
done

# The app's requirements decide the versions that are measured, so what they changed of the lab's is said.
if [ -n "${APP_DIR:-}" ]; then
    target=$(container target)
    docker exec "$target" cat /opt/venv/changed-by-app.txt >"$scratch/changed"
    docker exec "$target" cat /opt/venv/kept-from-app.txt >"$scratch/kept"
    [ ! -s "$scratch/changed" ] || say "The app's requirements changed packages of the lab: $(paste -s -d , "$scratch/changed" | sed 's/,/, /g')."
    [ ! -s "$scratch/kept" ] || say "The lab measures with its own version, not the app's: $(paste -s -d , "$scratch/kept" | sed 's/,/, /g')."
fi

# Without a name the chores mean the stack that has the folder's, or else the only one.
which=""
[ "$(stacks_here | wc -l)" -le 1 ] || which=" COMPOSE_PROJECT_NAME=$project"
say "The stack is up:"
say "  live page   http://$(docker port "$(container client)" 9200)   ('make open$which' opens it and hands it the token)"
say "  target      http://$(docker port "$(container target)" 8000)"
say "  prometheus  http://$(docker port "$(container prometheus)" 9090)"
case $services in
*grafana*) say "  grafana     http://$(docker port "$(container grafana)" 3000)" ;;
esac
say "Next: 'make open$which' or 'make run$which' loads it, 'make down$which' removes it."
