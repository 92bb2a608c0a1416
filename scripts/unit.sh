#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh

scripts/build.sh >/dev/null
if [ $# -gt 0 ]; then
	mapfile -t names < <(meson test -C build --list 2>/dev/null | sed 's/.* \/ //' | grep -- "$1")
	meson test -C build --no-rebuild --print-errorlogs "${names[@]}"
else
	meson test -C build --no-rebuild --print-errorlogs --suite unit
fi
