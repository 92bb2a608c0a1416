/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/tar/internal.h"

/*
 *            ┌──────────────── header of an entry without content ─────────────┐
 *            ▼                                                                 │
 *	HEADER ──► (extended header) META ──► PAD ──► HEADER                       │
 *	  │  └───► (entry) DATA ──► PAD ──► HEADER ───────────────────────────────┘
 *	  └──────► (empty block) ZERO ──► (empty block) END; anything else is refused
 */
enum tar_state { TAR_HEADER, TAR_META, TAR_DATA, TAR_PAD, TAR_ZERO, TAR_END };

struct tar_parser {
	const struct tar_events *events;
	void *context;
	enum tar_state state;
	uint64_t offset;  /* bytes consumed */
	uint64_t left;    /* bytes of META, DATA or PAD still to come */
	uint64_t pad;     /* bytes of padding that follow META or DATA */
	uint64_t entries; /* headers seen */
	uint64_t entries_max;
	uint8_t block[TAR_BLOCK]; /* a header that came in pieces */
	size_t block_len;
	char meta_type; /* 'x', 'g', 'L' or 'K' */
	struct strbuf meta;
	struct tar_extra extra;
	char path[TAR_PATH_MAX];
	char link[TAR_PATH_MAX];
};

struct tar_parser *tar_parser_new(const struct tar_events *events, void *context,
				  uint64_t entries_max)
{
	struct tar_parser *p = xnew(struct tar_parser);

	p->events = events;
	p->context = context;
	p->entries_max = entries_max;
	strbuf_init(&p->meta, TAR_PAX_MAX);
	return p;
}

void tar_parser_free(struct tar_parser *p)
{
	if (!p)
		return;
	strbuf_done(&p->meta);
	tar_extra_clear(&p->extra);
	free(p);
}

uint64_t tar_parser_entries(const struct tar_parser *p)
{
	return p->entries;
}

int tar_clean_path(const char *name, char ret[TAR_PATH_MAX], struct error *err)
{
	size_t made = 0;
	unsigned int depth = 0;

	while (*name) {
		size_t len = strcspn(name, "/");
		const char *part = name;

		name += len + (name[len] == '/');
		if (len == 0 || (len == 1 && part[0] == '.'))
			continue;
		if (len == 2 && memcmp(part, "..", 2) == 0)
			return error_say(err, EBADMSG, "tar: a path has a part '..'");
		if (len > TAR_NAME_MAX || made + len + 2 > TAR_PATH_MAX || ++depth > TAR_DEPTH_MAX)
			return error_say(err, ENAMETOOLONG, "tar: a path is too long or too deep");
		if (made > 0)
			ret[made++] = '/';
		memmove(ret + made, part, len);
		made += len;
	}
	ret[made] = '\0';
	return 0;
}

