/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/internal.h"

#include <errno.h>
#include <string.h>

/* Offsets and sizes of ustar's fields (POSIX.1-2024, pax, "ustar Interchange Format"). */
enum {
	NAME = 0,
	NAME_SIZE = 100,
	MODE = 100,
	UID = 108,
	GID = 116,
	ID_SIZE = 8,
	SIZE = 124,
	MTIME = 136,
	LONG_SIZE = 12,
	CHECKSUM = 148,
	TYPE = 156,
	LINK = 157,
	LINK_SIZE = 100,
	MAGIC = 257,
	MAGIC_SIZE = 8,
	MAJOR = 329,
	MINOR = 337,
	PREFIX = 345,
	PREFIX_SIZE = 155,
	STAR_PREFIX_SIZE = 131,
	STAR_MAGIC = 508,
};

/*
 * GNU's way for numbers that do not fit: a first byte of 0x80 (or 0xff for negative ones), then
 * big-endian two's complement. What else has the first bit set is read by some and not by others.
 */
static bool parse_base256(const uint8_t *field, size_t size, int64_t *ret)
{
	uint8_t flip = field[0] == 0xff ? 0xff : 0;
	uint64_t value = 0;

	if (field[0] != 0x80 && field[0] != 0xff)
		return false;
	for (size_t i = 1; i < size; i++) {
		if (value >> 55)
			return false;
		value = value << 8 | (field[i] ^ flip);
	}
	*ret = flip ? (int64_t)~value : (int64_t)value;
	return true;
}

static bool parse_octal(const uint8_t *field, size_t size, int64_t *ret)
{
	size_t at = 0;
	uint64_t value = 0;

	while (at < size && field[at] == ' ')
		at++;
	for (; at < size && field[at] >= '0' && field[at] <= '7'; at++)
		value = value << 3 | (uint64_t)(field[at] - '0');
	for (; at < size; at++) {
		if (field[at] != ' ' && field[at] != '\0')
			return false;
	}
	*ret = (int64_t)value;
	return true;
}

static int parse_number(const uint8_t *block, size_t offset, size_t size, const char *what,
			int64_t *ret, struct error *err)
{
	const uint8_t *field = block + offset;
	bool good =
		field[0] & 0x80 ? parse_base256(field, size, ret) : parse_octal(field, size, ret);

	return good ? 0 : error_say(err, EBADMSG, "tar: %s of a header is no number", what);
}

static int parse_unsigned(const uint8_t *block, size_t offset, size_t size, const char *what,
			  uint64_t *ret, struct error *err)
{
	int64_t value = 0;

	int r = parse_number(block, offset, size, what, &value, err);
	if (r < 0)
		return r;
	if (value < 0)
		return error_say(err, EBADMSG, "tar: %s of a header is negative", what);
	*ret = (uint64_t)value;
	return 0;
}

static bool checksum_is_right(const uint8_t *block)
{
	int64_t stated = 0;
	int64_t as_unsigned = 0;
	int64_t as_signed = 0;

	if (!parse_octal(block + CHECKSUM, ID_SIZE, &stated))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= CHECKSUM && i < CHECKSUM + ID_SIZE ? ' ' : block[i];
		as_unsigned += byte;
		as_signed += (int8_t)byte;
	}
	return stated == as_unsigned || stated == as_signed;
}

static size_t copy_field(char *ret, const uint8_t *block, size_t offset, size_t size)
{
	size_t len = strnlen((const char *)block + offset, size);

	memcpy(ret, block + offset, len);
	ret[len] = '\0';
	return len;
}

static void copy_name(const uint8_t *block, bool ustar, struct tar_block *ret)
{
	bool star = memcmp(block + STAR_MAGIC, "tar", 4) == 0;
	size_t len = 0;

	if (ustar)
		len = copy_field(ret->name, block, PREFIX, star ? STAR_PREFIX_SIZE : PREFIX_SIZE);
	if (len > 0)
		ret->name[len++] = '/';
	copy_field(ret->name + len, block, NAME, NAME_SIZE);
}

int tar_block_decode(const uint8_t block[TAR_BLOCK], struct tar_block *ret, struct error *err)
{
	bool ustar = memcmp(block + MAGIC,
			    "ustar\0"
			    "00",
			    MAGIC_SIZE) == 0;
	bool gnu = memcmp(block + MAGIC, "ustar  \0", MAGIC_SIZE) == 0;
	struct tar_block b = { .type = (char)block[TYPE], .old = !ustar && !gnu };
	int64_t mode = 0;

	if (!checksum_is_right(block))
		return error_say(err, EBADMSG, "tar: checksum of a header is wrong");

	copy_name(block, ustar, &b);
	copy_field(b.link, block, LINK, LINK_SIZE);
	int r = parse_number(block, MODE, ID_SIZE, "mode", &mode, err);
	if (r == 0)
		r = parse_unsigned(block, UID, ID_SIZE, "uid", &b.uid, err);
	if (r == 0)
		r = parse_unsigned(block, GID, ID_SIZE, "gid", &b.gid, err);
	if (r == 0)
		r = parse_unsigned(block, SIZE, LONG_SIZE, "size", &b.size, err);
	if (r == 0)
		r = parse_number(block, MTIME, LONG_SIZE, "mtime", &b.mtime, err);
	if (r == 0 && !b.old) {
		r = parse_unsigned(block, MAJOR, ID_SIZE, "device", &b.rdev_major, err);
		if (r == 0)
			r = parse_unsigned(block, MINOR, ID_SIZE, "device", &b.rdev_minor, err);
	}
	if (r < 0)
		return r;

	b.mode = (uint32_t)mode & 07777;
	*ret = b;
	return 0;
}
