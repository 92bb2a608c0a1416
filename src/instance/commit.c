/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "instance/files.h"
#include "instance/isolation-plan.h"
#include "instance/manager-internal.h"
#include "oci/image-config.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "store/image/image.h"
#include "store/layer/ingest.h"
#include "store/store.h"

/* ---- The layer ------------------------------------------------------------------------------ */

static int take(void *context, const void *data, size_t len, struct error *err)
{
	return layer_ingest_write(context, data, len, err);
}

static int make_layer(struct manager *m, struct record *r, bool pause, struct store_lease *lease,
		      struct layer_info *ret, struct error *err)
{
	const struct layer_expect expect = { .size = -1 };
	auto_layer_ingest *ingest = NULL;

	int result = layer_ingest_begin(lease, &expect, &ingest, err);
	if (result == 0)
		result = isolation_of(r)->files->write_layer(m, r, pause, take, ingest, err);
	return result < 0 ? result : layer_ingest_finish(ingest, ret, err);
}

/* ---- The configuration ---------------------------------------------------------------------- */

static void replace_text(char **text, const char *by)
{
	if (!by)
		return;
	free(*text);
	*text = xstrdup(by);
}

static void add_missing(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->count; i++) {
		if (!strv_contains(to, from->items[i]))
			strv_add(to, from->items[i]);
	}
}

static void merge_command(const struct container_request *request, struct image_settings *s)
{
	if (request->has_entrypoint) {
		strv_copy(&s->entrypoint, &request->entrypoint);
		strv_done(&s->cmd);
	}
	if (request->has_command)
		strv_copy(&s->cmd, &request->command);
}

/* How the instance is run becomes how the image is run. */
static void merge_request(const struct record *r, struct image_settings *s)
{
	const struct container_request *request = &r->request;

	replace_text(&s->user, request->user);
	replace_text(&s->working_dir, request->working_dir);
	replace_text(&s->stop_signal, request->stop_signal);
	add_missing(&s->exposed_ports, &request->exposed_ports);
	add_missing(&s->volumes, &request->anonymous_volumes);
	for (size_t i = 0; i < request->env.count; i++) {
		const char *variable = request->env.items[i];
		if (strchr(variable, '='))
			env_set(&s->env, variable);
		else
			env_unset(&s->env, variable);
	}
	for (size_t i = 0; i < r->labels.count; i++) {
		const char *label = r->labels.items[i];
		size_t len = strcspn(label, "=");
		auto_free char *key = xstrndup(label, len);
		image_settings_set_label(s, key, label[len] ? label + len + 1 : "");
	}
	merge_command(request, s);
}

static char *command_line(const struct record *r)
{
	auto_strbuf text = STRBUF_INIT(65536);

	strbuf_adds(&text, r->path ? r->path : "");
	for (size_t i = 0; i < r->args.count; i++)
		strbuf_addf(&text, " %s", r->args.items[i]);
	return strbuf_take(&text);
}

static int make_config(const struct record *r, const struct commit_options *o,
		       const struct digest *diff_id, struct strbuf *ret, struct error *err)
{
	auto_image_config *config = image_config_copy(r->image);
	auto_free char *command = command_line(r);
	char now[CLOCK_TEXT];

	clock_format(clock_now(), now);
	merge_request(r, &config->settings);
	int result = o->change ? o->change(&config->settings, o->arg, err) : 0;
	if (result < 0)
		return result;
	replace_text(&config->created, now);
	replace_text(&config->author, o->author);
	const struct image_history history = {
		.created = now,
		.created_by = command,
		.author = (char *)o->author,
		.comment = (char *)o->comment,
	};
	image_config_add_diff_id(config, diff_id);
	image_config_add_history(config, &history);
	image_config_write(config, ret);
	return ret->overflow ? error_say(err, EFBIG, "its configuration is too large") : 0;
}

/* ---- The image ------------------------------------------------------------------------------ */

/* An OCI manifest names a layer by OCI's type, wherever it came from. */
static const char *oci_type(const char *type)
{
	if (strcmp(type, MEDIA_DOCKER_LAYER_GZIP) == 0)
		return MEDIA_OCI_LAYER_GZIP;
	return strcmp(type, MEDIA_DOCKER_LAYER) == 0 ? MEDIA_OCI_LAYER : type;
}

/* The layers of the instance's image, which the lease holds from now on. */
static int take_layers(const struct record *r, const struct manifest *manifest,
		       struct store_lease *lease, struct layer_info *ret, struct error *err)
{
	if (manifest->layers.count != r->image->diff_id_count)
		return error_say(err, EBADMSG, "manifest and configuration of its image disagree");
	for (size_t i = 0; i < manifest->layers.count; i++) {
		const struct descriptor *layer = &manifest->layers.items[i];
		if (!layer_exists(lease, &layer->digest, &r->image->diff_ids[i]))
			return error_say(err, ENOENT, "layer %s of its image is gone",
					 layer->digest.text);
		ret[i] = (struct layer_info){
			.blob = layer->digest,
			.diff_id = r->image->diff_ids[i],
			.blob_size = layer->size,
			.media_type = oci_type(layer->media_type),
		};
	}
	return 0;
}

static int full_reference(const char *text, char **ret, struct error *err)
{
	auto_reference ref = {};

	if (!text)
		return 0;
	int result = reference_parse(text, &ref, err);
	if (result < 0)
		return result;
	if (!digest_is_empty(&ref.digest))
		return error_say(err, EINVAL, "cannot commit to digest reference");
	reference_default_tag(&ref);
	*ret = reference_text(&ref);
	return 0;
}

static int commit(struct manager *m, struct record *r, const struct commit_options *o,
		  struct digest *ret, struct error *err)
{
	auto_store_lease *lease = store_lease_new(m->options.store);
	auto_image *image = NULL;
	auto_manifest *manifest = NULL;
	auto_free struct layer_info *layers = NULL;
	auto_free char *reference = NULL;
	auto_strbuf config = STRBUF_INIT(IMAGE_CONFIG_SIZE_MAX);

	store_lease_collect(lease);
	int result = full_reference(o->reference, &reference, err);
	if (result == 0)
		result = isolation_load_image(m, r, err);
	if (result == 0)
		result = image_acquire(lease, r->image_id, &image, err);
	if (result == 0)
		result = image_load_manifest(m->options.store, &image->manifest, &manifest, err);
	if (result != 0)
		return result;
	size_t count = manifest->layers.count;
	layers = xcalloc(count + 1, sizeof(*layers));
	result = take_layers(r, manifest, lease, layers, err);
	if (result == 0)
		result = make_layer(m, r, o->pause, lease, &layers[count], err);
	if (result == 0)
		result = make_config(r, o, &layers[count].diff_id, &config, err);
	if (result < 0)
		return result;
	const char *const references[] = { reference };
	const struct image_commit made = {
		.config = strbuf_text(&config),
		.config_len = config.len,
		.layers = layers,
		.layer_count = count + 1,
		.references = references,
		.reference_count = reference ? 1 : 0,
	};
	return image_commit(lease, &made, ret, err);
}

int manager_commit(struct manager *m, const char *ref, const struct commit_options *options,
		   struct digest *ret, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	result = verb_check(m, r, VERB_COMMIT, err);
	if (result < 0)
		return result;
	result = commit(m, r, options, ret, err);
	if (result < 0)
		return error_prefix(err, "commit %s", r->name);
	manager_tell(m, r, "commit", 0, 0, NULL);
	return 0;
}
