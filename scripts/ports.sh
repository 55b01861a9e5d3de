# shellcheck shell=sh
# Sourced by up.sh: is a port that the stack shall have free? Looked at where it can be without a tool: on Linux, with an
# engine of this machine. Elsewhere, and for a program that takes one meanwhile, Compose's own error says it.

engine_is_here() {
    case ${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)} in
    "" | unix://*) [ -r /proc/net/tcp ] ;;
    *) return 1 ;;
    esac
}

# listened_on PORT: true if a program listens on 127.0.0.1 or on every address. /proc/net/tcp has both in hex, and state 0A.
listened_on() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        grep -Eq ": (0100007F|0{8}|0{32}|0{16}FFFF00000100007F):$(printf '%04X' "$1") [0-9A-F:]+ 0A "
}

# A port that a container of this project has is not taken: it is given back, or it stays.
is_own() {
    for service in target client prometheus grafana; do
        id=$(container "$service")
        [ -n "$id" ] || continue
        ! docker port "$id" 2>/dev/null | grep -q ":$1\$" || return 0
    done
    return 1
}

port_of() {
    port=$(setting "$1")
    printf '%s' "${port:-$(default_of "$1")}"
}

taken() { echo "port $2 is taken; choose another, as in 'make up $1=$(($2 + 1))'."; }

# need_ports VARIABLE...
need_ports() {
    engine_is_here || return 0
    for variable in "$@"; do
        port=$(port_of "$variable")
        case $port in "" | 0* | *[!0-9]* | ??????*) continue ;; esac # what is no port Compose refuses
        ! listened_on "$port" || is_own "$port" || fail "$variable: $(taken "$variable" "$port")"
    done
}
