/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/alloc.h"
#include "store/registry/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_challenge c = {};

	(void)challenge_parse(text, &c);
	FUZZ_CHECK(c.bearer || !c.realm);
	return 0;
}
