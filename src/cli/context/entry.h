/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/context/context.h"

/**
 * DOC: What the context verbs share
 */

struct context_options {
	const char *description;
	struct strv docker; /* "host=...,tls=FOLDER" */
	const char *from;
};

/* Options of create and update; places count from struct context_options. */
extern const struct option context_change_table[];

/* Sets what the options say in an entry. */
must_check int context_apply(const struct context_options *o, struct json_object *entry,
			     struct error *err);

/* The member of the document that holds the entries, made where it is missing. */
struct json_object *context_entries(struct json_object *document);

/* An entry for the context that no entry describes; the caller's. */
struct json_object *context_default_entry(void);

/* Loads the file, lets @act change and save it, and prints the name of the first operand. */
int context_change(struct call *call, int (*act)(const struct call *call,
						 struct json_object *document, struct error *err));

/* -ENOENT in Docker's words. */
int context_missing(const char *name, struct error *err);
