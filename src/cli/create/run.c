/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/image-pull.h"

static int check_cidfile(const char *path, struct error *err)
{
	if (path && access(path, F_OK) == 0)
		return error_say(err, EEXIST,
				 "container ID file found, make sure the other container isn't "
				 "running or delete %s",
				 path);
	return 0;
}

int cidfile_write(const char *path, const char *id, struct error *err)
{
	if (!path)
		return 0;
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(err, errno, "create %s", path);
	int r = write_full(fd, id, strlen(id));
	return r < 0 ? error_set(err, r, "write %s", path) : 0;
}

bool create_lacks_image(const char *text)
{
	return strncmp(text, "No such image", 13) == 0;
}

int create_pull(const struct call *call, bool missing, struct error *err)
{
	const struct create_options *o = call->options;
	const struct image_pull pull = {
		.reference = call->operands[0],
		.platform = o->platform,
		.fd = o->quiet ? -1 : STDERR_FILENO,
	};
	const char *when = o->pull ? o->pull : "missing";

	if (strcmp(when, "always") != 0 && strcmp(when, "missing") != 0 &&
	    strcmp(when, "never") != 0)
		return error_say(err, EINVAL,
				 "invalid pull option: '%s': must be one of \"always\", "
				 "\"missing\" or \"never\"",
				 when);
	if (missing && strcmp(when, "missing") != 0)
		return 0;
	if (!missing && strcmp(when, "always") != 0)
		return 0;
	if (missing && !o->quiet)
		(void)fprintf(stderr, "Unable to find image '%s' locally\n", call->operands[0]);
	int r = image_pull(call, &pull, err);
	return r < 0 ? r : 1;
}

int create_prepare(const struct call *call, struct error *err)
{
	const struct create_options *o = call->options;

	int r = check_cidfile(o->cidfile, err);
	if (r == 0)
		r = create_pull(call, false, err);
	return r < 0 ? r : 0;
}

static int post_create(const struct call *call, struct json_object *body, struct json_object **ret,
		       struct error *err)
{
	const struct create_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	strbuf_adds(&url, "/containers/create");
	url_query(&url, "name", o->name);
	url_query(&url, "platform", o->platform);
	return api_json(call->api, "POST", strbuf_text(&url), body, API_TIMEOUT_MS, ret, err);
}

int create_instance(const struct call *call, struct json_object *body, char **ret_id,
		    struct error *err)
{
	const struct create_options *o = call->options;
	auto_json *answer = NULL;

	int r = post_create(call, body, &answer, err);
	if (r == -ENOENT && create_lacks_image(err->text)) {
		struct error why = {};
		int pulled = create_pull(call, true, &why);
		if (pulled < 0)
			*err = why;
		r = pulled > 0 ? post_create(call, body, &answer, err) : pulled < 0 ? pulled : r;
	}
	if (r < 0)
		return r;

	struct json_object *warnings = document_at(answer, "Warnings");
	for (size_t i = 0; i < document_count(warnings, NULL); i++)
		(void)fprintf(stderr, "WARNING: %s\n",
			      document_text(document_item(warnings, i), NULL));
	*ret_id = xstrdup(document_text(answer, "Id"));
	return cidfile_write(o->cidfile, *ret_id, err);
}

int create_fail(const struct call *call, const struct error *err, int status)
{
	(void)call_fail(call, NULL, err);
	(void)fprintf(stderr, "\nRun 'berth %s --help' for more information\n", call->name);
	return status;
}
