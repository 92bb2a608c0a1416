/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log-attributes.h"

#include <ctype.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "container/request/log-config.h"
#include "instance/record.h"
#include "oci/image-config.h"

#define SHORT_ID 12
#define TAG_MAX 4096
#define FIELD_NAME_MAX 64

static const char *const own_fields[] = { "CONTAINER_ID",     "CONTAINER_ID_FULL",
					  "CONTAINER_NAME",   "CONTAINER_TAG",
					  "IMAGE_NAME",       "SYSLOG_IDENTIFIER",
					  "SYSLOG_TIMESTAMP", "PRIORITY",
					  "MESSAGE",          "CONTAINER_PARTIAL_MESSAGE" };

/* ---- The tag -------------------------------------------------------------------------------- */

/* Replaces the markers that log_config_read() lets pass. */
static char *expand_tag(const struct record *r, const char *template)
{
	const char *hex = strchr(r->image_id, ':');
	const char *image_id = hex ? hex + 1 : r->image_id;
	const struct {
		const char *marker, *text;
		size_t max;
	} markers[] = {
		{ "{{.ID}}", r->id, SHORT_ID },
		{ "{{.FullID}}", r->id, SIZE_MAX },
		{ "{{.Name}}", r->name, SIZE_MAX },
		{ "{{.ImageID}}", image_id, SHORT_ID },
		{ "{{.ImageFullID}}", r->image_id, SIZE_MAX },
		{ "{{.ImageName}}", r->request.image, SIZE_MAX },
		{ "{{.DaemonName}}", "berth", SIZE_MAX },
	};
	auto_strbuf tag = STRBUF_INIT(TAG_MAX);

	while (*template) {
		size_t used = 1;
		for (size_t i = 0; i < ARRAY_SIZE(markers) && used == 1; i++) {
			size_t len = strlen(markers[i].marker);
			if (strncmp(template, markers[i].marker, len) != 0)
				continue;
			strbuf_add(&tag, markers[i].text, strnlen(markers[i].text, markers[i].max));
			used = len;
		}
		if (used == 1)
			strbuf_addc(&tag, *template);
		template += used;
	}
	return strbuf_take(&tag);
}

/* ---- Labels and variables ------------------------------------------------------------------- */

/* A key as the name of a field: capitals, digits and '_', which does not come first. */
static char *field_name(const char *key)
{
	auto_strbuf name = STRBUF_INIT(FIELD_NAME_MAX);

	for (; *key; key++) {
		char c = isalnum((unsigned char)*key) ? (char)toupper((unsigned char)*key) : '_';
		if (name.len || c != '_')
			strbuf_addc(&name, c);
	}
	return strbuf_take(&name);
}

static void add_chosen(struct strv *ret, const char *key, const char *value, bool journal)
{
	if (!value)
		return;
	auto_free char *name = journal ? field_name(key) : xstrdup(key);
	for (size_t i = 0; journal && i < ARRAY_SIZE(own_fields); i++)
		if (strcmp(own_fields[i], name) == 0)
			return;
	if (*name)
		strv_addf(ret, "%s=%s", name, value);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void log_attributes(const struct record *r, const struct log_config *config,
		    const struct image_config *image, struct strv *ret)
{
	bool journal = config->driver == LOG_DRIVER_JOURNALD;
	auto_strv labels = {}, variables = {};

	if (config->labels)
		strv_split(&labels, config->labels, ',');
	if (config->env)
		strv_split(&variables, config->env, ',');
	for (size_t i = 0; i < labels.count; i++)
		add_chosen(ret, labels.items[i], env_get(&r->labels, labels.items[i]), journal);
	for (size_t i = 0; i < variables.count; i++) {
		const char *value = env_get(&r->request.env, variables.items[i]);
		if (!value && image)
			value = env_get(&image->settings.env, variables.items[i]);
		add_chosen(ret, variables.items[i], value, journal);
	}
	if (config->tag && *config->tag && !journal) {
		auto_free char *tag = expand_tag(r, config->tag);
		strv_addf(ret, "tag=%s", tag);
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_key);
}

/* ---- The journal's fields ------------------------------------------------------------------- */

/* A value with a line's end in it goes by its length. */
static void add_field(struct strbuf *ret, const char *name, const char *value, size_t len)
{
	strbuf_adds(ret, name);
	if (memchr(value, '\n', len)) {
		uint64_t size = htole64(len);
		strbuf_addc(ret, '\n');
		strbuf_add(ret, &size, sizeof(size));
	} else {
		strbuf_addc(ret, '=');
	}
	strbuf_add(ret, value, len);
	strbuf_addc(ret, '\n');
}

void log_journal_fields(const struct record *r, const struct log_config *config,
			const struct image_config *image, struct strbuf *ret)
{
	const char *template = config->tag && *config->tag ? config->tag : "{{.ID}}";
	auto_free char *tag = expand_tag(r, template);
	auto_strv chosen = {};

	add_field(ret, "CONTAINER_ID", r->id, SHORT_ID);
	add_field(ret, "CONTAINER_ID_FULL", r->id, strlen(r->id));
	add_field(ret, "CONTAINER_NAME", r->name, strlen(r->name));
	add_field(ret, "CONTAINER_TAG", tag, strlen(tag));
	add_field(ret, "IMAGE_NAME", r->request.image, strlen(r->request.image));
	add_field(ret, "SYSLOG_IDENTIFIER", tag, strlen(tag));
	log_attributes(r, config, image, &chosen);
	for (size_t i = 0; i < chosen.count; i++) {
		size_t key = strcspn(chosen.items[i], "=");
		auto_free char *name = xstrndup(chosen.items[i], key);
		const char *value = chosen.items[i] + key + 1;
		add_field(ret, name, value, strlen(value));
	}
}
