/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/grammar.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define DIGITS "0123456789"
#define NUMBER_TEXT 32

bool text_is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

bool path_is_clean_absolute(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX || !text_is_plain(path))
		return false;
	while (*path) {
		path += strspn(path, "/");
		size_t len = strcspn(path, "/");
		if ((len == 1 && path[0] == '.') || (len == 2 && memcmp(path, "..", 2) == 0))
			return false;
		path += len;
	}
	return true;
}

bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 255 && strspn(name, ALNUM) > 0 && strspn(name, ALNUM "_.-") == len;
}

bool hostname_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 64 && strspn(name, ALNUM) > 0 && strspn(name, ALNUM "-_.") == len;
}

bool number_parse(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value) || value > max)
			return false;
	}
	*ret = value;
	return true;
}

/* Copies up to @sep into @ret; gives what is behind it, or NULL where it does not fit. */
static const char *cut(const char *text, const char *sep, char ret[NUMBER_TEXT])
{
	size_t len = strcspn(text, sep);
	if (len >= NUMBER_TEXT)
		return NULL;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return text + len;
}

static bool range_parse(const char *text, uint64_t max, uint64_t *first, uint64_t *last)
{
	char number[NUMBER_TEXT];
	const char *rest = cut(text, "-", number);

	if (!rest || !number_parse(number, max, first))
		return false;
	*last = *first;
	return !*rest || (number_parse(rest + 1, max, last) && *last >= *first);
}

bool port_range_is_valid(const char *text, bool zero)
{
	uint64_t first;
	uint64_t last;

	return range_parse(text, 65535, &first, &last) && (zero || first > 0);
}

bool cpu_list_is_valid(const char *text)
{
	char range[NUMBER_TEXT];
	uint64_t first;
	uint64_t last;

	do {
		const char *rest = cut(text, ",", range);
		if (!rest || !range_parse(range, 8191, &first, &last))
			return false;
		text = rest;
	} while (*text++ == ',');
	return true;
}

bool address_is_valid(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}
