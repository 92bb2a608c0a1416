#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the client library that test/e2e/test_dockerode.py drives into build/dockerode, once.
. scripts/common.sh

version=5.0.1
folder=build/dockerode

[ "$(cat "$folder/version" 2>/dev/null)" != "$version" ] || exit 0
say "fetching dockerode $version from the npm registry"
rm -rf "$folder"
mkdir -p "$folder"
npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent "dockerode@$version" >/dev/null
echo "$version" >"$folder/version"
