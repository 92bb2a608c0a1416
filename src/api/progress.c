/* SPDX-License-Identifier: Apache-2.0 */
#include "api/progress.h"

#include <stdio.h>
#include <string.h>

#include "api/text.h"
#include "base/alloc.h"

#define BAR_WIDTH 50

int progress_send(struct http_request *rq, bool *begun, struct json_object *take)
{
	if (!*begun)
		http_stream_begin(rq, 200, "application/json");
	*begun = true;
	return http_stream_json(rq, take);
}

struct json_object *progress_status(const char *status, const char *id)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "status", status);
	if (id)
		json_add_string(o, "id", id);
	return o;
}

struct json_object *progress_text(const char *text)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "stream", text);
	return o;
}

/* "[=====>      ]  1.2MB/3.4MB" */
static char *draw_bar(uint64_t done, uint64_t total)
{
	char bar[BAR_WIDTH + 1];
	char of_done[SIZE_TEXT];
	char of_total[SIZE_TEXT];
	uint64_t filled =
		total ? (done < total ? done : total) / ((total + BAR_WIDTH - 1) / BAR_WIDTH) : 0;

	if (total == 0)
		return xstrdup(size_text(done, of_done));
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '=', filled < BAR_WIDTH ? filled : BAR_WIDTH);
	if (filled < BAR_WIDTH)
		bar[filled] = '>';
	bar[BAR_WIDTH] = '\0';
	return xasprintf("[%s]  %s/%s", bar, size_text(done, of_done), size_text(total, of_total));
}

struct json_object *progress_bar(const char *status, const char *id, uint64_t done, uint64_t total)
{
	struct json_object *o = progress_status(status, NULL);
	struct json_object *detail = json_object_new_object();
	auto_free char *bar = draw_bar(done, total);

	json_add_uint(detail, "current", done);
	if (total)
		json_add_uint(detail, "total", total);
	json_add(o, "progressDetail", detail);
	json_add_string(o, "progress", bar);
	json_add_string(o, "id", id);
	return o;
}

struct json_object *progress_error(const char *message)
{
	struct json_object *o = json_object_new_object();
	struct json_object *detail = json_object_new_object();

	json_add_string(detail, "message", message);
	json_add(o, "errorDetail", detail);
	json_add_string(o, "error", message);
	return o;
}

int progress_end(struct http_request *rq, bool begun, int result, const struct error *err)
{
	if (result < 0 && begun) {
		(void)!http_stream_json(rq, progress_error(err->text));
		return 0;
	}
	return result;
}

const char *short_digest(const char *digest, char ret[SHORT_ID])
{
	const char *colon = strchr(digest, ':');

	snprintf(ret, SHORT_ID, "%.12s", colon ? colon + 1 : digest);
	return ret;
}
