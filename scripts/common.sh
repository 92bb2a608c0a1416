# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it, which all run in the project's root.
set -euo pipefail

# Debian's own interpreter: the test libraries are Debian's packages.
PYTHON=/usr/bin/python3

# Stores that tests and benches make lie where files of a disk lie: a tmpfs is no place for layers.
[ "$(stat -f -c %T /tmp)" != tmpfs ] || export TMPDIR=/var/tmp

say() {
	printf '== %s\n' "$*"
}

fail() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || fail "needs root; run it with sudo"
}

debian_version() {
	. /etc/os-release
	echo "${VERSION_ID:-0}"
}
