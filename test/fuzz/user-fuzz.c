/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "container/plan/plan.h"
#include "container/user-lookup.h"

/* The input is a user, a passwd file and a group file, each ended by a zero byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct credentials c;
	struct error err = {};
	const char *part[3] = { "", "", "" };
	auto_free char *text = xmalloc(size + 1);
	char *at = text;

	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < 3 && at <= text + size; i++) {
		part[i] = at;
		at += strlen(at) + 1;
	}
	struct plan_user user = { .user = part[0] };
	if (user_resolve(&user, part[1], part[2], &c, &err) < 0) {
		FUZZ_CHECK(err.code < 0 && err.text[0]);
		return 0;
	}
	FUZZ_CHECK(c.uid != UINT32_MAX && c.gid != UINT32_MAX);
	FUZZ_CHECK(c.group_count >= 1 && c.group_count <= USER_GROUPS_MAX);
	FUZZ_CHECK(c.home[0] == '/' && strlen(c.home) < sizeof(c.home));
	return 0;
}
