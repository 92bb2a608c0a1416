/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/macros.h"

/**
 * DOC: Memory
 *
 * Running out of memory ends the process; keepers hold the instances meanwhile and the next engine
 * takes them back. None of these returns NULL. In exchange, every buffer that a peer can make grow
 * has a cap given when it is made.
 */

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
/* As xrealloc() for an array; a product that overflows ends the process. */
void *xreallocarray(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* As xstrdup(), but NULL gives NULL. */
char *xstrdup_or_null(const char *s);
char *xstrndup(const char *s, size_t max) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *p, size_t size) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) printf_like(1, 2) __attribute__((malloc, returns_nonnull));

/* Allocates one zeroed object of a type. */
#define xnew(type) ((type *)xcalloc(1, sizeof(type)))
