/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/template/template.h"

#define OUTPUT_MAX (256U << 20)

struct inspection {
	struct template *template; /* NULL: the whole documents */
	bool compact;
	struct json_object *list;
	struct strbuf out;
};

int inspection_new(const char *format, struct inspection **ret, struct error *err)
{
	auto_inspection *i = xnew(struct inspection);

	strbuf_init(&i->out, OUTPUT_MAX);
	i->list = json_object_new_array();
	i->compact = format && strcmp(format, "json") == 0;
	if (format && *format && !i->compact) {
		int r = template_parse(format, &i->template, err);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(i);
	return 0;
}

void inspection_free(struct inspection *i)
{
	if (!i)
		return;
	template_free(i->template);
	json_put_p(&i->list);
	strbuf_done(&i->out);
	free(i);
}

int inspection_add(struct inspection *i, struct json_object *document, struct error *err)
{
	const struct template_data data = { .root = document, .strict = true };
	int r = 0;

	if (!i->template) {
		(void)json_object_array_add(i->list, document);
		return 0;
	}
	auto_strbuf line = STRBUF_INIT(OUTPUT_MAX);
	r = template_run(i->template, &data, &line, err);
	if (r == 0) {
		strbuf_add(&i->out, line.data, line.len);
		strbuf_addc(&i->out, '\n');
	}
	json_put_p(&document);
	return r;
}

void inspection_print(struct inspection *i)
{
	if (!i->template) {
		if (i->compact)
			json_print(i->list, &i->out);
		else
			document_pretty(i->list, 0, &i->out);
		strbuf_addc(&i->out, '\n');
	}
	(void)fwrite(i->out.data, 1, i->out.len, stdout);
}

int inspection_print_one(const char *format, struct json_object *document, struct error *err)
{
	auto_template *t = NULL;
	auto_strbuf out = STRBUF_INIT(OUTPUT_MAX);
	const struct template_data data = { .root = document };

	int r = template_parse(strcmp(format, "json") == 0 ? "{{json .}}" : format, &t, err);
	if (r == 0)
		r = template_run(t, &data, &out, err);
	if (r == 0)
		(void)puts(strbuf_text(&out));
	return r;
}
