/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/erofs-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/layer/erofs-format.h"

#define META_AT (3 * EROFS_BLOCK)
/* Not the first slot: its nid is 0, and a name with that inode number is none for readdir(3). */
#define ROOT_AT (META_AT + EROFS_SLOT)
#define BUFFER_SIZE (1u << 20)
#define NO_BLOCK UINT32_MAX

/* An inode in the order of writing, with what pass one found out for pass two. */
struct item {
	struct tree_inode *inode;
	struct tree_dirent **children; /* of a folder, sorted */
	size_t child_count;
	uint64_t parent_nid;
	uint64_t at;   /* place in the image */
	uint64_t size; /* of the content that lies in the image: folder or target */
	uint32_t xattr_bytes;
	uint32_t block; /* first block of content that is not inline; NO_BLOCK where inline */
};

struct writer {
	const struct erofs_options *options;
	struct item *items;
	size_t count;
	size_t room;
	uint64_t meta_end;
	uint64_t data_blocks; /* blocks behind the inodes */
	int fd;
	uint64_t written;
	uint8_t *buffer;
	size_t buffered;
	int result; /* first failure of writing */
};

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

/* ---- Attributes ---- */

static uint8_t xattr_index(const char *name, const char **ret_rest)
{
	static const struct {
		const char *prefix;
		uint8_t index;
	} prefixes[] = {
		{ "system.posix_acl_access", EROFS_XATTR_ACL_ACCESS },
		{ "system.posix_acl_default", EROFS_XATTR_ACL_DEFAULT },
		{ "user.", EROFS_XATTR_USER },
		{ "trusted.", EROFS_XATTR_TRUSTED },
		{ "security.", EROFS_XATTR_SECURITY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i].prefix);
		if (strncmp(name, prefixes[i].prefix, len) == 0) {
			*ret_rest = name + len;
			return prefixes[i].index;
		}
	}
	return 0;
}

static uint32_t xattr_size(const char *name, size_t len)
{
	const char *rest = NULL;

	if (xattr_index(name, &rest) == 0)
		return 0;
	return (uint32_t)round_up(sizeof(struct erofs_xattr) + strlen(rest) + len, 4);
}

static uint32_t xattrs_size(const struct tree_inode *inode)
{
	uint32_t size = 0;

	for (size_t i = 0; inode->xattrs && i < inode->xattrs->count; i++)
		size += xattr_size(inode->xattrs->items[i].name, inode->xattrs->items[i].len);
	if (inode->opaque)
		size += xattr_size(TREE_OPAQUE_NAME, 1);
	return size ? EROFS_XATTR_HEADER + size : 0;
}

/* ---- Folders ---- */

static uint8_t file_type(const struct tree_inode *inode)
{
	static const uint8_t types[] = {
		[TREE_FILE] = EROFS_FT_FILE,       [TREE_DIR] = EROFS_FT_DIR,
		[TREE_SYMLINK] = EROFS_FT_SYMLINK, [TREE_CHAR] = EROFS_FT_CHAR,
		[TREE_BLOCK] = EROFS_FT_BLOCK,     [TREE_FIFO] = EROFS_FT_FIFO,
		[TREE_WHITEOUT] = EROFS_FT_CHAR,
	};

	return types[inode->kind];
}

struct entry {
	const char *name;
	size_t len;
	uint64_t nid;
	uint8_t type;
};

/* Merges "." and ".." among the children: names such as "!" or "-" sort before them. */
static struct entry *sorted_entries(const struct item *item)
{
	struct entry *entries = xcalloc(item->child_count + 2, sizeof(*entries));
	const struct entry dots[] = {
		{ ".", 1, item->inode->nid, EROFS_FT_DIR },
		{ "..", 2, item->parent_nid, EROFS_FT_DIR },
	};
	size_t made = 0;
	size_t dot = 0;

	for (size_t i = 0; i < item->child_count; i++) {
		const struct tree_dirent *d = item->children[i];
		while (dot < 2 && strcmp(dots[dot].name, d->name) < 0)
			entries[made++] = dots[dot++];
		entries[made++] =
			(struct entry){ d->name, d->len, d->inode->nid, file_type(d->inode) };
	}
	while (dot < 2)
		entries[made++] = dots[dot++];
	return entries;
}

/* ---- Pass one: places ---- */

