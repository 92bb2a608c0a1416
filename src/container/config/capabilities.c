/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/capabilities.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <strings.h>

#include "oci/runtime-config.h"

static const struct json_word *find(const char *name)
{
	size_t skip = strncasecmp(name, "CAP_", 4) == 0 ? 4 : 0;

	for (const struct json_word *w = runtime_capability_words; w->word; w++)
		if (strcasecmp(w->word + 4, name + skip) == 0)
			return w;
	return NULL;
}

const char *capability_name(int number)
{
	if (number < 0 || number > 63)
		return NULL;
	return json_word_text(runtime_capability_words, CAPABILITY_BIT(number));
}

int capability_number(const char *name)
{
	const struct json_word *w = find(name);

	return w ? __builtin_ctzll(w->value) : -EINVAL;
}

static int collect(const struct strv *names, const char *field, bool *ret_all, uint64_t *ret,
		   struct error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		if (strcasecmp(name, "ALL") == 0) {
			*ret_all = true;
			continue;
		}
		const struct json_word *w = find(name);
		if (!w)
			return error_say(err, EINVAL, "invalid %s: unknown capability: \"%s\"",
					 field, name);
		*ret |= w->value;
	}
	return 0;
}

int capabilities_adjust(uint64_t base, const struct strv *add, const struct strv *drop,
			uint64_t *ret, struct error *err)
{
	bool add_all = false;
	bool drop_all = false;
	uint64_t added = 0;
	uint64_t dropped = 0;
	int r = collect(add, "CapAdd", &add_all, &added, err);

	if (r == 0)
		r = collect(drop, "CapDrop", &drop_all, &dropped, err);
	if (r < 0)
		return r;
	if (add_all && !drop_all)
		*ret = CAPABILITY_ALL & ~dropped;
	else if (drop_all)
		*ret = add_all ? CAPABILITY_ALL : added;
	else
		*ret = (base & ~dropped) | added;
	return 0;
}

void capabilities_names(uint64_t set, struct strv *ret)
{
	for (const struct json_word *w = runtime_capability_words; w->word; w++)
		if (set & w->value)
			strv_add(ret, w->word);
}

uint64_t capabilities_held(void)
{
	uint64_t held = 0;

	for (int number = 0; number < 64; number++)
		if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1)
			held |= CAPABILITY_BIT(number);
	return held & CAPABILITY_ALL;
}
