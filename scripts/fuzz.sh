#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ./dev fuzz [NAME [SECONDS]]: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer; new inputs stay
# in build-fuzz/corpus/, the seeds are in test/fuzz/corpus/. A finding is left in build-fuzz/NAME-crash-*.
. scripts/common.sh

command -v clang >/dev/null || fail "clang is missing; run: sudo ./dev setup fuzz"
seconds=${2:-60}
[ -f build-fuzz/build.ninja ] ||
	CC=clang meson setup build-fuzz -Dfuzz=true -Dtests=false -Dbuildtype=debugoptimized -Db_lundef=false \
		-Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
# the programs are static, which the sanitizers are not made for
mapfile -t targets < <(cd test/fuzz && printf 'test/fuzz/%s\n' *-fuzz.c | sed 's/\.c$//')
ninja -C build-fuzz "${targets[@]}" >/dev/null

failed=0
for program in build-fuzz/test/fuzz/*-fuzz; do
	name=$(basename "$program" -fuzz)
	[ $# -eq 0 ] || [ "$1" = all ] || [ "$1" = "$name" ] || continue
	mkdir -p "build-fuzz/corpus/$name"
	if "$program" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/$name-" "build-fuzz/corpus/$name" "test/fuzz/corpus/$name" \
		>"build-fuzz/$name.log" 2>&1; then
		echo "ok    $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log") inputs in ${seconds} s"
	else
		echo "FAIL  $name: see build-fuzz/$name.log"
		failed=1
	fi
done
exit $failed
