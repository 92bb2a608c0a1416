/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "oci/runtime-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_runtime_config config = {};
	auto_runtime_config again = {};
	struct error err = {};

	if (runtime_config_parse((const char *)data, size, &config, &err) < 0)
		return 0;
	if (runtime_config_check(&config, &err) < 0)
		FUZZ_CHECK(err.text[0]);

	auto_json *document = runtime_config_json(&config);
	auto_free char *text = json_text(document);
	FUZZ_CHECK(runtime_config_parse(text, strlen(text), &again, &err) == 0);
	auto_json *document_again = runtime_config_json(&again);
	auto_free char *text_again = json_text(document_again);
	FUZZ_CHECK(strcmp(text, text_again) == 0);
	return 0;
}