static bool is_empty_block(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

static uint64_t padding_of(uint64_t size)
{
	return -size & (TAR_BLOCK - 1);
}

static int begin_meta(struct tar_parser *p, const struct tar_block *b, struct error *err)
{
	bool pax = b->type == 'x' || b->type == 'g';

	if (b->size > (pax ? TAR_PAX_MAX : TAR_PATH_MAX))
		return error_say(err, EFBIG, "tar: an extended header has %llu bytes",
				 (unsigned long long)b->size);
	if ((b->type == 'x' && p->extra.pax) || (b->type == 'L' && p->extra.gnu_name) ||
	    (b->type == 'K' && p->extra.gnu_link))
		return error_say(err, EBADMSG, "tar: an entry has the same extended header twice");
	p->meta_type = b->type;
	strbuf_clear(&p->meta);
	p->state = TAR_META;
	p->left = b->size;
	p->pad = padding_of(b->size);
	return 0;
}

/* A long name ends with a NUL: without it, or with more behind it, readers differ in where it ends. */
static int take_gnu_name(struct tar_parser *p, char **ret, struct error *err)
{
	const char *text = strbuf_text(&p->meta);
	size_t len = strlen(text);

	for (size_t i = len; i < p->meta.len; i++) {
		if (text[i] != '\0')
			return error_say(err, EBADMSG, "tar: a long name has a zero byte");
	}
	if (len == p->meta.len)
		return error_say(err, EBADMSG, "tar: a long name has no end");
	if (len == 0 || len >= TAR_PATH_MAX)
		return error_say(err, EBADMSG, "tar: a long name is empty or too long");
	*ret = xstrdup(text);
	return 0;
}

static int end_meta(struct tar_parser *p, struct error *err)
{
	switch (p->meta_type) {
	case 'x':
		return tar_pax_decode(strbuf_text(&p->meta), p->meta.len, &p->extra, err);
	case 'g':
		return tar_pax_check_global(strbuf_text(&p->meta), p->meta.len, err);
	case 'L':
		return take_gnu_name(p, &p->extra.gnu_name, err);
	default:
		return take_gnu_name(p, &p->extra.gnu_link, err);
	}
}

/* The one of three places that says a name; pax and GNU must not differ. */
static int choose_name(const char *pax, const char *gnu, const char *plain, const char **ret,
		       struct error *err)
{
	if (pax && gnu && strcmp(pax, gnu) != 0)
		return error_say(err, EBADMSG, "tar: pax and GNU long names differ");
	*ret = pax ? pax : gnu ? gnu : plain;
	return 0;
}

static int entry_type(const struct tar_block *b, const char *name, enum tar_type *ret,
		      struct error *err)
{
	size_t len = strlen(name);
	bool slash = len > 0 && name[len - 1] == '/';

	switch (b->type) {
	case '0':
	case '7':
	case '\0':
		/* Readers that know old tars take this for a folder, others for a file. */
		if (slash && b->type != '\0')
			return error_say(err, EBADMSG, "tar: the name of a file ends with '/'");
		*ret = slash ? TAR_DIR : TAR_FILE;
		return 0;
	case '1':
		*ret = TAR_HARD_LINK;
		return 0;
	case '2':
		*ret = TAR_SYMLINK;
		return 0;
	case '3':
		*ret = TAR_CHAR_DEVICE;
		return 0;
	case '4':
		*ret = TAR_BLOCK_DEVICE;
		return 0;
	case '5':
		*ret = TAR_DIR;
		return 0;
	case '6':
		*ret = TAR_FIFO;
		return 0;
	case 'S':
		return error_say(err, EBADMSG, "tar: sparse files are not supported");
	default:
		return error_say(err, EBADMSG, "tar: entry type 0x%02x is not known",
				 (unsigned char)b->type);
	}
}

static int fill_ids(const struct tar_block *b, const struct tar_extra *x, struct tar_entry *e,
		    struct error *err)
{
	uint64_t uid = x->have & TAR_PAX_UID ? x->uid : b->uid;
	uint64_t gid = x->have & TAR_PAX_GID ? x->gid : b->gid;

	if (uid >= UINT32_MAX || gid >= UINT32_MAX)
		return error_say(err, EBADMSG, "tar: an owner is out of range");
	if (b->rdev_major > UINT32_MAX || b->rdev_minor > UINT32_MAX)
		return error_say(err, EBADMSG, "tar: a device number is out of range");
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	e->rdev_major = (uint32_t)b->rdev_major;
	e->rdev_minor = (uint32_t)b->rdev_minor;
	return 0;
}

static int fill_link(struct tar_parser *p, const struct tar_block *b, struct tar_entry *e,
		     struct error *err)
{
	const char *link = NULL;

	int r = choose_name(p->extra.link, p->extra.gnu_link, b->link, &link, err);
	if (r < 0)
		return r;
	if (e->type == TAR_HARD_LINK) {
		e->link = p->link;
		return tar_clean_path(link, p->link, err);
	}
	if (*link == '\0')
		return error_say(err, EBADMSG, "tar: a symbolic link is empty");
	e->link = link;
	return 0;
}

/* How many bytes of content follow. */
static int fill_size(const struct tar_block *b, const struct tar_extra *x, struct tar_entry *e,
		     struct error *err)
{
	uint64_t size = x->have & TAR_PAX_SIZE ? x->size : b->size;

	if (e->type == TAR_HARD_LINK)
		size = 0;
	if (e->type != TAR_FILE && size > 0)
		return error_say(err, EBADMSG, "tar: an entry that is no file has content");
	if (size > INT64_MAX - TAR_BLOCK)
		return error_say(err, EFBIG, "tar: the size of a file is out of range");
	e->size = size;
	return 0;
}

static int take_entry(struct tar_parser *p, const struct tar_block *b, struct error *err)
{
	const struct tar_extra *x = &p->extra;
	const char *name = b->name;
	struct tar_entry e = {
		.path = p->path,
		.mode = b->mode,
		.mtime_sec = x->have & TAR_PAX_MTIME ? x->mtime_sec : b->mtime,
		.mtime_nsec = x->mtime_nsec,
		.xattrs = x->xattrs,
		.xattr_count = x->xattr_count,
		.data_offset = p->offset,
	};

	int r = choose_name(x->path, x->gnu_name, b->name, &name, err);
	if (r == 0)
		r = entry_type(b, name, &e.type, err);
	if (r == 0)
		r = tar_clean_path(name, p->path, err);
	if (r == 0 && p->path[0] == '\0' && e.type != TAR_DIR)
		r = error_say(err, EBADMSG, "tar: an entry has no name");
	if (r == 0)
		r = fill_ids(b, x, &e, err);
	if (r == 0 && (e.type == TAR_SYMLINK || e.type == TAR_HARD_LINK))
		r = fill_link(p, b, &e, err);
	if (r == 0)
		r = fill_size(b, x, &e, err);
	if (r == 0)
		r = p->events->entry(p->context, &e, err);
	if (r < 0)
		return error_prefix(err, "entry '%.200s'", name);

	tar_extra_clear(&p->extra);
	p->state = TAR_DATA;
	p->left = e.size;
	p->pad = padding_of(e.size);
	return 0;
}

static int take_header(struct tar_parser *p, const uint8_t *block, struct error *err)
{
	struct tar_block b;

	p->offset += TAR_BLOCK;
	if (is_empty_block(block)) {
		if (p->extra.pax || p->extra.gnu_name || p->extra.gnu_link)
			return error_say(err, EBADMSG, "tar: an extended header has no entry");
		p->state = p->state == TAR_ZERO ? TAR_END : TAR_ZERO;
		return 0;
	}
	if (p->state == TAR_ZERO)
		return error_say(err, EBADMSG, "tar: an entry follows an empty block");
	if (++p->entries > p->entries_max)
		return error_say(err, EFBIG, "tar: there are more than %llu entries",
				 (unsigned long long)p->entries_max);

	int r = tar_block_decode(block, &b, err);
	if (r < 0)
		return r;
	if (b.type == 'x' || b.type == 'g' || b.type == 'L' || b.type == 'K')
		return begin_meta(p, &b, err);
	return take_entry(p, &b, err);
}

/* Gathers a header that is split over pieces; gives NULL until it is whole. */
static const uint8_t *next_block(struct tar_parser *p, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *block = *at;
	size_t have = (size_t)(end - *at);

	if (p->block_len == 0 && have >= TAR_BLOCK) {
		*at += TAR_BLOCK;
		return block;
	}
	size_t take = TAR_BLOCK - p->block_len;
	if (take > have)
		take = have;
	memcpy(p->block + p->block_len, block, take);
	*at += take;
	p->block_len += take;
	if (p->block_len < TAR_BLOCK)
		return NULL;
	p->block_len = 0;
	return p->block;
}

static int take_content(struct tar_parser *p, const uint8_t *data, size_t len, struct error *err)
{
	if (p->state == TAR_META)
		strbuf_add(&p->meta, data, len);
	else if (p->state == TAR_DATA && p->events->data)
		return p->events->data(p->context, data, len, err);
	return 0;
}

/* Goes on behind what is used up: content, then padding, then the next header. */
static int end_of_part(struct tar_parser *p, struct error *err)
{
	int r = 0;

	if (p->state == TAR_META)
		r = end_meta(p, err);
	p->left = p->state == TAR_PAD ? 0 : p->pad;
	p->state = p->left ? TAR_PAD : TAR_HEADER;
	return r;
}

static int step(struct tar_parser *p, const uint8_t **at, const uint8_t *end, struct error *err)
{
	if (p->state == TAR_END) {
		p->offset += (uint64_t)(end - *at);
		*at = end;
		return 0;
	}
	if (p->state == TAR_HEADER || p->state == TAR_ZERO) {
		const uint8_t *block = next_block(p, at, end);
		return block ? take_header(p, block, err) : 0;
	}

	size_t take = (size_t)(end - *at);
	if (take > p->left)
		take = (size_t)p->left;
	int r = take ? take_content(p, *at, take, err) : 0;
	*at += take;
	p->offset += take;
	p->left -= take;
	return r;
}

int tar_parser_write(struct tar_parser *p, const void *data, size_t len, struct error *err)
{
	const uint8_t *at = data;
	const uint8_t *end = at + len;

	while (at < end) {
		int r = step(p, &at, end, err);
		while (r == 0 && p->left == 0 && p->state >= TAR_META && p->state <= TAR_PAD)
			r = end_of_part(p, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int tar_parser_finish(struct tar_parser *p, struct error *err)
{
	bool between = p->state == TAR_HEADER || p->state == TAR_ZERO;

	if (p->state == TAR_END)
		return 0;
	if (!between || p->block_len > 0 || p->extra.pax || p->extra.gnu_name || p->extra.gnu_link)
		return error_say(err, EBADMSG, "tar: it is cut short");
	return 0;
}
