/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fake/fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/archive/archive.h"
#include "store/image/image.h"
#include "store/registry/registry.h"
#include "store/store.h"

enum store_mode store_mode(const struct store *store)
{
	(void)store;
	return STORE_MODE_FOLDER;
}

const char *store_mode_name(enum store_mode mode)
{
	return mode == STORE_MODE_FOLDER ? "folder" : "erofs";
}

const char *store_mode_reason(const struct store *store)
{
	(void)store;
	return "the test says so";
}

/* ---- Images --------------------------------------------------------------------------------- */

static struct image *make_image(void)
{
	struct image *image = xnew(struct image);

	*image = (struct image){
		.id = { FAKE_IMAGE },
		.platform = { "linux", "amd64", "" },
		.created_ns = 1700000000 * NSEC_PER_SEC,
		.size_bytes = 1000,
	};
	strv_add(&image->references, "docker.io/library/debian:13");
	return image;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	strv_done(&image->references);
	strv_done(&image->repo_digests);
	free(image);
}

void images_done(struct images *images)
{
	for (size_t i = 0; i < images->count; i++)
		image_free(images->items[i]);
	free(images->items);
}

int image_find(struct store *store, const char *text, struct image **ret, struct error *err)
{
	(void)store;
	if (strcmp(text, "debian:13") != 0 && strcmp(text, FAKE_IMAGE) != 0)
		return error_say(err, ENOENT, "No such image: %s", text);
	*ret = make_image();
	return 0;
}

int image_list(struct store *store, struct images *ret, struct error *err)
{
	(void)store;
	(void)err;
	ret->items = xnew(struct image *);
	ret->items[0] = make_image();
	ret->count = 1;
	return 0;
}

int image_load_config(struct store *store, const struct digest *id, struct image_config **ret,
		      struct error *err)
{
	(void)store;
	(void)id;
	(void)err;
	*ret = image_config_new();
	image_settings_set_label(&(*ret)->settings, "role", "base");
	return 0;
}

int image_tag(struct store *store, const char *text, const char *reference, struct error *err)
{
	auto_image *image = NULL;

	snprintf(fake_asked.name, sizeof(fake_asked.name), "%s", reference);
	return image_find(store, text, &image, err);
}

int image_remove(struct store *store, const char *text, bool force, struct image_removal *ret,
		 struct error *err)
{
	auto_image *image = NULL;

	int r = image_find(store, text, &image, err);
	if (r < 0)
		return r;
	if (!force)
		return error_say(err, EBUSY, "conflict: unable to remove repository reference");
	strv_add(&ret->untagged, "debian:13");
	strv_add(&ret->deleted, FAKE_IMAGE);
	return 0;
}

int image_prune(struct store *store, const struct image_prune *prune, struct image_removal *ret,
		struct error *err)
{
	(void)store;
	(void)err;
	if (prune->all)
		strv_add(&ret->deleted, FAKE_IMAGE);
	ret->freed_bytes = prune->all ? 1000 : 0;
	return 0;
}

void image_removal_done(struct image_removal *removal)
{
	strv_done(&removal->untagged);
	strv_done(&removal->deleted);
}

int image_history(struct store *store, const struct digest *id, struct image_history_rows *ret,
		  struct error *err)
{
	(void)store;
	(void)id;
	(void)ret;
	(void)err;
	return 0;
}

void image_history_rows_done(struct image_history_rows *rows)
{
	(void)rows;
}

/* ---- Archives ------------------------------------------------------------------------------- */

int archive_load_begin(struct store *store, archive_progress_fn progress, void *context,
		       struct archive_load **ret, struct error *err)
{
	(void)store;
	(void)progress;
	(void)context;
	(void)err;
	fake_asked.body_bytes = 0;
	*ret = xmalloc(1);
	return 0;
}

int archive_load_write(struct archive_load *load, const void *data, size_t len, struct error *err)
{
	(void)load;
	fake_asked.body_bytes += len;
	return memchr(data, '!', len) ? error_say(err, EBADMSG, "read the archive: no tar") : 0;
}

int archive_load_finish(struct archive_load *load, struct strv *references, struct strv *ids,
			struct error *err)
{
	(void)load;
	(void)ids;
	(void)err;
	strv_add(references, "debian:13");
	return 0;
}

