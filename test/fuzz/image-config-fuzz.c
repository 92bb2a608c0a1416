/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "oci/image-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_image_config *c = NULL;
	auto_image_config *again = NULL;
	struct error err = {};

	if (image_config_parse(data, size, &c, &err) < 0)
		return 0;
	FUZZ_CHECK(c->raw.len == size);

	auto_image_config *copy = image_config_copy(c);
	auto_strbuf text = STRBUF_INIT(2 * IMAGE_CONFIG_SIZE_MAX);
	auto_strbuf text_again = STRBUF_INIT(2 * IMAGE_CONFIG_SIZE_MAX);
	image_config_write(copy, &text);
	FUZZ_CHECK(image_config_parse(strbuf_text(&text), text.len, &again, &err) == 0);
	image_config_write(again, &text_again);
	FUZZ_CHECK(strcmp(strbuf_text(&text), strbuf_text(&text_again)) == 0);
	return 0;
}
