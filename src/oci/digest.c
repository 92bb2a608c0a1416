/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/ident.h"

static const struct {
	const char *name;
	const char *prefix;
	size_t hash_len;
} algorithms[] = {
	[DIGEST_SHA256] = { "sha256", "sha256:", 32 },
	[DIGEST_SHA512] = { "sha512", "sha512:", 64 },
};

bool digest_is_valid(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		size_t prefix = strlen(algorithms[i].prefix);
		if (strncmp(text, algorithms[i].prefix, prefix) != 0)
			continue;
		size_t digits = strspn(text + prefix, "0123456789abcdef");
		return digits == 2 * algorithms[i].hash_len && text[prefix + digits] == '\0';
	}
	return false;
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
	if (!digest_is_valid(text))
		return error_say(err, EBADMSG, "'%.140s' is not a sha256 or sha512 digest", text);
	memcpy(ret->text, text, strlen(text) + 1);
	return 0;
}

void digest_from_bytes(enum digest_algorithm algorithm, const void *hash, size_t len,
		       struct digest *ret)
{
	assert(len == algorithms[algorithm].hash_len);
	size_t prefix = strlen(algorithms[algorithm].prefix);
	memcpy(ret->text, algorithms[algorithm].prefix, prefix);
	hex_encode(hash, len, ret->text + prefix);
}

enum digest_algorithm digest_algorithm(const struct digest *d)
{
	return strncmp(d->text, "sha512:", 7) == 0 ? DIGEST_SHA512 : DIGEST_SHA256;
}

const char *digest_algorithm_name(const struct digest *d)
{
	return algorithms[digest_algorithm(d)].name;
}

const char *digest_hex(const struct digest *d)
{
	assert(!digest_is_empty(d));
	return d->text + strlen(algorithms[digest_algorithm(d)].prefix);
}

bool digest_is_empty(const struct digest *d)
{
	return d->text[0] == '\0';
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return strcmp(a->text, b->text) == 0;
}
