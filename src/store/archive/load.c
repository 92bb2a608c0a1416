/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/archive/internal.h"
#include "store/layer/inflate.h"
#include "store/tar/tar.h"

#define ENTRIES_MAX 20000u
#define NAMES_MAX (16u << 20) /* bytes of all names and links together */
#define DOCUMENT_MAX (4u << 20)
#define DOCUMENTS_MAX (64u << 20) /* all documents together */
#define LINKS_MAX 16
/* Where the word "ustar" stands in a tar's first header. */
#define USTAR_AT 257u
#define PROGRESS_STEP (512u << 10)

enum member_kind { MEMBER_NONE, MEMBER_UNKNOWN, MEMBER_DOCUMENT, MEMBER_LAYER, MEMBER_SKIPPED };

/* The entry whose content comes. */
struct member {
	enum member_kind kind;
	char *path;
	uint64_t size;
	uint64_t done;
	uint64_t told; /* bytes that the progress function knows of */
	uint8_t head[TAR_BLOCK];
	size_t head_len;
	struct strbuf *document;
	struct layer_ingest *ingest; /* NULL once it failed */
	struct archive_layer *layer;
};

struct archive_load {
	struct archive_content content;
	archive_progress_fn progress;
	void *context;
	struct inflate *inflate;
	struct tar_parser *parser;
	uint64_t document_bytes;
	uint64_t name_bytes;
	struct member member;
};

static void free_document(void *value)
{
	struct strbuf *document = value;

	strbuf_done(document);
	free(document);
}

void archive_blob_path(const struct digest *digest, char ret[ARCHIVE_BLOB_PATH])
{
	char path[BLOB_PATH];

	blob_path(digest, path);
	snprintf(ret, ARCHIVE_BLOB_PATH, "blobs/%s", path);
}

/* ---- Looking up ---- */

static const char *follow(const struct archive_content *content, const char *path,
			  char clean[TAR_PATH_MAX])
{
	if (tar_clean_path(path, clean, NULL) < 0)
		return NULL;
	path = clean;
	for (int i = 0; i < LINKS_MAX; i++) {
		const char *next = map_get(content->aliases, path);
		if (!next)
			return path;
		path = next;
	}
	return NULL;
}

const struct strbuf *archive_document(const struct archive_content *content, const char *path)
{
	char clean[TAR_PATH_MAX];

	path = follow(content, path, clean);
	return path ? map_get(content->documents, path) : NULL;
}

const struct archive_layer *archive_layer_at(const struct archive_content *content,
					     const char *path)
{
	char clean[TAR_PATH_MAX];

	path = follow(content, path, clean);
	return path ? map_get(content->layers, path) : NULL;
}

/* ---- Entries ---- */

static void tell(struct archive_load *load, const char *status)
{
	const struct member *m = &load->member;
	const char *slash = strrchr(m->path, '/');
	const char *name = slash ? slash + 1 : m->path;
	char id[13];

	if (!load->progress)
		return;
	/* "<id>/layer.tar" has its id in the folder's name. */
	if (slash && strcmp(name, "layer.tar") == 0)
		name = m->path;
	snprintf(id, sizeof(id), "%.12s", name);
	load->progress(load->context, id, status, m->done, m->size);
}

/* The digest that an OCI layout's path promises. */
static bool promised_digest(const char *path, struct digest *ret)
{
	const char *const prefix = "blobs/";
	char text[DIGEST_TEXT];

	if (strncmp(path, prefix, strlen(prefix)) != 0)
		return false;
	snprintf(text, sizeof(text), "%s", path + strlen(prefix));
	char *slash = strchr(text, '/');
	if (!slash)
		return false;
	*slash = ':';
	return digest_parse(text, ret, NULL) == 0;
}

static int begin_layer(struct archive_load *load, struct error *err)
{
	struct member *m = &load->member;
	struct digest digest;
	bool promised = promised_digest(m->path, &digest);
	const struct layer_expect expect = {
		.blob = promised ? &digest : NULL,
		.size = (int64_t)m->size,
	};

	m->layer = xnew(struct archive_layer);
	map_set(load->content.layers, m->path, m->layer);
	if (promised && layer_describe(load->content.lease, &digest, &m->layer->info)) {
		m->kind = MEMBER_SKIPPED;
		m->done = m->size;
		tell(load, "Already exists");
		return 0;
	}
	m->kind = MEMBER_LAYER;
	return layer_ingest_begin(load->content.lease, &expect, &m->ingest, err);
}

