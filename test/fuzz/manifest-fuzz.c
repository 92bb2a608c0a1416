/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "oci/manifest.h"

static void check(const uint8_t *data, size_t size, const char *outer)
{
	auto_manifest *m = NULL;
	auto_manifest *again = NULL;
	struct error err = {};

	if (manifest_parse(data, size, outer, &m, &err) < 0)
		return;
	FUZZ_CHECK(!outer || strcmp(m->media_type, outer) == 0);
	FUZZ_CHECK(m->kind == MANIFEST_IMAGE ? m->manifests.count == 0 : m->layers.count == 0);
	struct platform host;
	platform_host(&host);
	(void)manifest_select(m, &host);

	auto_strbuf text = STRBUF_INIT(2 * MANIFEST_SIZE_MAX);
	manifest_write(m, &text);
	FUZZ_CHECK(manifest_parse(strbuf_text(&text), text.len, outer, &again, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, NULL);
	check(data, size, MEDIA_OCI_MANIFEST);
	check(data, size, MEDIA_DOCKER_LIST);
	return 0;
}
