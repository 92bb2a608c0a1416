/* SPDX-License-Identifier: Apache-2.0 */
#include "store/test-tools.h"

#include <dirent.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/ident.h"
#include "store/hash.h"
#include "store/image/image.h"
#include "store/tar/tar.h"

/* ---- Tars ---- */

void tt_seal(char *header)
{
	unsigned int sum = 0;

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + 148, 7, "%06o", sum);
}

char *tt_header(struct strbuf *tar, size_t back)
{
	return tar->data + tar->len - back * TAR_BLOCK;
}

void tt_add_entry(struct strbuf *tar, const struct tt_entry *e)
{
	char header[TAR_BLOCK] = { 0 };
	static const char zeros[TAR_BLOCK];

	memcpy(header, e->name, strnlen(e->name, 100));
	(void)snprintf(header + 100, 8, "%07o", e->mode);
	(void)snprintf(header + 108, 8, "%07o", e->uid);
	(void)snprintf(header + 116, 8, "%07o", e->gid);
	(void)snprintf(header + 124, 12, "%011zo", e->size);
	(void)snprintf(header + 136, 12, "%011o", TT_MTIME);
	header[156] = e->type;
	if (e->link)
		memcpy(header + 157, e->link, strnlen(e->link, 100));
	memcpy(header + 257, "ustar\00000", 8);
	(void)snprintf(header + 329, 8, "%07o", e->major);
	(void)snprintf(header + 337, 8, "%07o", e->minor);
	tt_seal(header);
	strbuf_add(tar, header, sizeof(header));
	strbuf_add(tar, e->content, e->size);
	strbuf_add(tar, zeros, -e->size & (TAR_BLOCK - 1));
}

void tt_add(struct strbuf *tar, char type, const char *name, const char *link, const char *content)
{
	const struct tt_entry entry = {
		.type = type,
		.name = name,
		.link = link,
		.content = content,
		.size = content ? strlen(content) : 0,
		.mode = type == '5' ? 0755 : 0644,
	};

	tt_add_entry(tar, &entry);
}

void tt_pax(struct strbuf *tar, char type, ...)
{
	auto_strbuf records = STRBUF_INIT(TT_MAX);
	const char *record = NULL;
	va_list args;

	va_start(args, type);
	while ((record = va_arg(args, const char *)) != NULL) {
		size_t rest = strlen(record) + 2;
		size_t total = rest + 1;
		char digits[24];
		while (rest + (size_t)snprintf(digits, sizeof(digits), "%zu", total) != total)
			total = rest + strlen(digits);
		strbuf_addf(&records, "%s %s\n", digits, record);
	}
	va_end(args);
	const struct tt_entry entry = {
		.type = type,
		.name = "pax",
		.content = strbuf_text(&records),
		.size = records.len,
		.mode = 0644,
	};
	tt_add_entry(tar, &entry);
}

void tt_long(struct strbuf *tar, char type, const char *text)
{
	const struct tt_entry entry = {
		.type = type,
		.name = "././@LongLink",
		.content = text,
		.size = strlen(text) + 1,
		.mode = 0644,
	};

	tt_add_entry(tar, &entry);
}

void tt_end(struct strbuf *tar)
{
	static const char zeros[2 * TAR_BLOCK];
	strbuf_add(tar, zeros, sizeof(zeros));
}

void tt_gzip(const struct strbuf *in, struct strbuf *ret)
{
	struct isal_zstream *z = xnew(struct isal_zstream);
	size_t room = in->len + in->len / 8 + 4096;

	isal_deflate_init(z);
	z->gzip_flag = IGZIP_GZIP;
	z->end_of_stream = 1;
	z->next_in = (uint8_t *)in->data;
	z->avail_in = (uint32_t)in->len;
	assert_true(strbuf_reserve(ret, room));
	z->next_out = (uint8_t *)ret->data + ret->len;
	z->avail_out = (uint32_t)room;
	assert_int_equal(isal_deflate(z), COMP_OK);
	assert_int_equal(z->avail_in, 0);
	ret->len += z->total_out;
	free(z);
}

void tt_zstd(const struct strbuf *in, int window_log, struct strbuf *ret)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(in->len);

	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	if (window_log) {
		ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
		ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
	}
	assert_true(strbuf_reserve(ret, room));
	ZSTD_outBuffer out = { ret->data + ret->len, room, 0 };
	ZSTD_inBuffer from = { in->data, in->len, 0 };
	assert_int_equal(ZSTD_compressStream2(context, &out, &from, ZSTD_e_end), 0);
	ret->len += out.pos;
	ZSTD_freeCCtx(context);
}

/* ---- Stores ---- */

static void open_parts(struct tt_store *s)
{
	struct error err = { 0 };
	auto_free char *path = xasprintf("%s/berth.db", test_dir_path(s->dir_fd));
	auto_free char *state = xstrdup(test_dir_path(s->dir_fd));
	const struct store_options options = { .state_dir = state, .mode = s->mode };

	if (db_open(path, &s->db, &err) < 0)
		fail_msg("%s", err.text);
	struct store_options with_db = options;
	with_db.db = s->db;
	if (store_open(&with_db, &s->store, &err) < 0)
		fail_msg("%s", err.text);
	s->lease = store_lease_new(s->store);
}

