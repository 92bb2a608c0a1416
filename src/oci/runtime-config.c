/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/runtime-config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "oci/runtime-tables.h"

#define DOCUMENT_MAX (4u << 20)

static int parse(const struct json_table *table, const char *text, size_t len, const char *what,
		 void *ret, struct error *err)
{
	auto_json *document = NULL;
	int r = json_parse(text, len, DOCUMENT_MAX, what, &document, err);
	if (r < 0)
		return r;

	r = json_read(table, document, ret, err);
	return r < 0 ? error_prefix(err, "%s", what) : 0;
}

int runtime_config_parse(const char *text, size_t len, struct runtime_config *ret,
			 struct error *err)
{
	struct runtime_config config = {};
	int r = parse(&runtime_config_table, text, len, "config.json", &config, err);

	if (r == 0)
		*ret = config;
	return r;
}

int runtime_process_parse(const char *text, size_t len, struct runtime_process *ret,
			  struct error *err)
{
	struct runtime_process process = {};
	int r = parse(&runtime_process_table, text, len, "process", &process, err);

	if (r == 0)
		*ret = process;
	return r;
}

struct json_object *runtime_config_json(const struct runtime_config *config)
{
	return json_write(&runtime_config_table, config);
}

void runtime_config_done(struct runtime_config *config)
{
	json_release(&runtime_config_table, config);
}

void runtime_process_done(struct runtime_process *process)
{
	json_release(&runtime_process_table, process);
}

void runtime_seccomp_done(struct runtime_seccomp *seccomp)
{
	json_release(&runtime_seccomp_table, seccomp);
}

struct runtime_mount *runtime_config_add_mount(struct runtime_config *config,
					       const char *destination, const char *type,
					       const char *source, const char *options)
{
	struct runtime_mount *m = array_add(config->mounts, config->mount_count);

	m->destination = xstrdup(destination);
	m->type = xstrdup_or_null(type);
	m->source = xstrdup_or_null(source);
	if (options)
		strv_split(&m->options, options, ',');
	return m;
}

struct runtime_namespace *runtime_config_namespace(const struct runtime_config *config, int type)
{
	for (size_t i = 0; i < config->linux_.namespace_count; i++)
		if (config->linux_.namespaces[i].type == type)
			return &config->linux_.namespaces[i];
	return NULL;
}
