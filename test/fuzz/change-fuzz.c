/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "api/changes.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *line = xstrndup((const char *)data, size);
	auto_image_settings settings = {};
	struct error err = {};

	if (change_apply(&settings, line, &err) < 0)
		return 0;

	/* what was accepted survives being written and read again */
	auto_json *o = image_settings_json(&settings);
	auto_image_settings again = {};
	(void)!image_settings_parse(o, &again, &err);
	return 0;
}