static uint64_t dirents_size(const struct item *item)
{
	auto_free struct entry *entries = sorted_entries(item);
	uint64_t full = 0;
	uint64_t used = 0;

	for (size_t i = 0; i < item->child_count + 2; i++) {
		size_t need = sizeof(struct erofs_dirent) + entries[i].len;
		if (used + need > EROFS_BLOCK) {
			full += EROFS_BLOCK;
			used = 0;
		}
		used += need;
	}
	return full + used;
}

static uint64_t content_in_image(const struct item *item)
{
	if (item->inode->kind == TREE_DIR)
		return dirents_size(item);
	return item->inode->kind == TREE_SYMLINK ? item->inode->size : 0;
}

/* The inode itself and inline content must each lie within one block. */
static bool fits_at(uint64_t at, uint32_t xattr_bytes, uint64_t tail)
{
	uint64_t in_block = at % EROFS_BLOCK;
	uint64_t tail_at = (at + sizeof(struct erofs_inode) + xattr_bytes) % EROFS_BLOCK;

	return in_block + sizeof(struct erofs_inode) <= EROFS_BLOCK &&
	       tail_at + tail <= EROFS_BLOCK;
}

static bool find_place(uint64_t from, uint32_t xattr_bytes, uint64_t tail, uint64_t *ret)
{
	for (uint64_t at = from; at < from + EROFS_BLOCK; at += EROFS_SLOT) {
		if (fits_at(at, xattr_bytes, tail)) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static void place(struct writer *w, struct item *item)
{
	uint64_t from = round_up(w->meta_end, EROFS_SLOT);

	item->xattr_bytes = xattrs_size(item->inode);
	item->size = content_in_image(item);
	item->block = NO_BLOCK;
	if (item->size > EROFS_BLOCK ||
	    !find_place(from, item->xattr_bytes, item->size, &item->at)) {
		item->block = (uint32_t)w->data_blocks;
		w->data_blocks += round_up(item->size, EROFS_BLOCK) / EROFS_BLOCK;
		(void)find_place(from, item->xattr_bytes, 0, &item->at);
	}

	uint64_t end = item->at + sizeof(struct erofs_inode) + item->xattr_bytes;
	if (item->inode->kind == TREE_FILE && item->inode->size > 0)
		end = round_up(end, sizeof(struct erofs_chunk)) + sizeof(struct erofs_chunk);
	else if (item->block == NO_BLOCK)
		end += item->size;
	w->meta_end = end;
	item->inode->nid = (item->at - META_AT) / EROFS_SLOT;
}

static void add_item(struct writer *w, struct tree_inode *inode, uint64_t parent_nid)
{
	if (w->count == w->room) {
		w->room = w->room ? w->room * 2 : 1024;
		w->items = xreallocarray(w->items, w->room, sizeof(*w->items));
	}
	struct item *item = &w->items[w->count++];
	*item = (struct item){ .inode = inode, .parent_nid = parent_nid };
	if (inode->kind == TREE_DIR)
		item->child_count = tree_children(inode, &item->children);
	place(w, item);
}

/* Breadth first; an inode with several names is placed at its first. */
static void place_all(struct writer *w, struct tree_inode *root)
{
	w->meta_end = ROOT_AT;
	add_item(w, root, 0);
	w->items[0].parent_nid = root->nid;
	for (size_t i = 0; i < w->count; i++) {
		size_t count = w->items[i].child_count;
		for (size_t c = 0; c < count; c++) {
			struct tree_inode *child = w->items[i].children[c]->inode;
			/* No inode has nid 0; a folder's field still holds its parent. */
			if (child->kind == TREE_DIR || child->nid == 0)
				add_item(w, child, w->items[i].inode->nid);
		}
	}
}

/* ---- Pass two: bytes ---- */

static void flush(struct writer *w)
{
	if (w->result == 0 && w->buffered > 0)
		w->result = write_full(w->fd, w->buffer, w->buffered);
	w->buffered = 0;
}

static void put(struct writer *w, const void *data, size_t len)
{
	const uint8_t *at = data;

	w->written += len;
	while (len > 0) {
		size_t take = BUFFER_SIZE - w->buffered;
		if (take > len)
			take = len;
		memcpy(w->buffer + w->buffered, at, take);
		w->buffered += take;
		at += take;
		len -= take;
		if (w->buffered == BUFFER_SIZE)
			flush(w);
	}
}

static void put_zeros(struct writer *w, uint64_t until)
{
	static const uint8_t zeros[EROFS_BLOCK];

	while (w->written < until) {
		uint64_t len = until - w->written;
		put(w, zeros, len < sizeof(zeros) ? (size_t)len : sizeof(zeros));
	}
}

/* One block of a folder: the fixed parts, then the names in the same order. */
static void put_dir_block(struct writer *w, const struct entry *entries, size_t count)
{
	size_t name_at = count * sizeof(struct erofs_dirent);

	for (size_t i = 0; i < count; i++) {
		struct erofs_dirent d = {
			.nid = htole64(entries[i].nid),
			.name_at = htole16((uint16_t)name_at),
			.type = entries[i].type,
		};
		put(w, &d, sizeof(d));
		name_at += entries[i].len;
	}
	for (size_t i = 0; i < count; i++)
		put(w, entries[i].name, entries[i].len);
}

static void put_dir(struct writer *w, const struct item *item)
{
	auto_free struct entry *entries = sorted_entries(item);
	uint64_t start = w->written;
	size_t first = 0;
	size_t used = 0;

	for (size_t i = 0; i < item->child_count + 2; i++) {
		size_t need = sizeof(struct erofs_dirent) + entries[i].len;
		if (used + need > EROFS_BLOCK) {
			put_dir_block(w, entries + first, i - first);
			put_zeros(w, start + round_up(w->written - start, EROFS_BLOCK));
			first = i;
			used = 0;
		}
		used += need;
	}
	put_dir_block(w, entries + first, item->child_count + 2 - first);
}

static void put_content(struct writer *w, const struct item *item)
{
	if (item->inode->kind == TREE_DIR)
		put_dir(w, item);
	else
		put(w, item->inode->target, item->size);
}

static void put_xattr(struct writer *w, const char *name, const void *value, size_t len)
{
	const char *rest = NULL;
	uint8_t index = xattr_index(name, &rest);

	if (index == 0)
		return;
	struct erofs_xattr x = {
		.name_len = (uint8_t)strlen(rest),
		.index = index,
		.value_len = htole16((uint16_t)len),
	};
	put(w, &x, sizeof(x));
	put(w, rest, strlen(rest));
	put(w, value, len);
	put_zeros(w, round_up(w->written, 4));
}

static void put_xattrs(struct writer *w, const struct item *item)
{
	static const uint8_t header[EROFS_XATTR_HEADER];
	const struct tree_xattrs *list = item->inode->xattrs;

	if (item->xattr_bytes == 0)
		return;
	put(w, header, sizeof(header));
	for (size_t i = 0; list && i < list->count; i++)
		put_xattr(w, list->items[i].name, list->items[i].value, list->items[i].len);
	if (item->inode->opaque)
		put_xattr(w, TREE_OPAQUE_NAME, "y", 1);
}

/* The kernel's 32-bit form of a device number. */
static uint32_t encode_device(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
}

/* How many doublings of a block make one chunk of the whole file. */
static uint32_t chunk_bits(uint64_t size)
{
	uint32_t bits = 0;

	while (bits < EROFS_CHUNK_BITS_MAX && ((uint64_t)EROFS_BLOCK << bits) < size)
		bits++;
	return bits;
}

static void put_inode(struct writer *w, const struct item *item, size_t number)
{
	const struct tree_inode *inode = item->inode;
	bool has_chunk = inode->kind == TREE_FILE && inode->size > 0;
	uint32_t meta_blocks = (uint32_t)(w->meta_end / EROFS_BLOCK);
	enum erofs_layout layout = EROFS_PLAIN;
	uint32_t u = 0;

	if (has_chunk) {
		layout = EROFS_CHUNKED;
		u = EROFS_CHUNK_INDEXES | chunk_bits(inode->size);
	} else if (inode->kind == TREE_CHAR || inode->kind == TREE_BLOCK) {
		u = encode_device(inode->rdev.major, inode->rdev.minor);
	} else if (item->block != NO_BLOCK) {
		u = meta_blocks + item->block;
	} else if (item->size > 0) {
		layout = EROFS_INLINE;
	}

	struct erofs_inode disk = {
		.format = htole16((uint16_t)(EROFS_INODE_EXTENDED | (unsigned int)layout << 1)),
		.xattr_icount = htole16(
			item->xattr_bytes
				? (uint16_t)((item->xattr_bytes - EROFS_XATTR_HEADER) / 4 + 1)
				: 0),
		.mode = htole16((uint16_t)tree_mode(inode)),
		.size = htole64(has_chunk ? inode->size : item->size),
		.u = htole32(u),
		.ino = htole32((uint32_t)number),
		.uid = htole32(inode->uid),
		.gid = htole32(inode->gid),
		.mtime = htole64((uint64_t)inode->mtime_sec),
		.mtime_nsec = htole32(inode->mtime_nsec),
		.nlink = htole32(inode->nlink),
	};
	put_zeros(w, item->at);
	put(w, &disk, sizeof(disk));
	put_xattrs(w, item);
	if (has_chunk) {
		struct erofs_chunk chunk = {
			.device = htole16(1),
			.block = htole32((uint32_t)(inode->data / EROFS_BLOCK)),
		};
		put_zeros(w, round_up(w->written, sizeof(chunk)));
		put(w, &chunk, sizeof(chunk));
	} else if (item->block == NO_BLOCK) {
		put_content(w, item);
	}
}

/* CRC-32C (Castagnoli) without the final inversion, as the super block has it. */
static uint32_t crc32c(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc;
}

static void put_super(struct writer *w)
{
	uint8_t block[EROFS_BLOCK] = { 0 };
	uint64_t tar_blocks = round_up(w->options->tar_size, EROFS_BLOCK) / EROFS_BLOCK;
	struct erofs_super super = {
		.magic = htole32(EROFS_MAGIC),
		.feature_compat = htole32(EROFS_COMPAT_CHECKSUM | EROFS_COMPAT_MTIME),
		.block_bits = EROFS_BLOCK_BITS,
		.root_nid = htole16((uint16_t)w->items[0].inode->nid),
		.inodes = htole64(w->count),
		.blocks = htole32((uint32_t)(w->meta_end / EROFS_BLOCK + w->data_blocks)),
		.meta_block = htole32(META_AT / EROFS_BLOCK),
		.feature_incompat = htole32(EROFS_INCOMPAT_CHUNKED | EROFS_INCOMPAT_DEVICES),
		.extra_devices = htole16(1),
		.device_slot =
			htole16((EROFS_SUPER_AT + sizeof(struct erofs_super)) / EROFS_DEVICE_SLOT),
	};
	struct erofs_device device = { .blocks = htole32((uint32_t)tar_blocks) };

	memcpy(super.uuid, w->options->uuid, sizeof(super.uuid));
	memcpy(device.tag, w->options->tag, strnlen(w->options->tag, sizeof(device.tag)));
	memcpy(block, &super, sizeof(super));
	memcpy(block + sizeof(super), &device, sizeof(device));
	super.checksum = htole32(crc32c(block, sizeof(block)));
	memcpy(block, &super, sizeof(super));

	put_zeros(w, EROFS_SUPER_AT);
	put(w, block, sizeof(block));
}

static void put_all(struct writer *w)
{
	put_super(w);
	for (size_t i = 0; i < w->count; i++)
		put_inode(w, &w->items[i], i + 1);
	put_zeros(w, w->meta_end);
	for (size_t i = 0; i < w->count; i++) {
		if (w->items[i].block == NO_BLOCK)
			continue;
		put_content(w, &w->items[i]);
		put_zeros(w, round_up(w->written, EROFS_BLOCK));
	}
	flush(w);
}

int erofs_write(struct tree *tree, const struct erofs_options *options, int fd, struct error *err)
{
	struct writer w = { .options = options, .fd = fd };
	int r = 0;

	place_all(&w, tree_root(tree));
	w.meta_end = round_up(w.meta_end, EROFS_BLOCK);
	if (w.meta_end / EROFS_BLOCK + w.data_blocks >= UINT32_MAX ||
	    options->tar_size / EROFS_BLOCK >= UINT32_MAX) {
		r = error_say(err, EFBIG, "layer is too large for an EROFS index");
	} else {
		w.buffer = xmalloc(BUFFER_SIZE);
		put_all(&w);
		if (w.result < 0)
			r = error_set(err, w.result, "write an EROFS index");
	}
	for (size_t i = 0; i < w.count; i++)
		free(w.items[i].children);
	free(w.items);
	free(w.buffer);
	return r;
}
