/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cli/template/template.h"
#include "fuzz.h"

/* A template of --format, applied to a document that has every type of value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] =
		"{\"Name\":\"web\",\"N\":3,\"Zero\":0,\"Half\":0.5,\"Yes\":true,\"Null\":null,"
		"\"List\":[\"a\",1,{}],\"Map\":{\"k\":\"v\",\"l\":[1,2]}}";
	auto_free char *format = xstrndup((const char *)data, size);
	auto_json *root = NULL;
	auto_template *t = NULL;
	auto_strbuf out = STRBUF_INIT(1U << 20);
	struct error err = {};

	FUZZ_CHECK(json_parse(text, sizeof(text) - 1, sizeof(text), "document", &root, &err) == 0);
	const struct template_data template_data = { .root = root, .methods = root };
	if (template_parse(format, &t, &err) == 0)
		(void)!template_run(t, &template_data, &out, &err);
	return 0;
}
