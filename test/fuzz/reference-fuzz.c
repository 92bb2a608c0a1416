/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_reference ref = {};
	struct error err = {};

	if (reference_parse(text, &ref, &err) < 0)
		return 0;

	/* both forms lead back to the same image */
	auto_free char *full = reference_text(&ref);
	auto_free char *familiar = reference_familiar(&ref);
	const char *const forms[] = { full, familiar };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		auto_reference again = {};
		FUZZ_CHECK(reference_parse(forms[i], &again, &err) == 0);
		auto_free char *full_again = reference_text(&again);
		FUZZ_CHECK(strcmp(full, full_again) == 0);
	}
	return 0;
}
