/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/client/url.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "oci/reference.h"

struct import_options {
	struct strv changes;
	const char *message;
	const char *platform;
};

static const struct option options[] = {
	{ "change", 'c', OPTION_LIST, offsetof(struct import_options, changes),
	  "Apply a Dockerfile instruction to the image" },
	{ "message", 'm', OPTION_TEXT, offsetof(struct import_options, message),
	  "Comment for the image's history" },
	{ "platform", 0, OPTION_TEXT, offsetof(struct import_options, platform),
	  "Platform of the image" },
	{},
};

static int make_url(const struct call *call, bool remote, struct strbuf *url, struct error *err)
{
	const struct import_options *o = call->options;
	auto_reference ref = {};

	strbuf_adds(url, "/images/create");
	url_query(url, "fromSrc", remote ? call->operands[0] : "-");
	if (call->operand_count > 1) {
		int r = reference_parse(call->operands[1], &ref, err);
		if (r < 0)
			return r;
		auto_free char *name = reference_familiar_name(&ref);
		url_query(url, "repo", name);
		url_query(url, "tag", ref.tag);
	}
	url_query(url, "message", o->message);
	url_query(url, "platform", o->platform);
	for (size_t i = 0; i < o->changes.count; i++)
		url_query(url, "changes", o->changes.items[i]);
	return 0;
}

static int open_source(const char *source, struct error *err)
{
	int fd = strcmp(source, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(source, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "open %s", source) : fd;
}

static int import(const struct call *call, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	const char *source = call->operands[0];
	bool remote = strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
	struct http_response response;
	struct http *http = NULL;

	int r = make_url(call, remote, &url, err);
	if (r < 0)
		return r;
	auto_close int fd = remote ? -1 : open_source(source, err);
	if (!remote && fd < 0)
		return fd;
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.content_type = "text/plain",
		.body_fd = fd,
	};
	r = api_open(call->api, &request, &http, &response, err);
	if (r < 0)
		return r;
	const struct progress progress = { .fd = STDOUT_FILENO };
	r = progress_show(&progress, http, err);
	api_close(call->api, http);
	return r;
}

static int run(struct call *call)
{
	struct error err = {};
	int r = import(call, &err);

	return r < 0 ? call_fail(call, call->operands[0], &err) : 0;
}

const struct verb verb_import = {
	.names = (const char *const[]){ "import", "image import", NULL },
	.operands = "FILE|URL|- [REPOSITORY[:TAG]]",
	.help = "Make an image from a tar archive of a root file system",
	.options = { .tables = { options } },
	.options_size = sizeof(struct import_options),
	.operands_min = 1,
	.operands_max = 2,
	.words = WORDS_FILE,
	.run = run,
};
