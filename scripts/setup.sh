#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian packages for the named purposes; what is there already costs nothing.
. scripts/common.sh

# Debian 13 has Docker's command line in a package of its own.
docker_client() {
	[ "$(debian_version)" = 12 ] && echo docker.io || echo docker-cli
}

packages_for() {
	case "$1" in
	build)
		echo gcc libc6-dev meson ninja-build pkgconf \
			libmicrohttpd-dev libjson-c-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev \
			libisal-dev zlib1g-dev libzstd-dev liblzma-dev liblz4-dev libseccomp-dev libcmocka-dev
		;;
	run)
		echo ca-certificates mmdebstrap debian-archive-keyring skopeo docker-registry python3-minimal \
			qemu-system-x86 e2fsprogs
		;;
	test)
		echo python3-pytest python3-pytest-timeout python3-docker "$(docker_client)" busybox-static strace procps systemd \
			openssl zsh fish
		# npm of another source brings its node along
		command -v npm >/dev/null || echo nodejs npm
		;;
	bench)
		echo docker.io "$(docker_client)" iptables podman crun runc erofs-utils
		;;
	lint)
		echo clang-format clang-tidy cppcheck python3-minimal
		;;
	fuzz)
		echo clang llvm "libclang-rt-$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\).*/\1/p')-dev"
		;;
	cover)
		echo gcovr
		;;
	*)
		fail "there is no purpose '$1'"
		;;
	esac
}

missing_of() {
	local name
	for name in "$@"; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q ' installed$' || echo "$name"
	done
}

[ $# -gt 0 ] || set -- build run
[ "$1" != all ] || set -- build run test bench lint fuzz cover

wanted=()
for purpose in "$@"; do
	[ "$purpose" != fuzz ] || [ -n "$(apt-cache depends clang 2>/dev/null)" ] || apt-get update -qq
	read -r -a some <<<"$(packages_for "$purpose" | tr '\n' ' ')"
	wanted+=("${some[@]}")
done
mapfile -t missing < <(missing_of "${wanted[@]}" | sort -u)

if [ ${#missing[@]} -gt 0 ]; then
	need_root
	say "installing ${missing[*]}"
	apt-get update -qq
	# RUNLEVEL keeps freshly installed services (a registry, a container engine) from starting by themselves
	RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Virtual machines boot a kernel of their own.
case " $* " in
*" run "*) scripts/guest-kernel.sh ;;
esac

# A client library of other people's making, for a test.
case " $* " in
*" test "*) scripts/dockerode.sh ;;
esac
