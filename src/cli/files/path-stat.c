/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/path-stat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "cli/client/url.h"
#include "cli/document.h"

#define HEADER "X-Docker-Container-Path-Stat"
#define STAT_MAX 16384

/* Bits of Go's os.FileMode. */
#define MODE_DIR (1LL << 31)
#define MODE_LINK (1LL << 27)

void path_stat_done(struct path_stat *s)
{
	free(s->name);
	free(s->link);
	*s = (struct path_stat){};
}

int path_stat_read(const struct http_response *response, struct path_stat *ret, struct error *err)
{
	char text[STAT_MAX];
	auto_strbuf decoded = STRBUF_INIT(STAT_MAX);
	auto_json *document = NULL;

	if (!http_header(response, HEADER, text, sizeof(text)) ||
	    base64_decode(text, strlen(text), &decoded) < 0)
		return error_say(err, EBADMSG, "the engine did not tell what lies at the path");
	int r = json_parse(strbuf_text(&decoded), decoded.len, STAT_MAX, "path stat", &document,
			   err);
	if (r < 0)
		return r;
	int64_t mode = document_int(document, "mode");
	*ret = (struct path_stat){
		.name = xstrdup(document_text(document, "name")),
		.link = xstrdup(document_text(document, "linkTarget")),
		.size = document_int(document, "size"),
		.is_dir = (mode & MODE_DIR) != 0,
		.is_link = (mode & MODE_LINK) != 0,
	};
	return 0;
}

void path_stat_url(struct strbuf *url, const char *instance, const char *path)
{
	url_start(url, "/containers", instance, "archive");
	url_query(url, "path", path);
}

int path_stat_get(const struct call *call, const char *instance, const char *path,
		  struct path_stat *ret, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;
	struct http *http = NULL;

	path_stat_url(&url, instance, path);
	const struct http_request request = {
		.method = "HEAD",
		.target = strbuf_text(&url),
		.timeout_ms = API_TIMEOUT_MS,
	};
	int r = api_open(call->api, &request, &http, &response, err);
	/* the answer to HEAD has no body to say why */
	if (r == -ENOENT)
		return error_say(err, ENOENT, "Could not find the file %s in container %s", path,
				 instance);
	if (r < 0)
		return r;
	r = path_stat_read(&response, ret, err);
	api_close(call->api, http);
	return r;
}