void archive_load_free(struct archive_load *load)
{
	free(load);
}

int archive_save(struct store *store, const struct strv *names, archive_write_fn write,
		 void *context, struct error *err)
{
	(void)store;
	fake_asked.saved = names->count;
	for (size_t i = 0; i < names->count; i++) {
		int r = write(context, "archive", 7, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int archive_import_begin(struct store *store, const struct import_options *options,
			 struct archive_import **ret, struct error *err)
{
	(void)store;
	(void)err;
	fake_asked.body_bytes = 0;
	snprintf(fake_asked.name, sizeof(fake_asked.name), "%s %s", options->reference,
		 options->settings->user ? options->settings->user : "-");
	*ret = xmalloc(1);
	return 0;
}

int archive_import_write(struct archive_import *import, const void *data, size_t len,
			 struct error *err)
{
	return archive_load_write((struct archive_load *)import, data, len, err);
}

int archive_import_finish(struct archive_import *import, struct digest *ret, struct error *err)
{
	(void)import;
	return digest_parse(FAKE_IMAGE, ret, err);
}

void archive_import_free(struct archive_import *import)
{
	free(import);
}

/* ---- The registry --------------------------------------------------------------------------- */

/* "missing" is not there, "private" wants credentials, "broken" breaks off in the middle. */
int registry_pull(struct registry_client *client, struct store *store, const struct reference *ref,
		  const struct platform *platform, const struct registry_options *options,
		  struct registry_pulled *ret, struct error *err)
{
	struct digest layer = { FAKE_IMAGE };
	struct registry_progress p = {
		.digest = &layer,
		.phase = REGISTRY_DOWNLOADING,
		.done_bytes = 500000,
		.total_bytes = 1000000,
	};

	(void)client;
	(void)store;
	(void)platform;
	if (strcmp(ref->path, "library/missing") == 0)
		return error_say(err, ENOENT, "manifest unknown");
	if (strcmp(ref->path, "library/private") == 0)
		return error_say(err, EACCES, "unauthorized");
	if (!options->progress(options->context, &p))
		return error_say(err, ECANCELED, "cancelled");
	if (strcmp(ref->path, "library/broken") == 0)
		return error_say(err, ECONNRESET, "the connection broke");
	*ret = (struct registry_pulled){ .image = layer, .manifest = layer, .digest = layer };
	return 0;
}

int registry_push(struct registry_client *client, struct store *store, const struct reference *ref,
		  const struct registry_options *options, struct registry_pushed *ret,
		  struct error *err)
{
	(void)client;
	(void)store;
	(void)options;
	if (strcmp(ref->path, "library/debian") != 0)
		return error_say(err, ENOENT, "An image does not exist locally with the tag: %s",
				 ref->path);
	*ret = (struct registry_pushed){ .digest = { FAKE_IMAGE }, .size = 528 };
	return 0;
}

int registry_tags(struct registry_client *client, const struct reference *ref,
		  const struct registry_options *options, struct strv *ret, struct error *err)
{
	(void)client;
	(void)ref;
	(void)options;
	(void)err;
	strv_add(ret, "12");
	strv_add(ret, "13");
	return 0;
}

int registry_login(struct registry_client *client, const char *domain, const struct auth *auth,
		   char **ret_token, struct error *err)
{
	(void)client;
	(void)domain;
	*ret_token = NULL;
	return auth->password && strcmp(auth->password, "right") == 0
		       ? 0
		       : error_say(err, EACCES, "incorrect username or password");
}

char *registry_domain_of_server(const char *server)
{
	return xstrdup(server);
}

int registry_describe(struct registry_client *client, const struct reference *ref,
		      const struct registry_options *options, struct registry_description *ret,
		      struct error *err)
{
	(void)client;
	(void)ref;
	(void)options;
	(void)ret;
	return error_say(err, ENOENT, "manifest unknown");
}

void registry_description_done(struct registry_description *d)
{
	(void)d;
}

int store_usage(struct store *store, struct store_usage *ret, struct error *err)
{
	(void)store;
	(void)err;
	*ret = (struct store_usage){ .images = 1, .size = 5000 };
	return 0;
}
