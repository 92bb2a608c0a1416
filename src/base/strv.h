/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/**
 * DOC: Lists of strings
 *
 * A `struct strv` owns its strings. @items is always followed by a NULL, so it can be given to
 * execve(2) as it is; it is NULL while the list is empty and nothing was ever added.
 */
struct strv {
	char **items;
	size_t count;
	size_t size; /* places in @items, the NULL's not counted */
};

void strv_done(struct strv *v);
#define auto_strv auto_(strv_done) struct strv

void strv_add(struct strv *v, const char *s);
void strv_add_take(struct strv *v, char *s);
void strv_addf(struct strv *v, const char *fmt, ...) printf_like(2, 3);
void strv_add_all(struct strv *v, const struct strv *more);
/* Replaces @v's content by a copy of @from. */
void strv_copy(struct strv *v, const struct strv *from);
void strv_remove(struct strv *v, size_t at);
bool strv_contains(const struct strv *v, const char *s);
/* Splits @text at every @sep; empty parts are kept, an empty text gives an empty list. */
void strv_split(struct strv *v, const char *text, char sep);

/*
 * Environment lists ("NAME=value"): env_set() replaces or adds, env_get() gives the value or NULL,
 * env_unset() removes.
 */
void env_set(struct strv *v, const char *assignment);
const char *env_get(const struct strv *v, const char *name);
void env_unset(struct strv *v, const char *name);
