/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/test.h"
#include "oci/digest.h"
#include "store/db.h"
#include "store/layer/ingest.h"
#include "store/store.h"

/**
 * DOC: What the store's tests share
 *
 * Tars are put together from raw headers, so that they can be as wrong as a test needs. A file system
 * tree is compared as text: one line for each object with everything that can be seen of it.
 */

#define TT_MAX (64u << 20)
#define TT_MTIME 1700000000

/* Appends an entry: owner 0:0, a mode by its type, TT_MTIME. @content may be NULL. */
void tt_add(struct strbuf *tar, char type, const char *name, const char *link, const char *content);

/* The same with everything given. */
struct tt_entry {
	char type;
	const char *name;
	const char *link;
	const void *content;
	size_t size;
	unsigned int mode;
	unsigned int uid;
	unsigned int gid;
	unsigned int major;
	unsigned int minor;
};
void tt_add_entry(struct strbuf *tar, const struct tt_entry *entry);

/* Appends a pax header of @type ('x' or 'g') with records "key=value", closed by NULL. */
void tt_pax(struct strbuf *tar, char type, ...) __attribute__((sentinel));

/* Appends a GNU long name ('L') or long link ('K'). */
void tt_long(struct strbuf *tar, char type, const char *text);

/* The header @back blocks before the end; tt_seal() computes its checksum anew. */
char *tt_header(struct strbuf *tar, size_t back);
void tt_seal(char *header);

void tt_end(struct strbuf *tar);

/* gzip and zstd of @in. */
void tt_gzip(const struct strbuf *in, struct strbuf *ret);
void tt_zstd(const struct strbuf *in, int window_log, struct strbuf *ret);

/* A store in a private folder. */
struct tt_store {
	int dir_fd;
	struct db *db;
	struct store *store;
	struct store_lease *lease;
	enum store_mode mode;
};
void tt_store_open(struct tt_store *s, enum store_mode mode);
void tt_store_done(struct tt_store *s);
#define auto_tt_store auto_(tt_store_done) struct tt_store

/* Closes database and store and opens them again, as a new engine would. */
void tt_store_reopen(struct tt_store *s);

/* True where EROFS can be mounted by this test. */
bool tt_can_mount(void);

/* Gives a layer in pieces of @piece bytes (0: all at once); 0 or the failure. */
int tt_ingest(struct tt_store *s, const struct strbuf *layer, const struct layer_expect *expect,
	      size_t piece, struct layer_info *ret, struct error *err);

/* Makes an image of layers that are here; @reference may be NULL. */
void tt_commit(struct tt_store *s, const struct layer_info *layers, size_t count,
	       const char *reference, const char *label, struct digest *ret);

/* Everything below a folder as text, sorted. */
void tt_manifest(int dir_fd, struct strbuf *ret);

/* How many files lie below blobs/, layers/ and tmp/ of a store. */
size_t tt_count_files(struct tt_store *s, const char *folder);
