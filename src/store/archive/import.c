/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "oci/image-config.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "store/archive/archive.h"
#include "store/image/image.h"
#include "store/layer/ingest.h"
#include "store/store.h"

struct archive_import {
	struct store_lease *lease;
	struct layer_ingest *ingest;
	struct image_config *config;
	char *reference; /* full; NULL where none */
	char *message;
};

static int full_reference(const char *text, char **ret, struct error *err)
{
	auto_reference ref = { 0 };

	int r = reference_parse(text, &ref, err);
	if (r < 0)
		return r;
	if (!digest_is_empty(&ref.digest))
		return error_say(err, EINVAL, "cannot import digest reference");
	reference_default_tag(&ref);
	*ret = reference_text(&ref);
	return 0;
}

int archive_import_begin(struct store *store, const struct import_options *options,
			 struct archive_import **ret, struct error *err)
{
	const struct layer_expect expect = { .size = -1 };
	auto_archive_import *import = xnew(struct archive_import);

	import->lease = store_lease_new(store);
	store_lease_collect(import->lease);
	import->message = xstrdup(options->message ? options->message : "Imported from -");
	import->config = image_config_new();
	if (options->settings)
		image_settings_copy(&import->config->settings, options->settings);
	if (options->platform)
		import->config->platform = *options->platform;
	else
		platform_host(&import->config->platform);

	int r = options->reference ? full_reference(options->reference, &import->reference, err)
				   : 0;
	if (r == 0)
		r = layer_ingest_begin(import->lease, &expect, &import->ingest, err);
	if (r < 0)
		return r;
	*ret = take_ptr(import);
	return 0;
}

int archive_import_write(struct archive_import *import, const void *data, size_t len,
			 struct error *err)
{
	int r = layer_ingest_write(import->ingest, data, len, err);
	return r < 0 ? error_prefix(err, "import") : 0;
}

int archive_import_finish(struct archive_import *import, struct digest *ret, struct error *err)
{
	char now[CLOCK_TEXT];
	const char *const references[] = { import->reference };
	auto_strbuf config = STRBUF_INIT(IMAGE_CONFIG_SIZE_MAX);
	struct layer_info layer;

	int r = layer_ingest_finish(import->ingest, &layer, err);
	if (r < 0)
		return error_prefix(err, "import");

	clock_format(clock_now(), now);
	const struct image_history history = { .created = now, .comment = import->message };
	free(import->config->created);
	import->config->created = xstrdup(now);
	image_config_add_diff_id(import->config, &layer.diff_id);
	image_config_add_history(import->config, &history);
	image_config_write(import->config, &config);

	const struct image_commit commit = {
		.config = strbuf_text(&config),
		.config_len = config.len,
		.layers = &layer,
		.layer_count = 1,
		.references = references,
		.reference_count = import->reference ? 1 : 0,
	};
	r = image_commit(import->lease, &commit, ret, err);
	return r < 0 ? error_prefix(err, "import") : 0;
}

void archive_import_free(struct archive_import *import)
{
	if (!import)
		return;
	layer_ingest_free(import->ingest);
	image_config_free(import->config);
	store_lease_free(import->lease);
	free(import->reference);
	free(import->message);
	free(import);
}
