/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "api/router.h"
#include "api/uri.h"
#include "base/alloc.h"
#include "base/utf8.h"

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/images/json", NULL },
	{ HTTP_GET, 0, "/images/{name*}/json", NULL },
	{ HTTP_GET, 0, "/containers/{id}/json", NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *target = xstrndup((const char *)data, size);
	auto_uri u = {};
	struct error err = {};
	const struct http_route *route;
	auto_(route_params_done) struct route_params params = {};
	int64_t number = 0;

	if (uri_parse(target, &u, &err) < 0)
		return 0;
	FUZZ_CHECK(u.names.count == u.values.count && u.names.count <= URI_PAIRS_MAX);
	for (size_t i = 0; i < u.segments.count; i++)
		FUZZ_CHECK(utf8_valid(u.segments.items[i], strlen(u.segments.items[i])));
	for (size_t i = 0; i < u.names.count; i++) {
		FUZZ_CHECK(uri_query(&u, u.names.items[i]));
		(void)uri_query_bool(&u, u.names.items[i], false);
		(void)!uri_query_int(&u, u.names.items[i], &number, &err);
	}
	(void)route_find(routes, ARRAY_SIZE(routes), HTTP_GET, &u.segments, &route, &params);
	return 0;
}
