/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/strbuf.h"

#define PAX_MAX (1u << 20)
#define OCTAL_ID_MAX 07777777u
#define OCTAL_LONG_MAX 077777777777ULL

/* One header as it lies in the file (POSIX.1-2024, pax, "ustar Interchange Format"). */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8];
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char reserved[12];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

static int emit(struct tar_writer *w, const void *data, size_t len, struct error *err)
{
	int r = w->sink(w->context, data, len, err);
	if (r == 0)
		w->written += len;
	return r;
}

static void octal(char *field, size_t size, uint64_t value)
{
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

static void seal(struct ustar *u)
{
	const unsigned char *bytes = (const unsigned char *)u;
	unsigned int sum = 0;

	memset(u->checksum, ' ', sizeof(u->checksum));
	for (size_t i = 0; i < sizeof(*u); i++)
		sum += bytes[i];
	snprintf(u->checksum, sizeof(u->checksum) - 1, "%06o", sum);
}

static char type_of(const struct tar_header *h)
{
	if (h->hard_link)
		return '1';
	switch (h->mode & S_IFMT) {
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return '0';
	}
}

/* Splits a long path at a slash into ustar's two fields; false where that does not fit. */
static bool split_name(struct ustar *u, const char *path)
{
	size_t len = strlen(path);

	if (len <= sizeof(u->name)) {
		memcpy(u->name, path, len);
		return true;
	}
	for (size_t i = len - 1; i > 0; i--) {
		/* The slash at the end of a folder's name is part of its last component. */
		if (path[i] != '/' || i + 1 == len || len - i - 1 > sizeof(u->name))
			continue;
		if (i > sizeof(u->prefix))
			continue;
		memcpy(u->prefix, path, i);
		memcpy(u->name, path + i + 1, len - i - 1);
		return true;
	}
	return false;
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits. */
static void add_record(struct strbuf *sb, const char *key, const void *value, size_t len)
{
	size_t rest = 1 + strlen(key) + 1 + len + 1;
	size_t total = rest + 1;
	char digits[24];

	for (;;) {
		size_t width = (size_t)snprintf(digits, sizeof(digits), "%zu", total);
		if (rest + width == total)
			break;
		total = rest + width;
	}
	strbuf_addf(sb, "%s %s=", digits, key);
	strbuf_add(sb, value, len);
	strbuf_addc(sb, '\n');
}

static void add_number(struct strbuf *sb, const char *key, uint64_t value)
{
	char text[24];

	add_record(sb, key, text,
		   (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)value));
}

static void add_mtime(struct strbuf *sb, const struct tar_header *h)
{
	char text[48];
	int64_t sec = h->mtime_sec;
	uint32_t nsec = h->mtime_nsec;
	const char *sign = "";

	if (sec < 0) {
		sign = "-";
		sec = nsec ? -(sec + 1) : -sec;
		nsec = nsec ? 1000000000u - nsec : 0;
	}
	int len = snprintf(text, sizeof(text), "%s%lld.%09u", sign, (long long)sec, nsec);
	add_record(sb, "mtime", text, (size_t)len);
}

static void fill_numbers(struct ustar *u, const struct tar_header *h, struct strbuf *pax)
{
	octal(u->mode, sizeof(u->mode), h->mode & 07777);
	octal(u->uid, sizeof(u->uid), h->uid <= OCTAL_ID_MAX ? h->uid : 0);
	octal(u->gid, sizeof(u->gid), h->gid <= OCTAL_ID_MAX ? h->gid : 0);
	octal(u->size, sizeof(u->size), h->size <= OCTAL_LONG_MAX ? h->size : 0);
	bool plain_time = h->mtime_sec >= 0 && (uint64_t)h->mtime_sec <= OCTAL_LONG_MAX;
	octal(u->mtime, sizeof(u->mtime), plain_time ? (uint64_t)h->mtime_sec : 0);
	octal(u->major, sizeof(u->major), major(h->rdev) & OCTAL_ID_MAX);
	octal(u->minor, sizeof(u->minor), minor(h->rdev) & OCTAL_ID_MAX);

	if (h->uid > OCTAL_ID_MAX)
		add_number(pax, "uid", h->uid);
	if (h->gid > OCTAL_ID_MAX)
		add_number(pax, "gid", h->gid);
	if (h->size > OCTAL_LONG_MAX)
		add_number(pax, "size", h->size);
	if (!plain_time || h->mtime_nsec > 0)
		add_mtime(pax, h);
}

static void fill_names(struct ustar *u, const struct tar_header *h, struct strbuf *pax)
{
	char path[TAR_PATH_MAX + 1];

	snprintf(path, sizeof(path), "%s%s", h->path, u->type == '5' ? "/" : "");
	if (!split_name(u, path)) {
		add_record(pax, "path", path, strlen(path));
		memcpy(u->name, path, sizeof(u->name));
	}
	if (!h->link)
		return;
	size_t len = strlen(h->link);
	if (len > sizeof(u->link))
		add_record(pax, "linkpath", h->link, len);
	memcpy(u->link, h->link, len < sizeof(u->link) ? len : sizeof(u->link));
}

static void fill_xattrs(const struct tar_header *h, struct strbuf *pax)
{
	for (size_t i = 0; i < h->xattr_count; i++) {
		char key[TAR_NAME_MAX + 16];
		snprintf(key, sizeof(key), "SCHILY.xattr.%s", h->xattrs[i].name);
		add_record(pax, key, h->xattrs[i].value, h->xattrs[i].len);
	}
}

static int write_pax(struct tar_writer *w, const struct strbuf *pax, struct error *err)
{
	struct ustar u = { .type = 'x', .name = "PaxHeaders/entry", .magic = "ustar\00000" };

	octal(u.mode, sizeof(u.mode), 0644);
	octal(u.uid, sizeof(u.uid), 0);
	octal(u.gid, sizeof(u.gid), 0);
	octal(u.mtime, sizeof(u.mtime), 0);
	octal(u.size, sizeof(u.size), pax->len);
	seal(&u);
	int r = emit(w, &u, sizeof(u), err);
	if (r == 0)
		r = emit(w, strbuf_text(pax), pax->len, err);
	return r < 0 ? r : tar_write_pad(w, pax->len, err);
}

int tar_write_header(struct tar_writer *w, const struct tar_header *h, struct error *err)
{
	struct ustar u = { .type = type_of(h), .magic = "ustar\00000" };
	auto_strbuf pax = STRBUF_INIT(PAX_MAX);

	if (strlen(h->path) >= TAR_PATH_MAX || (h->link && strlen(h->link) >= TAR_PATH_MAX))
		return error_say(err, ENAMETOOLONG, "path '%.100s…' is too long for a tar",
				 h->path);
	fill_names(&u, h, &pax);
	fill_numbers(&u, h, &pax);
	fill_xattrs(h, &pax);
	if (pax.overflow)
		return error_say(err, EFBIG, "attributes of '%.200s' are too large for a tar",
				 h->path);
	seal(&u);

	int r = pax.len > 0 ? write_pax(w, &pax, err) : 0;
	return r < 0 ? r : emit(w, &u, sizeof(u), err);
}

int tar_write_data(struct tar_writer *w, const void *data, size_t len, struct error *err)
{
	return len ? emit(w, data, len, err) : 0;
}

int tar_write_pad(struct tar_writer *w, uint64_t size, struct error *err)
{
	static const char zeros[TAR_BLOCK];
	size_t pad = (size_t)(-size & (TAR_BLOCK - 1));

	return pad ? emit(w, zeros, pad, err) : 0;
}

int tar_write_end(struct tar_writer *w, struct error *err)
{
	static const char zeros[2 * TAR_BLOCK];
	return emit(w, zeros, sizeof(zeros), err);
}

int tar_write_file(struct tar_writer *w, const char *path, const void *data, size_t len,
		   int64_t mtime_sec, struct error *err)
{
	const struct tar_header h = {
		.path = path,
		.mode = S_IFREG | 0644,
		.size = len,
		.mtime_sec = mtime_sec,
	};

	int r = tar_write_header(w, &h, err);
	if (r == 0)
		r = tar_write_data(w, data, len, err);
	return r < 0 ? r : tar_write_pad(w, len, err);
}
