# shellcheck shell=sh
# Sourced by the other scripts: the checkout's root as working directory, and how they speak.
# The root is the physical path, as both compose generations write it into the label
# com.docker.compose.project.working_dir.
unset CDPATH
cd -P -- "$(dirname -- "$0")/.." || exit

# What others have written, such as an app's log, without what acts on a terminal: control characters (C0, DEL, C1),
# bidirectional marks and overrides. The same as `loadlab` does, by bytes: no locale is needed.
plain() {
    LC_ALL=C sed \
        -e "s/$(printf '[\001-\010\013-\037\177]')/?/g" \
        -e "s/$(printf '\302[\200-\237]')/?/g" \
        -e "s/$(printf '\330\234')/?/g" \
        -e "s/$(printf '\342\200[\216\217\250-\256]')/?/g" \
        -e "s/$(printf '\342\201[\246-\257]')/?/g"
}

say() { printf '%s\n' "$*" | plain; }
warn() { printf '%s\n' "$*" | plain >&2; }
fail() {
    warn "$*"
    exit 1
}

# A text as it may stand in a URL: all but letters, digits and -._~ is percent-encoded.
url_encoded() {
    rest=$1
    while [ -n "$rest" ]; do
        behind=${rest#?}
        sign=${rest%"$behind"}
        case $sign in
        [A-Za-z0-9._~-]) printf '%s' "$sign" ;;
        *) printf '%%%02X' "'$sign" ;;
        esac
        rest=$behind
    done
}

# The Pythons that are tested, oldest first, a version a word.
tested_pythons() {
    sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml | tr '\n' ' ' | sed 's/ $//'
}