static int begin_document(struct archive_load *load, struct error *err)
{
	struct member *m = &load->member;

	load->document_bytes += m->size;
	if (load->document_bytes > DOCUMENTS_MAX)
		return error_say(err, EFBIG, "archive has too many documents");
	m->kind = MEMBER_DOCUMENT;
	m->document = xnew(struct strbuf);
	strbuf_init(m->document, DOCUMENT_MAX);
	map_set(load->content.documents, m->path, m->document);
	return 0;
}

/* The first bytes tell: a name or a media type is only what somebody says. */
static bool looks_like_document(const struct member *m)
{
	size_t at = 0;

	while (at < m->head_len && strchr(" \t\r\n", m->head[at]) && m->head[at])
		at++;
	bool json = at < m->head_len && (m->head[at] == '{' || m->head[at] == '[');
	bool tar = m->head_len == TAR_BLOCK && memcmp(m->head + USTAR_AT, "ustar", 5) == 0;
	return json && !tar && m->size <= DOCUMENT_MAX;
}

/* A layer that is none is no reason to refuse the archive unless an image names it. */
static int layer_failed(struct member *m, int r, const struct error *cause, struct error *err)
{
	layer_ingest_free(take_ptr(m->ingest));
	if (r == -EBADMSG || r == -EFBIG || r == -ENAMETOOLONG) {
		m->layer->err = *cause;
		return 0;
	}
	if (err)
		*err = *cause;
	return r;
}

static int give(struct archive_load *load, const void *data, size_t len, struct error *err)
{
	struct member *m = &load->member;
	struct error cause = { 0 };

	m->done += m->kind == MEMBER_SKIPPED ? 0 : len;
	if (m->kind == MEMBER_DOCUMENT)
		strbuf_add(m->document, data, len);
	if (m->kind != MEMBER_LAYER || !m->ingest)
		return 0;
	int r = layer_ingest_write(m->ingest, data, len, &cause);
	if (r < 0)
		return layer_failed(m, r, &cause, err);
	if (m->done - m->told >= PROGRESS_STEP) {
		m->told = m->done;
		tell(load, "Loading layer");
	}
	return 0;
}

static int classify(struct archive_load *load, struct error *err)
{
	struct member *m = &load->member;

	int r = looks_like_document(m) ? begin_document(load, err) : begin_layer(load, err);
	return r < 0 ? r : give(load, m->head, m->head_len, err);
}

/* The entry before is complete. */
static int end_member(struct archive_load *load, struct error *err)
{
	struct member *m = &load->member;
	struct error cause = { 0 };
	int r = 0;

	if (m->kind == MEMBER_UNKNOWN && m->size > 0)
		r = classify(load, err);
	if (r == 0 && m->kind == MEMBER_LAYER && m->ingest) {
		r = layer_ingest_finish(m->ingest, &m->layer->info, &cause);
		if (r < 0)
			r = layer_failed(m, r, &cause, err);
		else
			tell(load, "Loading layer");
	}
	layer_ingest_free(m->ingest);
	free(m->path);
	*m = (struct member){ 0 };
	return r;
}

