/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/filter.h"
#include "cli/human.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct images_options {
	bool all;
	bool digests;
	bool no_trunc;
	bool quiet;
	struct strv filters;
	const char *format;
};

static const struct option options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct images_options, all),
	  "Also show intermediate images" },
	{ "digests", 0, OPTION_FLAG, offsetof(struct images_options, digests), "Show digests" },
	{ "filter", 'f', OPTION_LIST, offsetof(struct images_options, filters),
	  "Show only images that fit KEY=VALUE", .value = "filter" },
	{ "format", 0, OPTION_TEXT, offsetof(struct images_options, format), TEXT_FORMAT_HELP },
	{ "no-trunc", 0, OPTION_FLAG, offsetof(struct images_options, no_trunc),
	  "Do not cut long values short" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct images_options, quiet), "Show only ids" },
	{},
};

static const struct listing_column columns[] = {
	{ "Containers", "CONTAINERS" },
	{ "CreatedAt", "CREATED AT" },
	{ "CreatedSince", "CREATED" },
	{ "Digest", "DIGEST" },
	{ "ID", "IMAGE ID" },
	{ "Repository", "REPOSITORY" },
	{ "SharedSize", "SHARED SIZE" },
	{ "Size", "SIZE" },
	{ "Tag", "TAG" },
	{ "UniqueSize", "UNIQUE SIZE" },
	{},
};

static const struct listing_kind kind = {
	columns, "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}", "{{.ID}}"
};
static const struct listing_kind kind_digests = {
	columns,
	"{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
	"{{.ID}}",
};

struct name {
	const char *repository;
	const char *tag;
	const char *digest;
};

static void add_size(struct json_object *row, const char *key, int64_t size)
{
	char text[HUMAN_TEXT] = "N/A";

	if (size >= 0)
		human_size((double)size, 3, text);
	json_add_string(row, key, text);
}

static struct json_object *make_row(struct json_object *image, const struct name *name, bool cut)
{
	struct json_object *row = json_object_new_object();
	auto_free char *id = text_image_id(document_text(image, "Id"), !cut);
	int64_t created = document_int(image, "Created") * NSEC_PER_SEC;
	int64_t shared = document_int(image, "SharedSize");
	int64_t containers = document_int(image, "Containers");
	char text[HUMAN_TEXT];

	json_add_string(row, "ID", id);
	json_add_string(row, "Repository", name->repository);
	json_add_string(row, "Tag", name->tag);
	json_add_string(row, "Digest", name->digest);
	human_duration(clock_now() - created, text);
	auto_free char *ago = created > 0 ? xasprintf("%s ago", text) : xstrdup("N/A");
	json_add_string(row, "CreatedSince", ago);
	human_instant(created, text);
	json_add_string(row, "CreatedAt", text);
	add_size(row, "Size", document_int(image, "Size"));
	add_size(row, "SharedSize", shared);
	add_size(row, "UniqueSize", shared < 0 ? -1 : document_int(image, "Size") - shared);
	(void)snprintf(text, sizeof(text), containers < 0 ? "N/A" : "%lld", (long long)containers);
	json_add_string(row, "Containers", text);
	return row;
}

/* Parts "localhost:5000/x:1" at the last @mark behind the last slash; false where it has none. */
static bool split_name(char *text, char mark, const char **ret_rest)
{
	char *slash = strrchr(text, '/');
	char *at = strrchr(slash ? slash : text, mark);

	if (!at)
		return false;
	*at = '\0';
	*ret_rest = at + 1;
	return true;
}

struct printing {
	struct listing *listing;
	const struct images_options *o;
	struct error *err;
};

static int add_row(struct printing *p, struct json_object *image, const char *repository,
		   const char *tag, const char *digest)
{
	const struct name name = { repository, tag, digest };

	return listing_add(p->listing, make_row(image, &name, !p->o->no_trunc), NULL, p->err);
}

/* One row for a tag; with --digests one for each digest that its repository has. */
static int add_tag(struct printing *p, struct json_object *image, const char *text)
{
	auto_free char *repository = xstrdup(text);
	struct json_object *digests = document_at(image, "RepoDigests");
	const char *tag = "<none>";
	bool any = false;
	int r = 0;

	(void)split_name(repository, ':', &tag);
	for (size_t i = 0; p->o->digests && i < document_count(digests, NULL) && r == 0; i++) {
		auto_free char *other = xstrdup(document_text(document_item(digests, i), NULL));
		const char *digest;
		if (!split_name(other, '@', &digest) || strcmp(other, repository) != 0)
			continue;
		any = true;
		r = add_row(p, image, repository, tag, digest);
	}
	return any || r < 0 ? r : add_row(p, image, repository, tag, "<none>");
}

/* An image that has lost its tags, or was pulled by digest only. */
static int add_untagged(struct printing *p, struct json_object *image)
{
	struct json_object *digests = document_at(image, "RepoDigests");
	size_t count = document_count(digests, NULL);
	int r = 0;

	if (count == 0)
		return add_row(p, image, "<none>", "<none>", "<none>");
	for (size_t i = 0; i < count && r == 0; i++) {
		auto_free char *repository =
			xstrdup(document_text(document_item(digests, i), NULL));
		const char *digest = "<none>";
		(void)split_name(repository, '@', &digest);
		r = add_row(p, image, repository, "<none>", digest);
		if (!p->o->digests)
			break;
	}
	return r;
}

static int add_image(struct printing *p, struct json_object *image)
{
	struct json_object *tags = document_at(image, "RepoTags");
	int r = 0;

	for (size_t i = 0; i < document_count(tags, NULL) && r == 0; i++)
		r = add_tag(p, image, document_text(document_item(tags, i), NULL));
	return document_count(tags, NULL) > 0 ? r : add_untagged(p, image);
}

static int fetch(struct call *call, struct json_object **ret, struct error *err)
{
	const struct images_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_free char *filters = NULL;
	auto_strv all = {};

	strv_add_all(&all, &o->filters);
	if (call->operand_count > 0)
		strv_addf(&all, "reference=%s", call->operands[0]);
	int r = filter_json(&all, &filters, err);
	if (r < 0)
		return r;
	strbuf_adds(&url, "/images/json");
	url_query_flag(&url, "all", o->all);
	url_query(&url, "filters", filters);
	return api_get(call->api, strbuf_text(&url), ret, err);
}

static int run(struct call *call)
{
	const struct images_options *o = call->options;
	auto_listing *listing = NULL;
	auto_json *images = NULL;
	struct error err = {};

	int r = listing_new(o->digests ? &kind_digests : &kind, o->format, o->quiet, &listing,
			    &err);
	if (r == 0)
		r = fetch(call, &images, &err);
	struct printing p = { .listing = listing, .o = o, .err = &err };
	for (size_t i = 0; r == 0 && i < document_count(images, NULL); i++)
		r = add_image(&p, document_item(images, i));
	if (r < 0)
		return call_fail(call, NULL, &err);
	listing_print(listing);
	return 0;
}

const struct verb verb_images = {
	.names = (const char *const[]){ "images", "image ls", "image list", NULL },
	.operands = "[REPOSITORY[:TAG]]",
	.help = "List images",
	.options = { .tables = { options } },
	.options_size = sizeof(struct images_options),
	.operands_max = 1,
	.words = WORDS_IMAGE,
	.common = true,
	.run = run,
};
