/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/printable.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/verbs.h"

#define INTERVAL_MS 1000

struct stats_options {
	bool all;
	bool no_stream;
	bool no_trunc;
	const char *format;
};

static const struct option options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct stats_options, all),
	  "Show all instances, not only those that run" },
	{ "format", 0, OPTION_TEXT, offsetof(struct stats_options, format), TEXT_FORMAT_HELP },
	{ "no-stream", 0, OPTION_FLAG, offsetof(struct stats_options, no_stream),
	  "Print once and end" },
	{ "no-trunc", 0, OPTION_FLAG, offsetof(struct stats_options, no_trunc),
	  "Do not cut long values short" },
	{},
};

static const struct listing_column columns[] = {
	{ "BlockIO", "BLOCK I/O" },   { "CPUPerc", "CPU %" },
	{ "Container", "CONTAINER" }, { "ID", "CONTAINER ID" },
	{ "MemPerc", "MEM %" },       { "MemUsage", "MEM USAGE / LIMIT" },
	{ "Name", "NAME" },           { "NetIO", "NET I/O" },
	{ "PIDs", "PIDS" },           {},
};

static const struct listing_kind kind = {
	columns,
	"{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"
	"\t{{.PIDs}}",
	"{{.ID}}",
};

/* What the next sample is compared with. */
struct sample {
	double cpu;
	double system;
};

static double cpu_percent(struct json_object *stats, struct sample *before)
{
	double cpu = document_double(stats, "cpu_stats.cpu_usage.total_usage");
	double system = document_double(stats, "cpu_stats.system_cpu_usage");
	double count = document_double(stats, "cpu_stats.online_cpus");
	double percent = 0;

	if (count == 0)
		count = (double)document_count(stats, "cpu_stats.cpu_usage.percpu_usage");
	if (before->system > 0 && system > before->system && cpu > before->cpu)
		percent = (cpu - before->cpu) / (system - before->system) * count * 100;
	*before = (struct sample){ cpu, system };
	return percent;
}

/* What can be given back at once is not counted: inactive pages of files. */
static double memory_used(struct json_object *stats)
{
	double usage = document_double(stats, "memory_stats.usage");
	double inactive = document_double(stats, "memory_stats.stats.total_inactive_file");

	if (inactive == 0)
		inactive = document_double(stats, "memory_stats.stats.inactive_file");
	return inactive < usage ? usage - inactive : usage;
}

static void add_memory(struct json_object *row, struct json_object *stats)
{
	double used = memory_used(stats);
	double limit = document_double(stats, "memory_stats.limit");
	char of[HUMAN_TEXT];
	char text[HUMAN_TEXT];

	human_size_binary(used, text);
	human_size_binary(limit, of);
	auto_free char *both = xasprintf("%s / %s", text, of);
	json_add_string(row, "MemUsage", both);
	(void)snprintf(text, sizeof(text), "%.2f%%", limit > 0 ? used / limit * 100 : 0);
	json_add_string(row, "MemPerc", text);
}

static void add_pair(struct json_object *row, const char *key, double a, double b)
{
	char first[HUMAN_TEXT];
	char second[HUMAN_TEXT];

	human_size(a, 3, first);
	human_size(b, 3, second);
	auto_free char *both = xasprintf("%s / %s", first, second);
	json_add_string(row, key, both);
}

static void add_network(struct json_object *row, struct json_object *stats)
{
	struct json_object *networks = document_at(stats, "networks");
	double in = 0;
	double out = 0;

	if (document_count(networks, NULL) > 0) {
		json_object_object_foreach(networks, name, network)
		{
			(void)name;
			in += document_double(network, "rx_bytes");
			out += document_double(network, "tx_bytes");
		}
	}
	add_pair(row, "NetIO", in, out);
}

static void add_block(struct json_object *row, struct json_object *stats)
{
	struct json_object *list = document_at(stats, "blkio_stats.io_service_bytes_recursive");
	double in = 0;
	double out = 0;

	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *entry = document_item(list, i);
		const char *op = document_text(entry, "op");
		if (strcasecmp(op, "read") == 0)
			in += document_double(entry, "value");
		else if (strcasecmp(op, "write") == 0)
			out += document_double(entry, "value");
	}
	add_pair(row, "BlockIO", in, out);
}

