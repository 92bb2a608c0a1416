#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh

[ -f build-asan/build.ninja ] ||
	meson setup build-asan -Dbuildtype=debug -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
ninja -C build-asan >/dev/null
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
meson test -C build-asan --no-rebuild --print-errorlogs --suite unit -t 5
