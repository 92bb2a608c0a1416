/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/detach-keys.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/strv.h"

/* "x" is itself; "ctrl-x" the control character of a letter or one of "@[\]^_". */
static bool parse_key(const char *text, char *ret)
{
	char c;

	if (strlen(text) == 1) {
		*ret = text[0];
		return true;
	}
	if (strncmp(text, "ctrl-", 5) != 0 || strlen(text) != 6)
		return false;
	c = (char)toupper((unsigned char)text[5]);
	if (c < '@' || c > '_')
		return false;
	*ret = (char)(c - '@');
	return true;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct error *err)
{
	struct detach_keys d = {};
	auto_strv keys = {};

	strv_split(&keys, text, ',');
	if (keys.count > DETACH_KEYS_MAX)
		return error_say(err, EINVAL, "invalid detach keys (%s): too many", text);
	for (size_t i = 0; i < keys.count; i++)
		if (!parse_key(keys.items[i], &d.keys[d.count++]))
			return error_say(err, EINVAL, "invalid detach keys (%s): unknown key '%s'",
					 text, keys.items[i]);
	*ret = d;
	return 0;
}

bool detach_keys_filter(struct detach_keys *d, const char *data, size_t len, struct strbuf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (d->count > 0 && data[i] == d->keys[d->matched]) {
			if (++d->matched == d->count) {
				d->matched = 0;
				return true;
			}
			continue;
		}
		strbuf_add(out, d->keys, d->matched);
		d->matched = 0;
		if (d->count > 1 && data[i] == d->keys[0])
			d->matched = 1;
		else
			strbuf_addc(out, data[i]);
	}
	return false;
}
