/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "api/filters.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const allowed[] = { "name", "label", "dangling", NULL };
	auto_free char *text = xstrndup((const char *)data, size);
	auto_filters filters = {};
	auto_strv labels = {};
	struct error err = {};
	bool value = false;

	if (filters_parse(text, allowed, &filters, &err) < 0)
		return 0;
	const struct strv *names = filters_get(&filters, "name");
	for (size_t i = 0; names && i < names->count; i++) {
		FUZZ_CHECK(filters_match(&filters, "name", names->items[i]));
		(void)pattern_matches(names->items[i], "/some-container_1");
		(void)glob_matches(names->items[i], "some/image:tag");
	}
	strv_add(&labels, "key=value");
	(void)filters_match_labels(&filters, "label", &labels);
	(void)!filters_bool(&filters, "dangling", &value, &err);
	return 0;
}
