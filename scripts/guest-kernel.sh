#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks a kernel for virtual machines into /usr/lib/berth/guest-kernel: Debian's cloud kernel, 6.4
# or newer. Nothing is installed and the host's own kernel is not touched. Where the host's release
# has an older one, the package comes from Debian 13 by an apt configuration of its own.
. scripts/common.sh

target=${1:-/usr/lib/berth/guest-kernel}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suite=trixie

new_enough() {
	dpkg --compare-versions "$1" ge 6.4
}

if compgen -G "$target/boot/vmlinuz-*" >/dev/null; then
	exit 0
fi
for image in /boot/vmlinuz-*; do
	release=${image#/boot/vmlinuz-}
	if [ -e "$image" ] && [ -d "/lib/modules/$release" ] && new_enough "${release%%-*}"; then
		exit 0 # an installed kernel will do
	fi
done
[ "$(dpkg --print-architecture)" = amd64 ] || fail "guest kernels are only known for amd64"
need_root

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options=()
version=$(apt-cache policy linux-image-cloud-amd64 | sed -n 's/^  Candidate: //p')
if ! new_enough "${version:-0}"; then
	site=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian //p' | head -n 1)
	[ -n "$site" ] || fail "apt names no mirror of Debian; run apt-get update first"
	mkdir -p "$work"/{lists/partial,cache/archives/partial}
	echo "deb [signed-by=$keyring] $site $suite main" \
		>"$work/sources.list"
	options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
		-o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update -qq
fi

package=$(apt-cache "${options[@]}" depends linux-image-cloud-amd64 |
	sed -n 's/^  Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || fail "no package linux-image-cloud-amd64 can be found"
say "unpacking $package into $target"
(cd "$work" && apt-get "${options[@]}" download -qq "$package")
mkdir -p "$(dirname "$target")"
dpkg-deb -x "$work"/linux-image-*.deb "$work/unpacked"
rm -rf "$target"
mv "$work/unpacked" "$target"
chmod 755 "$target"