static void close_parts(struct tt_store *s)
{
	store_lease_free(s->lease);
	store_close(s->store);
	db_close(s->db);
}

void tt_store_open(struct tt_store *s, enum store_mode mode)
{
	*s = (struct tt_store){ .dir_fd = test_dir(), .mode = mode };
	open_parts(s);
}

void tt_store_reopen(struct tt_store *s)
{
	close_parts(s);
	open_parts(s);
}

void tt_store_done(struct tt_store *s)
{
	close_parts(s);
	test_dir_done(&s->dir_fd);
}

bool tt_can_mount(void)
{
	auto_tt_store s;

	tt_store_open(&s, STORE_MODE_AUTO);
	return store_mode(s.store) != STORE_MODE_FOLDER;
}

int tt_ingest(struct tt_store *s, const struct strbuf *layer, const struct layer_expect *expect,
	      size_t piece, struct layer_info *ret, struct error *err)
{
	const struct layer_expect any = { .size = -1 };
	auto_layer_ingest *ingest = NULL;

	int r = layer_ingest_begin(s->lease, expect ? expect : &any, &ingest, err);
	for (size_t at = 0; r == 0 && at < layer->len;) {
		size_t len = layer->len - at;
		if (piece && len > piece)
			len = piece;
		r = layer_ingest_write(ingest, layer->data + at, len, err);
		at += len;
	}
	return r < 0 ? r : layer_ingest_finish(ingest, ret, err);
}

void tt_commit(struct tt_store *s, const struct layer_info *layers, size_t count,
	       const char *reference, const char *label, struct digest *ret)
{
	struct error err = { 0 };
	auto_strbuf config = STRBUF_INIT(1u << 20);
	const char *const references[] = { reference };

	strbuf_addf(&config,
		    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":"
		    "\"2026-01-02T03:04:05Z\",\"config\":{\"Labels\":{\"name\":\"%s\"}},"
		    "\"history\":[{\"created_by\":\"first\"},"
		    "{\"created_by\":\"second\",\"empty_layer\":true}],"
		    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
		    label);
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&config, "%s\"%s\"", i ? "," : "", layers[i].diff_id.text);
	strbuf_adds(&config, "]}}");
	const struct image_commit commit = {
		.config = strbuf_text(&config),
		.config_len = config.len,
		.layers = layers,
		.layer_count = count,
		.references = references,
		.reference_count = reference ? 1 : 0,
	};
	if (image_commit(s->lease, &commit, ret, &err) < 0)
		fail_msg("%s", err.text);
}

/* ---- Trees as text ---- */

static void add_xattrs(int dir_fd, const char *name, struct strbuf *ret)
{
	char path[400];
	char names[4096];
	char value[4096];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	ssize_t len = llistxattr(path, names, sizeof(names));
	for (const char *n = names; len > 0 && n < names + len; n += strlen(n) + 1) {
		ssize_t size = lgetxattr(path, n, value, sizeof(value));
		char hex[2 * sizeof(value) + 1];
		hex_encode(value, size > 0 ? (size_t)size : 0, hex);
		strbuf_addf(ret, " %s=%s", n, hex);
	}
}

static void add_content(int dir_fd, const char *name, const struct stat *st, struct strbuf *ret)
{
	struct error err = { 0 };
	struct digest digest;
	char target[4096];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
		assert_true(n > 0);
		strbuf_addf(ret, " -> %.*s", (int)n, target);
	}
	if (!S_ISREG(st->st_mode))
		return;
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hash_file(fd, DIGEST_SHA256, &digest, &err), 0);
	strbuf_addf(ret, " %.12s", digest_hex(&digest));
}

static void add_line(int dir_fd, const char *name, const char *path, struct strbuf *ret)
{
	struct stat st;

	assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	strbuf_addf(ret, "%s %o %u:%u %lld %lld.%09ld links=%lu rdev=%u:%u", path, st.st_mode,
		    st.st_uid, st.st_gid, S_ISDIR(st.st_mode) ? 0 : (long long)st.st_size,
		    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (unsigned long)st.st_nlink,
		    major(st.st_rdev), minor(st.st_rdev));
	add_content(dir_fd, name, &st, ret);
	add_xattrs(dir_fd, name, ret);
	strbuf_addc(ret, '\n');
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_dir(int dir_fd, const char *path, struct strbuf *ret)
{
	struct dirent **list = NULL;

	int count = scandirat(dir_fd, ".", &list, not_dots, by_bytes);
	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		auto_free struct dirent *d = list[i];
		auto_free char *below = xasprintf("%s/%s", path, d->d_name);
		add_line(dir_fd, d->d_name, below, ret);
		auto_close int fd =
			openat(dir_fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			add_dir(fd, below, ret);
	}
	free(list);
}

void tt_manifest(int dir_fd, struct strbuf *ret)
{
	add_line(dir_fd, ".", "", ret);
	add_dir(dir_fd, "", ret);
}

size_t tt_count_files(struct tt_store *s, const char *folder)
{
	struct dirent **list = NULL;
	int count = scandirat(s->dir_fd, folder, &list, not_dots, NULL);

	for (int i = 0; i < count; i++)
		free(list[i]);
	free(list);
	return count < 0 ? 0 : (size_t)count;
}
