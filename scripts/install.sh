#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh

scripts/build.sh >/dev/null
meson configure build -Dprefix="${1:-/usr/local}"
meson install -C build
