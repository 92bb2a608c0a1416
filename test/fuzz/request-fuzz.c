/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "container/config/default-config.h"
#include "container/request/check.h"
#include "container/request/json.h"

#define DOCUMENT_MAX (1u << 20)

/* What was accepted must give a configuration that holds together. */
static void make_config(const struct container_request *request)
{
	auto_container_mounts mounts = {};
	auto_runtime_config config = {};
	struct container_identity identity;
	struct error err = {};

	FUZZ_CHECK(container_mounts_collect(request, NULL, &mounts, &err) == 0);
	for (size_t i = 0; i < mounts.count; i++)
		if (mounts.items[i].type == CONTAINER_MOUNT_VOLUME && !mounts.items[i].source)
			mounts.items[i].source = strdup("/volume");
	const struct container_place place = {
		.id = "0123456789abcdef",
		.root_path = "rootfs",
		.cgroups_path = "berth/0123456789abcdef",
		.id_base = 0x70000000,
		.mounts = &mounts,
	};
	if (container_config_make(request, NULL, &place, &config, &identity, &err) < 0)
		return;
	FUZZ_CHECK(runtime_config_check(&config, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json *document = NULL;
	auto_container_request request = {};
	auto_container_request again = {};
	struct error err = {};

	if (json_parse((const char *)data, size, DOCUMENT_MAX, "request", &document, &err) < 0 ||
	    container_request_parse(document, &request, &err) < 0)
		return 0;

	auto_json *written = container_request_json(&request);
	auto_free char *text = json_text(written);
	FUZZ_CHECK(container_request_parse(written, &again, &err) == 0);
	auto_json *written_again = container_request_json(&again);
	auto_free char *text_again = json_text(written_again);
	FUZZ_CHECK(strcmp(text, text_again) == 0);

	if (container_request_check(&request, &err) == 0)
		make_config(&request);
	return 0;
}
