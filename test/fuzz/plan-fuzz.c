/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "container/plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_plan *p = NULL, *again = NULL;
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	struct error err = {};

	if (plan_decode(data, size, &p, &err) < 0)
		return 0;

	/* what was accepted is written as the same bytes, and read again */
	FUZZ_CHECK(plan_encode(p, &bytes, &err) == 0);
	FUZZ_CHECK(bytes.len == size && memcmp(bytes.data, data, size) == 0);
	FUZZ_CHECK(plan_decode(bytes.data, bytes.len, &again, &err) == 0);
	return 0;
}
