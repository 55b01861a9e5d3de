#!/bin/sh
# Print the Debian mirror to take packages from: DEBIAN_MIRROR, or what this host's own apt uses for its release.
# Asked of apt, which reads both formats of its sources.
# shellcheck disable=SC2016 # $(REPO_URI) is for apt to expand
set -eu

if [ -z "${DEBIAN_MIRROR:-}" ] && grep -qx 'ID=debian' /etc/os-release 2>/dev/null; then
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    DEBIAN_MIRROR=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Component: main' "Release: $codename" | head -n 1)
fi
if [ -z "${DEBIAN_MIRROR:-}" ]; then
    echo "This host's apt names no Debian mirror: give one, as in 'make images DEBIAN_MIRROR=…'." >&2
    exit 1
fi
echo "$DEBIAN_MIRROR"
