/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/digest.h"
#include "store/image/image.h"
#include "store/store-internal.h"

/* How a text led to an image. */
enum image_found_by { IMAGE_BY_ID, IMAGE_BY_TAG, IMAGE_BY_DIGEST };

struct image_found {
	enum image_found_by by;
	struct digest id;
	struct digest manifest;
	char *name;           /* full name without tag and digest; NULL where found by id */
	char *reference;      /* full name:tag; NULL where not found by tag */
	struct digest digest; /* the digest it was found by */
};

void image_found_done(struct image_found *found);
#define auto_image_found auto_(image_found_done) struct image_found

/* Docker's rules, see image_find(). Return: 0, -ENOENT, -EINVAL, -ENOTUNIQ. */
must_check int image_resolve(struct store *store, const char *text, struct image_found *ret,
			     struct error *err);

/* Reads a record whole. Return: 0 or -ENOENT. */
must_check int image_read(struct store *store, const struct digest *id, struct image **ret,
			  struct error *err);

/* "debian:13" of "docker.io/library/debian:13"; the text itself where it is none. malloc'ed. */
char *image_familiar(const char *full);

/* The first column of a query with one text parameter, appended to @ret. */
must_check int image_select_texts(struct db *db, const char *sql, const char *parameter,
				  struct strv *ret, struct error *err);
