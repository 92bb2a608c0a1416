/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * DOC: Fuzz targets
 *
 * <name>-fuzz.c holds one function that gives arbitrary bytes to one parser. libFuzzer drives it in
 * a build with -Dfuzz=true (see ./dev fuzz); in every other build replay.c runs it over the files
 * of corpus/<name>/ as a unit test, so that what was found once stays found. A target checks more
 * than "does not crash" where it can: what was accepted must survive being written and read again.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run as a finding where @condition does not hold. */
#define FUZZ_CHECK(condition)     \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)
