/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "store/image/record.h"

/* An image under removal, as it was found. */
struct removal {
	struct store *store;
	const char *text; /* as the caller named it */
	bool force;
	struct image_found found;
	struct image *image;
	struct strv running; /* instances that use it */
	struct strv stopped;
	bool goes; /* its names go with its own record, in one transaction: not half of it in a crash */
	struct image_removal *ret;
};

static void removal_done(struct removal *r)
{
	image_found_done(&r->found);
	image_free(r->image);
	strv_done(&r->running);
	strv_done(&r->stopped);
}

void image_removal_done(struct image_removal *removal)
{
	strv_done(&removal->untagged);
	strv_done(&removal->deleted);
	*removal = (struct image_removal){ 0 };
}

/*
 * From here on image_acquire() fails for the image; who acquired it before is waited for by nobody:
 * then the image is in use.
 */
static int begin_leaving(struct store *store, const struct digest *id, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&store->lock);
	if (map_get(store->leaving, id->text))
		r = error_say(err, ENOENT, "No such image: %s", id->text);
	else if (lease_is_pinned(store, id->text))
		r = error_say(err, EBUSY, "conflict: image %.19s is being pulled or started",
			      id->text);
	else
		map_set(store->leaving, id->text, store);
	pthread_mutex_unlock(&store->lock);
	return r;
}

static void end_leaving(struct store *store, const struct digest *id)
{
	pthread_mutex_lock(&store->lock);
	map_remove(store->leaving, id->text);
	pthread_mutex_unlock(&store->lock);
}

static void ask_users(struct removal *r)
{
	if (r->store->users)
		r->store->users(r->store->users_context, &r->image->id, &r->running, &r->stopped);
}

static bool is_used(const struct removal *r)
{
	return r->running.count > 0 || r->stopped.count > 0;
}

static int untag(struct removal *r, const char *reference, struct error *err)
{
	int n = r->goes ? 0
			: db_run(r->store->db, err, "DELETE FROM tag WHERE reference = ?", "s",
				 reference);
	if (n < 0)
		return n;
	strv_add_take(&r->ret->untagged, image_familiar(reference));
	return 0;
}

static int forget_digest(struct removal *r, const char *name_and_digest, struct error *err)
{
	int n = r->goes ? 0
			: db_run(r->store->db, err,
				 "DELETE FROM repo_digest WHERE name || '@' || digest = ?", "s",
				 name_and_digest);
	if (n < 0)
		return n;
	strv_add_take(&r->ret->untagged, image_familiar(name_and_digest));
	return 0;
}

static int untag_all(struct removal *r, struct error *err)
{
	int n = 0;

	for (size_t i = 0; i < r->image->references.count && n == 0; i++)
		n = untag(r, r->image->references.items[i], err);
	for (size_t i = 0; i < r->image->repo_digests.count && n == 0; i++)
		n = forget_digest(r, r->image->repo_digests.items[i], err);
	return n;
}

/* The record goes durably before the files: a record must never name what is not there. */
static int delete_image(struct removal *r, struct error *err)
{
	const char *id = r->image->id.text;
	struct db *db = r->store->db;
	auto_strv blobs = { 0 };
	auto_strv layers = { 0 };
	auto_db_tx tx = { 0 };

	int n = db_tx_begin(db, true, &tx, err);
	if (n == 0)
		n = image_select_texts(db,
				       "SELECT id FROM image WHERE id = ?1"
				       " UNION SELECT digest FROM manifest WHERE image = ?1"
				       " UNION SELECT manifest_blob.digest FROM manifest_blob"
				       " JOIN manifest ON manifest_blob.manifest = manifest.digest"
				       " WHERE image = ?1",
				       id, &blobs, err);
	if (n == 0)
		n = image_select_texts(db,
				       "SELECT DISTINCT diff_id FROM image_layer WHERE image = ?"
				       " ORDER BY position DESC",
				       id, &layers, err);
	if (n == 0)
		n = db_run(db, err, "DELETE FROM image WHERE id = ?", "s", id);
	if (n == 0)
		n = db_tx_commit(&tx, err);
	if (n < 0)
		return n;

	strv_add(&r->ret->deleted, id);
	store_forget_stack(r->store, &r->image->id);
	store_collect(r->store, &blobs, &layers, r->ret);
	return 0;
}

static int remove_reference(struct removal *r, struct error *err)
{
	const struct image *image = r->image;
	size_t names = image->references.count;
	int n = 0;

	if (!r->force && names <= 1 && is_used(r)) {
		const char *user = r->running.count ? r->running.items[0] : r->stopped.items[0];
		return error_say(
			err, EBUSY,
			"conflict: unable to remove repository reference \"%s\" (must force)"
			" - container %s is using its referenced image %.12s",
			r->text, user, digest_hex(&image->id));
	}
	if (r->found.by == IMAGE_BY_TAG) {
		r->goes = names == 1 && !is_used(r);
		n = untag(r, r->found.reference, err);
		names--;
	} else {
		r->goes = names == 0 && image->repo_digests.count <= 1 && !is_used(r);
		auto_free char *full = xasprintf("%s@%s", r->found.name, r->found.digest.text);
		n = forget_digest(r, full, err);
		/* With a tag or another digest left, the image stays. */
		if (names == 0 && image->repo_digests.count > 1)
			return n;
	}
	if (n < 0 || names > 0)
		return n;

	for (size_t i = 0; i < image->repo_digests.count && n == 0; i++) {
		if (r->found.by == IMAGE_BY_TAG)
			n = forget_digest(r, image->repo_digests.items[i], err);
	}
	return n < 0 || is_used(r) ? n : delete_image(r, err);
}

