/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/digest.h"

/**
 * DOC: References: the names of images
 *
 * "debian", "debian:13", "me/app", "localhost:5000/app@sha256:…": what a user writes is brought
 * into one full form, `domain/path[:tag][@digest]`, by the rules of Docker (distribution/reference,
 * normalize.go): without a first part that looks like a host the domain is docker.io, and a single
 * word there lies below library/. The *familiar* form is the way back, the shortest text that
 * means the same; it is what lists show.
 *
 * A reference names a registry's host and a path below it, so the grammar is strict: domains of
 * letters, digits, '-', '.', with an optional port, or an IPv6 address in brackets; path parts of
 * lower-case letters and digits joined by one of '.', '_', "__" or dashes. The name has at most 255
 * characters, a tag 128. A name of 64 hexadecimal digits is refused: it would read as an image id.
 */
struct reference {
	char *domain;         /* "docker.io", "localhost:5000" */
	char *path;           /* "library/debian" */
	char *tag;            /* NULL where none was given */
	struct digest digest; /* empty where none was given */
};

#define REFERENCE_NAME_MAX 255
#define REFERENCE_TAG_MAX 128
#define REFERENCE_DEFAULT_DOMAIN "docker.io"

void reference_done(struct reference *ref);
#define auto_reference auto_(reference_done) struct reference

/**
 * reference_parse() - read what a user wrote
 * @text: familiar or full form, with an optional tag, an optional digest, or both
 * @ret:  receives the reference, which reference_done() releases; untouched on failure
 *
 * No tag is made up: see reference_default_tag().
 *
 * Return: 0 or -EINVAL.
 */
must_check int reference_parse(const char *text, struct reference *ret, struct error *err);

/* Gives the tag "latest" to a reference that has neither tag nor digest. */
void reference_default_tag(struct reference *ref);

/* Replaces @to (initialised) by a copy. */
void reference_copy(struct reference *to, const struct reference *from);

/* True where @tag may stand behind the colon. */
bool reference_tag_is_valid(const char *tag);

/* Each gives a malloc'ed string. */
char *reference_name(const struct reference *ref);          /* docker.io/library/debian */
char *reference_text(const struct reference *ref);          /* …:13@sha256:… */
char *reference_familiar_name(const struct reference *ref); /* debian */
char *reference_familiar(const struct reference *ref);      /* debian:13@sha256:… */
