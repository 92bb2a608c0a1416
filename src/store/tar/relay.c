/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "store/tar/buffer.h"
#include "store/tree/internal.h"
#include "store/tree/tree.h"

#define ENTRIES_MAX (2u << 20)

struct tar_relay {
	char *name; /* NULL: everything below a root */
	struct tar_parser *parser;
	struct tar_buffer buffer;
	struct tar_writer writer;
	uint64_t size; /* of the file whose content comes */
	uint64_t left;
};

/* What the topmost entry is called, as the parser gives names; "" where everything may come. */
static const char *top_of(const struct tar_relay *relay)
{
	return !relay->name || strcmp(relay->name, ".") == 0 ? "" : relay->name;
}

static bool is_asked_for(const struct tar_relay *relay, const char *path)
{
	const char *top = top_of(relay);
	size_t len = strlen(top);

	return len == 0 ||
	       (strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/'));
}

/* As tar_write_object() names what it writes. */
static int full_name(const struct tar_relay *relay, const char *path, char ret[TAR_PATH_MAX + 2],
		     struct error *err)
{
	const char *prefix = "";

	if (relay->name && *top_of(relay) == '\0')
		prefix = *path == '\0' ? relay->name : *relay->name ? "./" : "/";
	int n = snprintf(ret, TAR_PATH_MAX + 2, "%s%s", prefix, path);
	return n < (int)TAR_PATH_MAX ? 0 : error_set(err, ENAMETOOLONG, "pass on '%.200s'", path);
}

static mode_t mode_of(const struct tar_entry *e)
{
	static const mode_t types[] = {
		[TAR_FILE] = S_IFREG,        [TAR_DIR] = S_IFDIR,
		[TAR_SYMLINK] = S_IFLNK,     [TAR_HARD_LINK] = S_IFREG,
		[TAR_CHAR_DEVICE] = S_IFCHR, [TAR_BLOCK_DEVICE] = S_IFBLK,
		[TAR_FIFO] = S_IFIFO,
	};

	return types[e->type] | e->mode;
}

static dev_t device_of(const struct tar_entry *e)
{
	if (e->type != TAR_CHAR_DEVICE && e->type != TAR_BLOCK_DEVICE)
		return 0;
	return tree_keeps_device(e->type == TAR_CHAR_DEVICE, e->rdev_major, e->rdev_minor)
		       ? makedev(e->rdev_major, e->rdev_minor)
		       : makedev(TREE_INERT_MAJOR, TREE_INERT_MINOR);
}

static size_t keep_xattrs(const struct tar_entry *e, struct tar_xattr *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < e->xattr_count; i++)
		if (tree_keeps_xattr(e->xattrs[i].name))
			ret[count++] = e->xattrs[i];
	return count;
}

static int write_entry(struct tar_relay *relay, const struct tar_entry *e, const char *path,
		       const char *link, struct error *err)
{
	auto_free struct tar_xattr *xattrs = xcalloc(e->xattr_count + 1, sizeof(*xattrs));
	const struct tar_header h = {
		.path = path,
		.mode = mode_of(e),
		.uid = e->uid,
		.gid = e->gid,
		.size = e->type == TAR_FILE ? e->size : 0,
		.mtime_sec = e->mtime_sec,
		.mtime_nsec = e->mtime_nsec,
		.rdev = device_of(e),
		.link = link,
		.hard_link = e->type == TAR_HARD_LINK,
		.xattrs = xattrs,
		.xattr_count = keep_xattrs(e, xattrs),
	};

	relay->size = relay->left = h.size;
	return tar_write_header(&relay->writer, &h, err);
}

static int take_entry(void *context, const struct tar_entry *e, struct error *err)
{
	struct tar_relay *relay = context;
	char path[TAR_PATH_MAX + 2];
	char target[TAR_PATH_MAX + 2];
	bool hard = e->type == TAR_HARD_LINK;

	if (!is_asked_for(relay, e->path) || (hard && !is_asked_for(relay, e->link)))
		return error_say(err, EBADMSG, "'%.200s' was not asked for", e->path);
	if (*e->path == '\0' && !relay->name)
		return 0;
	int r = full_name(relay, e->path, path, err);
	if (r == 0 && hard)
		r = full_name(relay, e->link, target, err);
	return r < 0 ? r : write_entry(relay, e, path, hard ? target : e->link, err);
}

static int take_data(void *context, const void *data, size_t len, struct error *err)
{
	struct tar_relay *relay = context;

	if (len > relay->left)
		return error_say(err, EBADMSG, "content that belongs to no file");
	relay->left -= len;
	int r = tar_write_data(&relay->writer, data, len, err);
	return r == 0 && relay->left == 0 ? tar_write_pad(&relay->writer, relay->size, err) : r;
}

struct tar_relay *tar_relay_new(const char *name, tar_sink_fn sink, void *context)
{
	static const struct tar_events events = { .entry = take_entry, .data = take_data };
	struct tar_relay *relay = xnew(struct tar_relay);

	relay->name = name ? xstrdup(name) : NULL;
	relay->parser = tar_parser_new(&events, relay, ENTRIES_MAX);
	tar_buffer_init(&relay->buffer, sink, context);
	relay->writer = (struct tar_writer){ .sink = tar_buffer_take, .context = &relay->buffer };
	return relay;
}

void tar_relay_free(struct tar_relay *relay)
{
	if (!relay)
		return;
	tar_parser_free(relay->parser);
	tar_buffer_done(&relay->buffer);
	free(relay->name);
	free(relay);
}

int tar_relay_write(void *context, const void *data, size_t len, struct error *err)
{
	struct tar_relay *relay = context;

	return tar_parser_write(relay->parser, data, len, err);
}

int tar_relay_finish(struct tar_relay *relay, struct error *err)
{
	int r = tar_parser_finish(relay->parser, err);

	if (r == 0)
		r = tar_write_end(&relay->writer, err);
	return r < 0 ? r : tar_buffer_flush(&relay->buffer, err);
}
