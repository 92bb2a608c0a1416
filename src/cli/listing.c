/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/table.h"
#include "cli/template/template.h"

#define LISTING_MAX (256U << 20)

struct listing {
	const struct listing_kind *kind;
	struct template *template;
	char *text; /* of the template */
	bool table;
	bool heads; /* the first line is made of the columns' heads */
	struct strv lines;
};

/* "\t" and "\n" as people write them inside single quotes. */
static char *unescape(const char *text)
{
	char *out = xstrdup(text);
	char *to = out;

	for (const char *from = out; *from; from++) {
		if (from[0] == '\\' && (from[1] == 't' || from[1] == 'n')) {
			*to++ = from[1] == 't' ? '\t' : '\n';
			from++;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return out;
}

/* Settles what is printed for each row. */
static void choose(struct listing *l, const char *format, bool quiet)
{
	static const char word[] = "table";
	size_t len = strlen(word);

	if (!format || !*format || strcmp(format, word) == 0) {
		l->table = !quiet;
		l->heads = !quiet;
		l->text = xstrdup(quiet ? l->kind->quiet : l->kind->table);
	} else if (strcmp(format, "json") == 0) {
		l->text = xstrdup("{{json .}}");
	} else if (strncmp(format, word, len) == 0 && strchr(" \t\\", format[len])) {
		const char *rest = format + len;
		while (*rest == ' ' || *rest == '\t')
			rest++;
		l->table = true;
		l->heads = true;
		l->text = unescape(rest);
	} else {
		l->text = unescape(format);
	}
}

static int add_heads(struct listing *l, struct error *err)
{
	auto_json *row = json_object_new_object();

	for (const struct listing_column *c = l->kind->columns; c->field; c++)
		json_add_string(row, c->field, c->head);
	const struct template_data data = { .root = row, .strict = true, .headers = true };
	struct strbuf line = STRBUF_INIT(65536);
	int r = template_run(l->template, &data, &line, err);
	strv_add_take(&l->lines, strbuf_take(&line));
	return r;
}

int listing_new(const struct listing_kind *kind, const char *format, bool quiet,
		struct listing **ret, struct error *err)
{
	auto_listing *l = xnew(struct listing);

	l->kind = kind;
	choose(l, format, quiet);
	int r = template_parse(l->text, &l->template, err);
	if (r == 0 && l->heads)
		r = add_heads(l, err);
	if (r < 0)
		return r;
	*ret = take_ptr(l);
	return 0;
}

void listing_free(struct listing *l)
{
	if (!l)
		return;
	template_free(l->template);
	free(l->text);
	strv_done(&l->lines);
	free(l);
}

bool listing_names_fields(const struct listing *l)
{
	/* "{{.ID}}\t{{.Names}}": a dot stands before the name of a field, and nowhere else */
	for (const char *dot = l->text; (dot = strchr(dot, '.')); dot++)
		if (!isalpha((unsigned char)dot[1]))
			return false;
	return strchr(l->text, '$') == NULL;
}

bool listing_uses(const struct listing *l, const char *field)
{
	return strstr(l->text, field) != NULL || !listing_names_fields(l);
}

int listing_add(struct listing *l, struct json_object *row, struct json_object *methods,
		struct error *err)
{
	auto_json *given = row;
	auto_json *maps = methods;
	/* the order of fields is seen only where all are shown */
	auto_json *sorted =
		listing_names_fields(l) ? json_object_get(given) : document_sorted(given);
	const struct template_data data = { .root = sorted, .methods = maps, .strict = true };
	struct strbuf line = STRBUF_INIT(LISTING_MAX);

	int r = template_run(l->template, &data, &line, err);
	strv_add_take(&l->lines, strbuf_take(&line));
	return r;
}

void listing_text(struct listing *l, struct strbuf *ret)
{
	if (l->table) {
		table_format(&l->lines, TABLE_WIDTH_MIN, ret);
		return;
	}
	for (size_t i = 0; i < l->lines.count; i++) {
		strbuf_adds(ret, l->lines.items[i]);
		strbuf_addc(ret, '\n');
	}
}

void listing_print(struct listing *l)
{
	auto_strbuf out = STRBUF_INIT(LISTING_MAX);

	listing_text(l, &out);
	(void)fwrite(out.data, 1, out.len, stdout);
}
