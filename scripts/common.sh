# shellcheck shell=sh
# Sourced by the other scripts: the checkout's root as working directory, and how they speak.
# The root is the physical path, as both compose generations write it into the label
# com.docker.compose.project.working_dir.
unset CDPATH
cd -P -- "$(dirname -- "$0")/.." || exit

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() {
    warn "$*"
    exit 1
}

# The Pythons that are tested, oldest first, a version a word.
tested_pythons() {
    sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml | tr '\n' ' ' | sed 's/ $//'
}
