/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int filter_json(const struct strv *filters, char **ret, struct error *err)
{
	auto_json *all = json_object_new_object();

	for (size_t i = 0; i < filters->count; i++) {
		const char *equal = strchr(filters->items[i], '=');
		if (!equal)
			return error_say(err, EINVAL,
					 "invalid filter '%s': bad format of filter (expected "
					 "name=value)",
					 filters->items[i]);
		auto_free char *key =
			xstrndup(filters->items[i], (size_t)(equal - filters->items[i]));
		for (char *c = key; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		struct json_object *values = NULL;
		if (!json_object_object_get_ex(all, key, &values))
			values = json_add(all, key, json_object_new_object());
		json_add_bool(values, equal + 1, true);
	}
	*ret = filters->count > 0 ? json_text(all) : NULL;
	return 0;
}
