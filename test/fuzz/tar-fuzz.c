/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "store/layer/erofs-write.h"
#include "store/tar/tar.h"
#include "store/tree/tree.h"

/*
 * A tar in pieces means what it means as a whole; what comes out of the parser is clean; and any tree
 * that is accepted can be written as an index.
 */

#define ENTRIES_MAX 2000

struct seen {
	struct tree *tree;
	uint64_t sum; /* over everything that was told */
};

static void mix(struct seen *seen, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		seen->sum = (seen->sum ^ bytes[i]) * 0x100000001b3ULL;
}

static int on_entry(void *context, const struct tar_entry *e, struct error *err)
{
	struct seen *seen = context;

	FUZZ_CHECK(e->path[0] == '\0' ? e->type == TAR_DIR : path_is_plain_relative(e->path));
	FUZZ_CHECK(strlen(e->path) < TAR_PATH_MAX);
	FUZZ_CHECK(e->type == TAR_FILE || e->size == 0);
	FUZZ_CHECK(e->mode <= 07777);
	FUZZ_CHECK(e->mtime_nsec < 1000000000);
	mix(seen, e->path, strlen(e->path) + 1);
	mix(seen, &e->size, sizeof(e->size));
	mix(seen, &e->data_offset, sizeof(e->data_offset));
	for (size_t i = 0; i < e->xattr_count; i++)
		mix(seen, e->xattrs[i].value, e->xattrs[i].len);
	return tree_add(seen->tree, e, e->data_offset, err);
}

static int on_data(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	mix(context, data, len);
	return 0;
}

static const struct tar_events events = { on_entry, on_data };

static int parse(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
	auto_tar_parser *p = tar_parser_new(&events, seen, ENTRIES_MAX);
	struct error err = {};
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece)
		r = tar_parser_write(p, data + at, size - at < piece ? size - at : piece, &err);
	if (r == 0)
		r = tar_parser_finish(p, &err);
	FUZZ_CHECK(r == 0 || err.text[0]);
	return r;
}

static void write_index(struct tree *tree, uint64_t tar_size)
{
	static const uint8_t uuid[16];
	const struct erofs_options options = { tar_size, "00", uuid };
	struct error err = {};
	int fd = memfd_create("index", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(erofs_write(tree, &options, fd, &err) == 0);
	close(fd);
}

/* A mutation rarely hits a checksum, so what looks like a header gets one that is right. */
static void seal(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
		uint8_t *block = data + at;
		unsigned int sum = 0;
		char text[8];
		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		memset(block + 148, ' ', 8);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += block[i];
		(void)snprintf(text, sizeof(text), "%06o", sum);
		memcpy(block + 148, text, 7);
	}
}

static void check(const uint8_t *data, size_t size)
{
	auto_tree *whole_tree = tree_new();
	auto_tree *pieces_tree = tree_new();
	struct seen whole = { .tree = whole_tree };
	struct seen pieces = { .tree = pieces_tree };

	int r = parse(data, size, size + 1, &whole);
	FUZZ_CHECK(parse(data, size, 97, &pieces) == r);
	if (r < 0)
		return;
	FUZZ_CHECK(whole.sum == pieces.sum);
	write_index(whole_tree, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free uint8_t *sealed = xmemdup(data, size);

	check(data, size);
	seal(sealed, size);
	check(sealed, size);
	return 0;
}
