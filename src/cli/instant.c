/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instant.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/client/url.h"
#include "cli/human.h"

int instant_query(struct strbuf *url, const char *key, const char *text, struct error *err)
{
	int64_t ns;

	if (!text)
		return 0;
	if (!human_parse_instant(text, clock_now(), &ns))
		return error_say(err, EINVAL, "invalid value for \"%s\": %s", key, text);
	auto_free char *value = xasprintf("%lld.%09lld", (long long)(ns / NSEC_PER_SEC),
					  llabs((long long)(ns % NSEC_PER_SEC)));
	url_query(url, key, value);
	return 0;
}
