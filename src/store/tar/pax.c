/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SCHILY_XATTR "SCHILY.xattr."
#define LIBARCHIVE_XATTR "LIBARCHIVE.xattr."
#define NANOSECOND_DIGITS 9

/* One record, "LENGTH KEY=VALUE\n"; borrowed from the header. */
struct record {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

void tar_extra_clear(struct tar_extra *extra)
{
	for (size_t i = 0; i < extra->xattr_count; i++) {
		free((char *)extra->xattrs[i].name);
		free((void *)extra->xattrs[i].value);
	}
	free(extra->xattrs);
	free(extra->path);
	free(extra->link);
	free(extra->gnu_name);
	free(extra->gnu_link);
	*extra = (struct tar_extra){ 0 };
}

/* Cuts one record off the front. */
static int next_record(const char **at, const char *end, struct record *ret, struct error *err)
{
	const char *p = *at;
	size_t len = 0;

	for (; p < end && *p >= '0' && *p <= '9' && len <= TAR_PAX_MAX; p++)
		len = len * 10 + (size_t)(*p - '0');
	if (p == *at || p == end || *p != ' ' || **at == '0')
		return error_say(err, EBADMSG, "tar: length of a pax record is malformed");
	p++;

	size_t before = (size_t)(p - *at);
	if (len <= before || len > (size_t)(end - *at) || (*at)[len - 1] != '\n')
		return error_say(err, EBADMSG, "tar: length of a pax record is wrong");

	const char *stop = *at + len - 1;
	const char *equals = memchr(p, '=', (size_t)(stop - p));
	if (!equals || equals == p || memchr(p, '\0', (size_t)(equals - p)))
		return error_say(err, EBADMSG, "tar: a pax record has no key");

	ret->key = p;
	ret->key_len = (size_t)(equals - p);
	ret->value = equals + 1;
	ret->value_len = (size_t)(stop - equals - 1);
	*at = stop + 1;
	return 0;
}

static bool key_is(const struct record *rec, const char *key)
{
	return rec->key_len == strlen(key) && memcmp(rec->key, key, rec->key_len) == 0;
}

static bool key_begins(const struct record *rec, const char *prefix)
{
	size_t len = strlen(prefix);
	return rec->key_len > len && memcmp(rec->key, prefix, len) == 0;
}

static int take_string(const struct record *rec, char **ret, struct error *err)
{
	if (rec->value_len == 0 || memchr(rec->value, '\0', rec->value_len))
		return error_say(err, EBADMSG, "tar: a pax path is empty or has a zero byte");
	if (rec->value_len >= TAR_PATH_MAX)
		return error_say(err, ENAMETOOLONG, "tar: a pax path is too long");
	*ret = xstrndup(rec->value, rec->value_len);
	return 0;
}

static int take_number(const struct record *rec, uint64_t *ret, struct error *err)
{
	uint64_t value = 0;

	for (size_t i = 0; i < rec->value_len; i++) {
		char c = rec->value[i];
		if (c < '0' || c > '9' || value > (INT64_MAX - 9) / 10)
			return error_say(err, EBADMSG, "tar: a pax number is malformed");
		value = value * 10 + (uint64_t)(c - '0');
	}
	if (rec->value_len == 0)
		return error_say(err, EBADMSG, "tar: a pax number is empty");
	*ret = value;
	return 0;
}

/* "[-]SECONDS[.FRACTION]"; digits past nanoseconds are cut off. */
static int take_time(const struct record *rec, struct tar_extra *extra, struct error *err)
{
	bool negative = rec->value_len > 0 && rec->value[0] == '-';
	struct record whole = *rec;
	uint64_t sec = 0;
	uint32_t nsec = 0;

	whole.value += negative;
	whole.value_len -= negative;
	const char *dot = memchr(whole.value, '.', whole.value_len);
	size_t fraction = dot ? whole.value_len - (size_t)(dot - whole.value) - 1 : 0;
	if (dot)
		whole.value_len = (size_t)(dot - whole.value);

	int r = take_number(&whole, &sec, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < fraction; i++) {
		if (dot[1 + i] < '0' || dot[1 + i] > '9')
			return error_say(err, EBADMSG, "tar: a pax time is malformed");
	}
	for (size_t i = 0; i < NANOSECOND_DIGITS; i++)
		nsec = nsec * 10 + (i < fraction ? (uint32_t)(dot[1 + i] - '0') : 0);

	extra->mtime_sec = negative ? -(int64_t)sec : (int64_t)sec;
	extra->mtime_nsec = nsec;
	if (negative && nsec > 0) {
		extra->mtime_sec--;
		extra->mtime_nsec = 1000000000u - nsec;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Names of LIBARCHIVE.xattr. records are written as in URLs. False where one is not. */
static bool url_decode(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		int high = hex_digit(p[1]);
		int low = high < 0 ? -1 : hex_digit(p[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		p += 2;
	}
	*to = '\0';
	return true;
}

/* Values of LIBARCHIVE.xattr. records are base64, without padding in some writers. */
static bool base64_decode(const char *text, size_t len, uint8_t *ret, size_t *ret_len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t made = 0;

	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret[made++] = (uint8_t)(bits >> have);
		}
	}
	*ret_len = made;
	return true;
}

static const struct tar_xattr *find_xattr(const struct tar_extra *extra, const char *name)
{
	for (size_t i = 0; i < extra->xattr_count; i++) {
		if (strcmp(extra->xattrs[i].name, name) == 0)
			return &extra->xattrs[i];
	}
	return NULL;
}

/*
 * bsdtar writes each attribute in both styles, so the same name may come twice with the same value.
 */
static int add_xattr(struct tar_extra *extra, const char *name, const void *value, size_t len,
		     struct error *err)
{
	const struct tar_xattr *old = find_xattr(extra, name);
	if (old) {
		if (old->len == len && memcmp(old->value, value, len) == 0)
			return 0;
		return error_say(err, EBADMSG, "tar: attribute '%s' is given twice", name);
	}
	if (strlen(name) > TAR_NAME_MAX)
		return error_say(err, EBADMSG, "tar: the name of an attribute is too long");

	extra->xattr_bytes += strlen(name) + len;
	if (extra->xattr_bytes > TAR_XATTR_BYTES_MAX)
		return error_say(err, EFBIG, "tar: attributes of an entry exceed %u bytes",
				 TAR_XATTR_BYTES_MAX);
	extra->xattrs =
		xreallocarray(extra->xattrs, extra->xattr_count + 1, sizeof(*extra->xattrs));
	extra->xattrs[extra->xattr_count++] = (struct tar_xattr){
		.name = xstrdup(name),
		.value = xmemdup(value, len),
		.len = len,
	};
	return 0;
}

static int take_schily_xattr(const struct record *rec, struct tar_extra *extra, struct error *err)
{
	size_t prefix = strlen(SCHILY_XATTR);
	auto_free char *name = xstrndup(rec->key + prefix, rec->key_len - prefix);

	return add_xattr(extra, name, rec->value, rec->value_len, err);
}

static int take_libarchive_xattr(const struct record *rec, struct tar_extra *extra,
				 struct error *err)
{
	size_t prefix = strlen(LIBARCHIVE_XATTR);
	auto_free char *name = xstrndup(rec->key + prefix, rec->key_len - prefix);
	auto_free uint8_t *value = xmalloc(rec->value_len + 1);
	size_t len = 0;

	if (!url_decode(name) || !base64_decode(rec->value, rec->value_len, value, &len))
		return error_say(err, EBADMSG, "tar: an attribute of libarchive is malformed");
	return add_xattr(extra, name, value, len, err);
}

static unsigned int key_bit(const struct record *rec)
{
	static const struct {
		const char *key;
		enum tar_pax_key bit;
	} keys[] = {
		{ "path", TAR_PAX_PATH }, { "linkpath", TAR_PAX_LINK }, { "size", TAR_PAX_SIZE },
		{ "uid", TAR_PAX_UID },   { "gid", TAR_PAX_GID },       { "mtime", TAR_PAX_MTIME },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (key_is(rec, keys[i].key))
			return keys[i].bit;
	}
	return 0;
}

static int take_record(const struct record *rec, struct tar_extra *extra, struct error *err)
{
	if (key_begins(rec, "GNU.sparse."))
		return error_say(err, EBADMSG, "tar: sparse files are not supported");
	if (key_begins(rec, SCHILY_XATTR))
		return take_schily_xattr(rec, extra, err);
	if (key_begins(rec, LIBARCHIVE_XATTR))
		return take_libarchive_xattr(rec, extra, err);

	unsigned int bit = key_bit(rec);
	if (extra->have & bit)
		return error_say(err, EBADMSG, "tar: pax record '%.*s' is given twice",
				 (int)rec->key_len, rec->key);
	extra->have |= bit;
	switch (bit) {
	case TAR_PAX_PATH:
		return take_string(rec, &extra->path, err);
	case TAR_PAX_LINK:
		return take_string(rec, &extra->link, err);
	case TAR_PAX_SIZE:
		return take_number(rec, &extra->size, err);
	case TAR_PAX_UID:
		return take_number(rec, &extra->uid, err);
	case TAR_PAX_GID:
		return take_number(rec, &extra->gid, err);
	case TAR_PAX_MTIME:
		return take_time(rec, extra, err);
	default:
		return 0; /* a record that changes nothing: atime, comment, … */
	}
}

int tar_pax_decode(const char *data, size_t len, struct tar_extra *extra, struct error *err)
{
	const char *at = data;

	extra->pax = true;
	while (at < data + len) {
		struct record rec;
		int r = next_record(&at, data + len, &rec, err);
		if (r == 0)
			r = take_record(&rec, extra, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int tar_pax_check_global(const char *data, size_t len, struct error *err)
{
	const char *at = data;

	while (at < data + len) {
		struct record rec;
		int r = next_record(&at, data + len, &rec, err);
		if (r < 0)
			return r;
		if (key_bit(&rec) || key_begins(&rec, "GNU.") || key_begins(&rec, SCHILY_XATTR) ||
		    key_begins(&rec, LIBARCHIVE_XATTR))
			return error_say(err, EBADMSG,
					 "tar: global pax record '%.*s' is not supported",
					 (int)rec.key_len, rec.key);
	}
	return 0;
}