static bool has_several_repositories(const struct image *image)
{
	auto_free char *first = NULL;

	for (size_t i = 0; i < image->references.count; i++) {
		const char *text = image->references.items[i];
		auto_free char *name = xstrndup(text, (size_t)(strrchr(text, ':') - text));
		if (first && strcmp(first, name) != 0)
			return true;
		if (!first)
			first = take_ptr(name);
	}
	return false;
}

static int remove_whole(struct removal *r, struct error *err)
{
	const char *id = digest_hex(&r->image->id);

	if (r->running.count > 0)
		return error_say(err, EBUSY,
				 "conflict: unable to delete %.12s (cannot be forced) - image is"
				 " being used by running container %s",
				 id, r->running.items[0]);
	if (!r->force && r->stopped.count > 0)
		return error_say(err, EBUSY,
				 "conflict: unable to delete %.12s (must be forced) - image is"
				 " being used by stopped container %s",
				 id, r->stopped.items[0]);
	if (!r->force && has_several_repositories(r->image))
		return error_say(err, EBUSY,
				 "conflict: unable to delete %.12s (must be forced) - image is"
				 " referenced in multiple repositories",
				 id);
	r->goes = r->stopped.count == 0;
	int n = untag_all(r, err);
	if (n < 0)
		return n;
	return r->stopped.count > 0 ? 0 : delete_image(r, err);
}

int image_remove(struct store *store, const char *text, bool force, struct image_removal *ret,
		 struct error *err)
{
	auto_(removal_done) struct removal r = {
		.store = store,
		.text = text,
		.force = force,
		.ret = ret,
	};

	int n = image_resolve(store, text, &r.found, err);
	if (n < 0)
		return n;
	n = begin_leaving(store, &r.found.id, err);
	if (n < 0)
		return n;
	n = image_read(store, &r.found.id, &r.image, err);
	if (n == 0) {
		ask_users(&r);
		n = r.found.by == IMAGE_BY_ID ? remove_whole(&r, err) : remove_reference(&r, err);
	}
	end_leaving(store, &r.found.id);
	return n;
}

/* ---- Prune ---- */

/* "key" or "key=value". */
static bool has_label(const struct image_config *config, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	auto_free char *key =
		equals ? xstrndup(wanted, (size_t)(equals - wanted)) : xstrdup(wanted);

	const char *value = config->settings.labels ? map_get(config->settings.labels, key) : NULL;
	return value && (!equals || strcmp(value, equals + 1) == 0);
}

static bool labels_match(struct store *store, const struct image *image,
			 const struct image_prune *prune)
{
	auto_image_config *config = NULL;

	if (!prune->with_labels && !prune->without_labels)
		return true;
	if (image_load_config(store, &image->id, &config, NULL) < 0)
		return false;
	for (size_t i = 0; prune->with_labels && i < prune->with_labels->count; i++) {
		if (!has_label(config, prune->with_labels->items[i]))
			return false;
	}
	for (size_t i = 0; prune->without_labels && i < prune->without_labels->count; i++) {
		if (has_label(config, prune->without_labels->items[i]))
			return false;
	}
	return true;
}

static bool is_wanted(struct store *store, const struct image *image,
		      const struct image_prune *prune)
{
	if (image->references.count > 0 && !prune->all)
		return false;
	if (prune->until_ns && image->created_ns >= prune->until_ns)
		return false;
	return labels_match(store, image, prune);
}

static int prune_one(struct store *store, const struct image *image, struct image_removal *ret,
		     struct error *err)
{
	auto_(removal_done) struct removal r = { .store = store, .ret = ret };

	/* One that is being pulled, started or removed is no garbage. */
	if (begin_leaving(store, &image->id, NULL) < 0)
		return 0;
	int n = image_read(store, &image->id, &r.image, err);
	if (n == 0) {
		ask_users(&r);
		r.goes = !is_used(&r);
		if (r.goes)
			n = untag_all(&r, err);
		if (n == 0 && r.goes)
			n = delete_image(&r, err);
	}
	end_leaving(store, &image->id);
	return n == -ENOENT ? 0 : n;
}

int image_prune(struct store *store, const struct image_prune *prune, struct image_removal *ret,
		struct error *err)
{
	auto_images images = { 0 };

	int r = image_list(store, &images, err);
	for (size_t i = 0; i < images.count && r == 0; i++) {
		if (is_wanted(store, images.items[i], prune))
			r = prune_one(store, images.items[i], ret, err);
	}
	return r < 0 ? error_prefix(err, "prune images") : 0;
}
