/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/client/json-stream.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/filter.h"
#include "cli/instant.h"
#include "cli/template/template.h"
#include "cli/verbs.h"

struct events_options {
	struct strv filters;
	const char *format;
	const char *since;
	const char *until;
};

static const struct option options[] = {
	{ "filter", 'f', OPTION_LIST, offsetof(struct events_options, filters),
	  "Show only events that fit KEY=VALUE", .value = "filter" },
	{ "format", 0, OPTION_TEXT, offsetof(struct events_options, format),
	  "How to print: 'json' or a Go TEMPLATE for each" },
	{ "since", 0, OPTION_TEXT, offsetof(struct events_options, since),
	  "Show events from an instant on, or so long back" },
	{ "until", 0, OPTION_TEXT, offsetof(struct events_options, until), "End at an instant" },
	{},
};

/* "2026-11-20T23:24:29.012345678+01:00" */
static void print_time(struct json_object *event)
{
	int64_t ns = document_int(event, "timeNano");
	time_t when = (time_t)(ns ? ns / NSEC_PER_SEC : document_int(event, "time"));
	char text[40] = "";
	char zone[8] = "";
	struct tm tm;

	if (localtime_r(&when, &tm)) {
		(void)strftime(text, sizeof(text), "%FT%T", &tm);
		(void)strftime(zone, sizeof(zone), "%z", &tm);
	}
	(void)printf("%s.%09lld%.3s:%s ", text, (long long)(ns % NSEC_PER_SEC), zone, zone + 3);
}

static void print_event(struct json_object *event)
{
	auto_json *attributes = document_sorted(document_at(event, "Actor.Attributes"));
	const char *separator = " (";

	print_time(event);
	(void)printf("%s %s %s", document_text(event, "Type"), document_text(event, "Action"),
		     document_text(event, "Actor.ID"));
	json_object_object_foreach(attributes, name, value)
	{
		(void)printf("%s%s=%s", separator, name, document_text(value, NULL));
		separator = ", ";
	}
	(void)puts(document_count(attributes, NULL) > 0 ? ")" : "");
}

static int take_event(struct json_object *event, void *arg, struct error *err)
{
	const struct template *t = arg;
	auto_strbuf line = STRBUF_INIT(1U << 20);
	const struct template_data data = { .root = event };

	if (!t) {
		print_event(event);
		return 0;
	}
	int r = template_run(t, &data, &line, err);
	if (r == 0)
		(void)puts(strbuf_text(&line));
	return r;
}

static void flush(void *arg)
{
	(void)arg;
	(void)fflush(stdout);
}

static int make_url(const struct events_options *o, struct strbuf *url, struct error *err)
{
	auto_free char *filters = NULL;

	strbuf_adds(url, "/events");
	int r = filter_json(&o->filters, &filters, err);
	if (r == 0)
		r = instant_query(url, "since", o->since, err);
	if (r == 0)
		r = instant_query(url, "until", o->until, err);
	if (r == 0)
		url_query(url, "filters", filters);
	return r;
}

static int run(struct call *call)
{
	const struct events_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_template *t = NULL;
	auto_http *http = NULL;
	struct http_response response;
	struct error err = {};
	int r = 0;

	if (o->format)
		r = template_parse(strcmp(o->format, "json") == 0 ? "{{json .}}" : o->format, &t,
				   &err);
	if (r == 0)
		r = make_url(o, &url, &err);
	const struct http_request request = { .method = "GET", .target = strbuf_text(&url) };
	if (r == 0)
		r = api_open(call->api, &request, &http, &response, &err);
	const struct json_stream stream = { .take = take_event, .pause = flush, .arg = t };
	if (r == 0)
		r = json_stream_read(&stream, http, &err);
	return r < 0 ? call_fail(call, NULL, &err) : 0;
}

const struct verb verb_events = {
	.names = (const char *const[]){ "events", "system events", NULL },
	.help = "Show what happens in the engine as it happens",
	.options = { .tables = { options } },
	.options_size = sizeof(struct events_options),
	.run = run,
};
