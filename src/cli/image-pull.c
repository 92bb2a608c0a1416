/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image-pull.h"

#include <string.h>

#include "base/alloc.h"
#include "cli/client/url.h"
#include "cli/progress.h"
#include "oci/auth-config.h"
#include "oci/reference.h"

#define HEADER_MAX 65536

char *image_auth_path(const struct call *call)
{
	const char *dir = call->globals->config_dir;

	return dir ? xasprintf("%s/config.json", dir) : NULL;
}

int image_auth_header(const struct call *call, const char *reference, struct strbuf *ret,
		      struct error *err)
{
	auto_reference ref = {};
	auto_auth_config *config = NULL;
	auto_auth auth = {};
	auto_free char *path = image_auth_path(call);

	int r = reference_parse(reference, &ref, err);
	if (r == 0)
		r = auth_config_load(path, &config, err);
	if (r < 0)
		return r;
	auto_free char *server = auth_server_of_domain(ref.domain);
	r = auth_config_get(config, server, &auth, err);
	if (r < 0 || auth_is_empty(&auth))
		return r;
	strbuf_adds(ret, "X-Registry-Auth: ");
	auth_to_header(&auth, ret);
	strbuf_adds(ret, "\r\n");
	return 0;
}

/* "debian:13" becomes name and tag, "debian@sha256:..." name and digest. */
static int add_reference(struct strbuf *url, const struct image_pull *pull, struct error *err)
{
	auto_reference ref = {};

	int r = reference_parse(pull->reference, &ref, err);
	if (r < 0)
		return r;
	if (!pull->all_tags)
		reference_default_tag(&ref);
	auto_free char *name = reference_familiar_name(&ref);
	url_query(url, "fromImage", name);
	url_query(url, "tag", digest_is_empty(&ref.digest) ? ref.tag : ref.digest.text);
	url_query(url, "platform", pull->platform);
	return 0;
}

int image_pull(const struct call *call, const struct image_pull *pull, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_strbuf headers = STRBUF_INIT(HEADER_MAX);
	struct http_response response;
	struct http *http = NULL;

	strbuf_adds(&url, "/images/create");
	int r = add_reference(&url, pull, err);
	if (r == 0)
		r = image_auth_header(call, pull->reference, &headers, err);
	if (r < 0)
		return r;
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.headers = strbuf_text(&headers),
	};
	r = api_open(call->api, &request, &http, &response, err);
	if (r < 0)
		return r;
	const struct progress progress = { .fd = pull->fd };
	r = progress_show(&progress, http, err);
	api_close(call->api, http);
	return r;
}
