/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct history_options {
	const char *format;
	const char *platform;
	bool human;
	bool no_trunc;
	bool quiet;
};

static const struct option options[] = {
	{ "format", 0, OPTION_TEXT, offsetof(struct history_options, format), TEXT_FORMAT_HELP },
	{ "human", 'H', OPTION_FLAG, offsetof(struct history_options, human),
	  "Print sizes and times for people", .preset = "true" },
	{ "no-trunc", 0, OPTION_FLAG, offsetof(struct history_options, no_trunc),
	  "Do not cut long values short" },
	{ "platform", 0, OPTION_TEXT, offsetof(struct history_options, platform),
	  "Platform, where the image has several" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct history_options, quiet), "Show only ids" },
	{},
};

static const struct listing_column columns[] = {
	{ "Comment", "COMMENT" },
	{ "CreatedAt", "CREATED AT" },
	{ "CreatedBy", "CREATED BY" },
	{ "CreatedSince", "CREATED" },
	{ "ID", "IMAGE" },
	{ "Size", "SIZE" },
	{},
};

static const struct listing_kind kind = {
	columns, "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", "{{.ID}}"
};
static const struct listing_kind kind_machine = {
	columns, "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", "{{.ID}}"
};

/* RFC 3339: a colon in the offset, "Z" for none. */
static void format_time(int64_t seconds, char *ret, size_t room)
{
	time_t when = (time_t)seconds;
	char text[HUMAN_TEXT];
	char zone[8];
	struct tm tm;

	ret[0] = '\0';
	if (!localtime_r(&when, &tm) || strftime(text, sizeof(text), "%FT%T", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		return;
	if (strcmp(zone, "+0000") == 0)
		(void)snprintf(ret, room, "%sZ", text);
	else
		(void)snprintf(ret, room, "%s%.3s:%s", text, zone, zone + 3);
}

static void add_times(struct json_object *row, int64_t created)
{
	char text[HUMAN_TEXT + 8];

	human_duration(clock_now() - created * NSEC_PER_SEC, text);
	auto_free char *ago = created > 0 ? xasprintf("%s ago", text) : xstrdup("N/A");
	json_add_string(row, "CreatedSince", ago);
	format_time(created, text, sizeof(text));
	json_add_string(row, "CreatedAt", text);
}

static struct json_object *make_row(struct json_object *layer, const struct history_options *o)
{
	struct json_object *row = json_object_new_object();
	auto_free char *id = text_image_id(document_text(layer, "Id"), o->no_trunc);
	auto_free char *by = xstrdup(document_text(layer, "CreatedBy"));
	char size[HUMAN_TEXT];

	for (char *c = by; *c; c++)
		if (*c == '\t')
			*c = ' ';
	auto_free char *shown = o->no_trunc ? xstrdup(by) : text_ellipsis(by, 45);
	json_add_string(row, "ID", id);
	json_add_string(row, "CreatedBy", shown);
	json_add_string(row, "Comment", document_text(layer, "Comment"));
	add_times(row, document_int(layer, "Created"));
	if (o->human)
		human_size((double)document_int(layer, "Size"), 3, size);
	else
		(void)snprintf(size, sizeof(size), "%lld", (long long)document_int(layer, "Size"));
	json_add_string(row, "Size", size);
	return row;
}

static int run(struct call *call)
{
	const struct history_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_listing *listing = NULL;
	auto_json *layers = NULL;
	struct error err = {};

	url_start(&url, "/images", call->operands[0], "history");
	url_query(&url, "platform", o->platform);
	int r = listing_new(o->human ? &kind : &kind_machine, o->format, o->quiet, &listing, &err);
	if (r == 0)
		r = api_get(call->api, strbuf_text(&url), &layers, &err);
	for (size_t i = 0; r == 0 && i < document_count(layers, NULL); i++)
		r = listing_add(listing, make_row(document_item(layers, i), o), NULL, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	listing_print(listing);
	return 0;
}

const struct verb verb_history = {
	.names = (const char *const[]){ "history", "image history", NULL },
	.operands = "IMAGE",
	.help = "Show how an image was made",
	.options = { .tables = { options } },
	.options_size = sizeof(struct history_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_IMAGE,
	.run = run,
};