static struct json_object *make_row(const char *name, struct json_object *stats,
				    struct sample *before, bool cut)
{
	struct json_object *row = json_object_new_object();
	const char *id = document_text(stats, "id");
	const char *own_name = document_text(stats, "name");
	auto_free char *short_id = xstrndup(id, cut ? 12 : strlen(id));
	char text[HUMAN_TEXT];

	json_add_string(row, "Container", name);
	json_add_string(row, "ID", short_id);
	json_add_string(row, "Name", own_name + (*own_name == '/'));
	(void)snprintf(text, sizeof(text), "%.2f%%", cpu_percent(stats, before));
	json_add_string(row, "CPUPerc", text);
	add_memory(row, stats);
	add_network(row, stats);
	add_block(row, stats);
	(void)snprintf(text, sizeof(text), "%lld",
		       (long long)document_int(stats, "pids_stats.current"));
	json_add_string(row, "PIDs", text);
	return row;
}

/* The instances that are meant, as they are now. */
static int find_names(const struct call *call, struct strv *ret, struct error *err)
{
	const struct stats_options *o = call->options;
	auto_json *list = NULL;

	for (size_t i = 0; i < call->operand_count; i++)
		strv_add(ret, call->operands[i]);
	if (call->operand_count > 0)
		return 0;
	int r = api_get(call->api, o->all ? "/containers/json?all=1" : "/containers/json", &list,
			err);
	for (size_t i = 0; i < document_count(list, NULL); i++)
		strv_add(ret, document_text(document_item(list, i), "Id"));
	return r;
}

static int take_sample(const struct call *call, const char *name, struct json_object **ret,
		       struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name, "stats");
	url_query(&url, "stream", "0");
	url_query_flag(&url, "one-shot", true);
	return api_get(call->api, strbuf_text(&url), ret, err);
}

/* One round over all instances; nothing is printed where @listing is NULL. */
static int take_round(const struct call *call, struct map *samples, struct listing *listing,
		      struct error *err)
{
	const struct stats_options *o = call->options;
	auto_strv names = {};

	int r = find_names(call, &names, err);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		auto_json *stats = NULL;
		r = take_sample(call, names.items[i], &stats, err);
		/* one of those that were listed has gone meanwhile */
		if (r == -ENOENT && call->operand_count == 0) {
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		struct sample *before = map_get(samples, names.items[i]);
		if (!before) {
			before = xnew(struct sample);
			map_set(samples, names.items[i], before);
		}
		struct json_object *row = make_row(names.items[i], stats, before, !o->no_trunc);
		if (listing)
			r = listing_add(listing, row, NULL, err);
		else
			json_put_p(&row);
	}
	return r;
}

static void print(struct listing *listing, bool redraw)
{
	auto_strbuf text = STRBUF_INIT(16U << 20);

	listing_text(listing, &text);
	if (!redraw) {
		(void)fputs(strbuf_text(&text), stdout);
		return;
	}
	/* over what stands there, line by line, so that it does not flicker */
	auto_strbuf screen = STRBUF_INIT(32U << 20);
	printable_make(text.data, text.len, "\n");
	strbuf_adds(&screen, "\033[H");
	for (const char *line = strbuf_text(&text); *line;) {
		const char *end = strchrnul(line, '\n');
		strbuf_addf(&screen, "%.*s\033[K\n", (int)(end - line), line);
		line = *end ? end + 1 : end;
	}
	strbuf_adds(&screen, "\033[J");
	(void)!write_full(STDOUT_FILENO, screen.data, screen.len);
}

static int run(struct call *call)
{
	const struct stats_options *o = call->options;
	bool redraw = !o->no_stream && text_is_terminal(STDOUT_FILENO);
	auto_map *samples = map_new(free);
	struct error err = {};

	/* use of the processor is known from the second sample on */
	int r = take_round(call, samples, NULL, &err);
	while (r == 0) {
		auto_listing *listing = NULL;
		(void)poll(NULL, 0, INTERVAL_MS);
		r = listing_new(&kind, o->format, false, &listing, &err);
		if (r == 0)
			r = take_round(call, samples, listing, &err);
		if (r == 0)
			print(listing, redraw);
		if (o->no_stream)
			break;
	}
	return r < 0 ? call_fail(call, NULL, &err) : 0;
}

const struct verb verb_stats = {
	.names = (const char *const[]){ "stats", "container stats", NULL },
	.operands = "[INSTANCE...]",
	.help = "Show what instances use, as it changes",
	.options = { .tables = { options } },
	.options_size = sizeof(struct stats_options),
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
