#!/bin/sh
# Open the live page. The token travels in the URL's fragment, which no browser sends to anybody.
set -eu
. "$(dirname -- "$0")/common.sh"
. ./scripts/engine.sh

need_compose
choose_project
where=""
[ -z "$(container client)" ] || where=$(address client 9200)
[ -n "$where" ] || fail "The stack is not up: 'make up' starts it. Without Docker, '.venv/bin/loadlab agent' serves the page."
token=$(cat "$(staging_place)/token" 2>/dev/null) ||
    fail "The token of this stack is gone: 'make up' makes another and restarts the client with it."
url="http://$where/#token=$(url_encoded "$token")"

opener=""
for candidate in wslview xdg-open open; do
    case $candidate in
    xdg-open) [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || continue ;;
    open) [ "$(uname)" = Darwin ] || continue ;; # elsewhere it is another program
    esac
    if command -v "$candidate" >/dev/null; then
        opener=$candidate
        break
    fi
done
if [ -n "$opener" ] && "$opener" "$url" >/dev/null 2>&1; then
    say "Opened the live page at http://$where."
else
    say "$url"
fi
