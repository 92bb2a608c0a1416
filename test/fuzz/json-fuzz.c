/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"

#define SIZE_MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json *document = NULL;
	struct error err = {};

	if (json_parse((const char *)data, size, SIZE_MAX_BYTES, "input", &document, &err) < 0)
		return 0;

	/* what was accepted is written in a form that is accepted and written alike */
	auto_free char *text = json_text(document);
	auto_json *again = NULL;
	FUZZ_CHECK(json_parse(text, strlen(text), 8 * SIZE_MAX_BYTES, "output", &again, &err) == 0);
	auto_free char *text_again = json_text(again);
	FUZZ_CHECK(strcmp(text, text_again) == 0);
	return 0;
}
