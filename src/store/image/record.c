/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/reference.h"

#define ID_DIGITS 64
#define ID_PREFIX "sha256:"

void image_found_done(struct image_found *found)
{
	free(found->name);
	free(found->reference);
	*found = (struct image_found){ 0 };
}

char *image_familiar(const char *full)
{
	auto_reference ref = { 0 };

	if (reference_parse(full, &ref, NULL) < 0)
		return xstrdup(full);
	return reference_familiar(&ref);
}

int image_select_texts(struct db *db, const char *sql, const char *parameter, struct strv *ret,
		       struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(db, sql, &stmt, err);
	if (r < 0)
		return r;
	db_bind_text(stmt, 1, parameter);
	while ((r = db_step(stmt, err)) > 0)
		strv_add(ret, db_text(stmt, 0));
	return r;
}

/* Image and manifest of the one row that a query with up to two parameters gives. */
static int select_image(struct store *store, const char *sql, const char *first, const char *second,
			struct image_found *ret, struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(store->db, sql, &stmt, err);
	if (r < 0)
		return r;
	db_bind_text(stmt, 1, first);
	if (second)
		db_bind_text(stmt, 2, second);
	r = db_step(stmt, err);
	if (r == 0)
		return -ENOENT;
	if (r > 0)
		r = digest_from_db(db_text(stmt, 0), &ret->id, err);
	if (r == 0)
		r = digest_from_db(db_text(stmt, 1), &ret->manifest, err);
	return r;
}

static bool is_hex(const char *text)
{
	return *text && strspn(text, "0123456789abcdef") == strlen(text);
}

static int resolve_id(struct store *store, const char *text, struct image_found *ret,
		      struct error *err)
{
	const char *digits =
		strncmp(text, ID_PREFIX, strlen(ID_PREFIX)) == 0 ? text + strlen(ID_PREFIX) : text;
	char pattern[96];
	auto_strv ids = { 0 };

	if (!is_hex(digits) || strlen(digits) > ID_DIGITS)
		return -ENOENT;
	snprintf(pattern, sizeof(pattern), ID_PREFIX "%s*", digits);
	int r = image_select_texts(store->db, "SELECT id FROM image WHERE id GLOB ? LIMIT 2",
				   pattern, &ids, err);
	if (r < 0)
		return r;
	if (ids.count == 0)
		return -ENOENT;
	if (ids.count > 1)
		return error_say(err, ENOTUNIQ, "multiple image IDs found with provided prefix: %s",
				 text);
	ret->by = IMAGE_BY_ID;
	return select_image(store, "SELECT id, manifest FROM image WHERE id = ?", ids.items[0],
			    NULL, ret, err);
}

static int resolve_reference(struct store *store, struct reference *ref, struct image_found *ret,
			     struct error *err)
{
	ret->name = reference_name(ref);
	if (!digest_is_empty(&ref->digest)) {
		ret->by = IMAGE_BY_DIGEST;
		ret->digest = ref->digest;
		return select_image(store,
				    "SELECT image, manifest FROM repo_digest"
				    " WHERE name = ? AND digest = ?",
				    ret->name, ref->digest.text, ret, err);
	}
	reference_default_tag(ref);
	ret->by = IMAGE_BY_TAG;
	ret->reference = reference_text(ref);
	return select_image(store, "SELECT image, manifest FROM tag WHERE reference = ?",
			    ret->reference, NULL, ret, err);
}

static int no_such_image(const char *text, struct error *err)
{
	auto_reference ref = { 0 };
	auto_free char *name = NULL;

	if (reference_parse(text, &ref, NULL) == 0) {
		reference_default_tag(&ref);
		name = reference_familiar(&ref);
	}
	return error_say(err, ENOENT, "No such image: %.300s", name ? name : text);
}

int image_resolve(struct store *store, const char *text, struct image_found *ret, struct error *err)
{
	auto_image_found found = { 0 };
	auto_reference ref = { 0 };
	struct error bad_name = { 0 };
	int r = -ENOENT;

	bool whole_id = strncmp(text, ID_PREFIX, strlen(ID_PREFIX)) == 0 ||
			(strlen(text) == ID_DIGITS && is_hex(text));
	bool named = !whole_id && reference_parse(text, &ref, &bad_name) == 0;
	if (named)
		r = resolve_reference(store, &ref, &found, err);
	if (r == -ENOENT) {
		image_found_done(&found);
		r = resolve_id(store, text, &found, err);
	}
	if (r == -ENOENT && !named && !whole_id && !is_hex(text))
		return error_say(err, EINVAL, "%s", bad_name.text);
	if (r == -ENOENT)
		return no_such_image(text, err);
	if (r < 0)
		return r;
	*ret = found;
	found = (struct image_found){ 0 };
	return 0;
}

static void copy_word(char ret[PLATFORM_WORD], const char *text)
{
	snprintf(ret, PLATFORM_WORD, "%s", text ? text : "");
}

static int read_row(struct store *store, struct image *image, struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(
		store->db,
		"SELECT manifest, created_ns, committed_ns, image.size, os, architecture,"
		" variant, media_type FROM image LEFT JOIN manifest"
		" ON manifest.digest = image.manifest WHERE id = ?",
		&stmt, err);
	if (r < 0)
		return r;
	db_bind_text(stmt, 1, image->id.text);
	r = db_step(stmt, err);
	if (r == 0)
		return error_say(err, ENOENT, "No such image: %s", image->id.text);
	if (r > 0)
		r = digest_from_db(db_text(stmt, 0), &image->manifest, err);
	if (r < 0)
		return r;
	image->created_ns = db_int(stmt, 1);
	image->committed_ns = db_int(stmt, 2);
	image->size_bytes = db_int(stmt, 3);
	copy_word(image->platform.os, db_text(stmt, 4));
	copy_word(image->platform.architecture, db_text(stmt, 5));
	copy_word(image->platform.variant, db_text(stmt, 6));
	image->manifest_type = xstrdup_or_null(db_text(stmt, 7));
	return 0;
}

int image_read(struct store *store, const struct digest *id, struct image **ret, struct error *err)
{
	auto_image *image = xnew(struct image);

	image->id = *id;
	int r = read_row(store, image, err);
	if (r == 0)
		r = image_select_texts(store->db,
				       "SELECT reference FROM tag WHERE image = ? ORDER BY 1",
				       id->text, &image->references, err);
	if (r == 0)
		r = image_select_texts(store->db,
				       "SELECT name || '@' || digest FROM repo_digest"
				       " WHERE image = ? ORDER BY 1",
				       id->text, &image->repo_digests, err);
	if (r < 0)
		return r;
	*ret = take_ptr(image);
	return 0;
}