/* Where a symbolic link in the archive leads, as a clean path. ".." stops at the archive's top. */
static char *resolve_symlink(const char *path, const char *target)
{
	auto_strv parts = { 0 };
	auto_strv all = { 0 };
	const char *slash = *target == '/' ? NULL : strrchr(path, '/');
	auto_free char *joined =
		slash ? xasprintf("%.*s/%s", (int)(slash - path), path, target) : xstrdup(target);
	struct strbuf clean = STRBUF_INIT(TAR_PATH_MAX);

	strv_split(&all, joined, '/');
	for (size_t i = 0; i < all.count; i++) {
		const char *part = all.items[i];
		if (*part == '\0' || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") != 0)
			strv_add(&parts, part);
		else if (parts.count > 0)
			strv_remove(&parts, parts.count - 1);
	}
	for (size_t i = 0; i < parts.count; i++)
		strbuf_addf(&clean, "%s%s", i ? "/" : "", parts.items[i]);
	return strbuf_take(&clean);
}

static bool is_known_path(const struct archive_load *load, const char *path)
{
	return map_get(load->content.documents, path) || map_get(load->content.layers, path) ||
	       map_get(load->content.aliases, path);
}

static int on_entry(void *context, const struct tar_entry *entry, struct error *err)
{
	struct archive_load *load = context;

	int r = end_member(load, err);
	if (r < 0 || entry->type == TAR_DIR)
		return r;
	load->name_bytes += strlen(entry->path) + (entry->link ? strlen(entry->link) : 0);
	if (load->name_bytes > NAMES_MAX)
		return error_say(err, EFBIG, "the names in the archive are too long together");
	if (is_known_path(load, entry->path))
		return error_say(err, EBADMSG, "archive has '%.200s' twice", entry->path);
	switch (entry->type) {
	case TAR_SYMLINK:
		map_set(load->content.aliases, entry->path,
			resolve_symlink(entry->path, entry->link));
		return 0;
	case TAR_HARD_LINK:
		map_set(load->content.aliases, entry->path, xstrdup(entry->link));
		return 0;
	case TAR_FILE:
		load->member.kind = MEMBER_UNKNOWN;
		load->member.path = xstrdup(entry->path);
		load->member.size = entry->size;
		return 0;
	default:
		return error_say(err, EBADMSG, "archive has a device or pipe '%.200s'",
				 entry->path);
	}
}

static int on_data(void *context, const void *data, size_t len, struct error *err)
{
	struct archive_load *load = context;
	struct member *m = &load->member;
	const uint8_t *at = data;

	if (m->kind == MEMBER_UNKNOWN) {
		size_t take = sizeof(m->head) - m->head_len;
		if (take > len)
			take = len;
		memcpy(m->head + m->head_len, at, take);
		m->head_len += take;
		at += take;
		len -= take;
		if (m->head_len < sizeof(m->head))
			return 0;
		int r = classify(load, err);
		if (r < 0)
			return r;
	}
	return len ? give(load, at, len, err) : 0;
}

/* ---- Interface ---- */

static const struct tar_events events = { .entry = on_entry, .data = on_data };

static int on_inflated(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct archive_load *load = context;
	return tar_parser_write(load->parser, data, len, err);
}

int archive_load_begin(struct store *store, archive_progress_fn progress, void *context,
		       struct archive_load **ret, struct error *err)
{
	struct archive_load *load = xnew(struct archive_load);

	(void)err;
	load->progress = progress;
	load->context = context;
	load->content.store = store;
	load->content.lease = store_lease_new(store);
	store_lease_collect(load->content.lease);
	load->content.documents = map_new(free_document);
	load->content.layers = map_new(free);
	load->content.aliases = map_new(free);
	load->parser = tar_parser_new(&events, load, ENTRIES_MAX);
	load->inflate = inflate_new(on_inflated, load);
	*ret = load;
	return 0;
}

int archive_load_write(struct archive_load *load, const void *data, size_t len, struct error *err)
{
	int r = inflate_write(load->inflate, data, len, err);
	return r < 0 ? error_prefix(err, "load archive") : 0;
}

int archive_load_finish(struct archive_load *load, struct strv *references, struct strv *ids,
			struct error *err)
{
	int r = inflate_finish(load->inflate, err);
	if (r == 0)
		r = tar_parser_finish(load->parser, err);
	if (r == 0)
		r = end_member(load, err);
	if (r == 0)
		r = archive_decide(&load->content, references, ids, err);
	return r < 0 ? error_prefix(err, "load archive") : 0;
}

void archive_load_free(struct archive_load *load)
{
	if (!load)
		return;
	layer_ingest_free(load->member.ingest);
	free(load->member.path);
	inflate_free(load->inflate);
	tar_parser_free(load->parser);
	map_free(load->content.documents);
	map_free(load->content.layers);
	map_free(load->content.aliases);
	store_lease_free(load->content.lease);
	free(load);
}
