#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh

command -v meson >/dev/null || fail "meson is missing; run: sudo ./dev setup build"
[ -f build/build.ninja ] || meson setup build >/dev/null
ninja -C build
