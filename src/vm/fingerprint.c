/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/fingerprint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

void fingerprint_init(struct fingerprint *f, uint32_t version)
{
	f->sums[0] = FNV_OFFSET;
	f->sums[1] = ~FNV_OFFSET;
	fingerprint_add(f, &version, sizeof(version));
}

void fingerprint_add(struct fingerprint *f, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < len; i++)
		for (size_t k = 0; k < ARRAY_SIZE(f->sums); k++)
			f->sums[k] = (f->sums[k] ^ bytes[i]) * FNV_PRIME;
}

void fingerprint_add_text(struct fingerprint *f, const char *text)
{
	fingerprint_add(f, text, strlen(text) + 1);
}

int fingerprint_add_file(struct fingerprint *f, const char *path, struct error *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return error_set(err, errno, "look at %s", path);
	int64_t fields[] = { st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec };
	fingerprint_add_text(f, path);
	fingerprint_add(f, fields, sizeof(fields));
	return 0;
}

void fingerprint_text(const struct fingerprint *f, char ret[FINGERPRINT_TEXT])
{
	(void)snprintf(ret, FINGERPRINT_TEXT, "%016llx%016llx", (unsigned long long)f->sums[0],
		       (unsigned long long)f->sums[1]);
}
