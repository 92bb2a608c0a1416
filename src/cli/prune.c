/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prune.h"

#include <stdio.h>
#include <string.h>

#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/human.h"

bool prune_confirm(const struct prune_options *o, const char *warning)
{
	char line[16];

	if (o->force)
		return true;
	(void)printf("%s\nAre you sure you want to continue? [y/N] ", warning);
	(void)fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void print_item(struct json_object *item)
{
	const char *untagged = document_text(item, "Untagged");

	if (json_object_get_type(item) == json_type_string)
		(void)puts(json_object_get_string(item));
	else if (*untagged)
		(void)printf("untagged: %s\n", untagged);
	else
		(void)printf("deleted: %s\n", document_text(item, "Deleted"));
}

int prune_kind(const struct call *call, const char *path, const char *filters, const char *list,
	       const char *head, struct prune_result *result, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *answer = NULL;

	strbuf_adds(&url, path);
	url_query(&url, "filters", filters);
	int r = api_json(call->api, "POST", strbuf_text(&url), NULL, 0, &answer, err);
	if (r < 0)
		return r;
	struct json_object *gone = document_at(answer, list);
	if (document_count(gone, NULL) > 0)
		(void)printf("%s:\n", head);
	for (size_t i = 0; i < document_count(gone, NULL); i++)
		print_item(document_item(gone, i));
	if (document_count(gone, NULL) > 0)
		(void)putchar('\n');
	result->reclaimed += document_int(answer, "SpaceReclaimed");
	return 0;
}

void prune_print_total(const struct prune_result *result)
{
	char text[HUMAN_TEXT];

	human_size((double)result->reclaimed, 4, text);
	(void)printf("Total reclaimed space: %s\n", text);
}
