#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the client library that test/e2e/test_dockerode.py drives into build/dockerode, once. Without the
# npm registry the other tests go on: that one says then what is missing.
. scripts/common.sh

version=5.0.1
folder=build/dockerode

[ "$(cat "$folder/version" 2>/dev/null)" != "$version" ] || exit 0
say "fetching dockerode $version from the npm registry"
rm -rf "$folder"
mkdir -p "$folder"
# node knows authorities of its own; those of this host count as well
export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
if npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --fetch-retries=1 "dockerode@$version" \
	>"$folder/log" 2>&1; then
	echo "$version" >"$folder/version"
else
	say "dockerode cannot be fetched: $(grep -m 1 'failed\|ERR!' "$folder/log" || tail -n 1 "$folder/log")"
fi
