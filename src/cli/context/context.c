/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "cli/document.h"

#define CONTEXTS_MAX (1U << 20)

/* Value of an environment variable that is set and not empty. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static char *config_dir(const struct globals *globals)
{
	const char *home = environment("HOME");
	const char *given = globals->config_dir ? globals->config_dir : environment("BERTH_CONFIG");

	if (given)
		return xstrdup(given);
	if (environment("XDG_CONFIG_HOME"))
		return xasprintf("%s/berth", environment("XDG_CONFIG_HOME"));
	return xasprintf("%s/.config/berth", home ? home : "/root");
}

int context_load(const struct globals *globals, struct json_object **ret, struct error *err)
{
	auto_free char *dir = config_dir(globals);
	auto_free char *path = xasprintf("%s/contexts.json", dir);
	auto_strbuf text = STRBUF_INIT(CONTEXTS_MAX);

	int r = read_file_at(AT_FDCWD, path, CONTEXTS_MAX, &text, err);
	if (r == -ENOENT) {
		*ret = json_object_new_object();
		return 0;
	}
	if (r < 0)
		return r;
	return json_parse(strbuf_text(&text), text.len, CONTEXTS_MAX, path, ret, err);
}

int context_save(const struct globals *globals, struct json_object *document, struct error *err)
{
	auto_free char *dir = config_dir(globals);
	auto_free char *path = xasprintf("%s/contexts.json", dir);
	auto_free char *text = json_text(document);

	int r = path_make_dirs(dir, 0700, err);
	if (r < 0)
		return r;
	return write_file_at(AT_FDCWD, path, text, strlen(text), 0600, false, err);
}

struct json_object *context_find(struct json_object *document, const char *name)
{
	struct json_object *contexts = document_at(document, "contexts");
	struct json_object *entry = NULL;

	if (document_count(contexts, NULL) > 0)
		(void)json_object_object_get_ex(contexts, name, &entry);
	return entry;
}

const char *context_current(const struct globals *globals, struct json_object *document)
{
	if (globals->context)
		return globals->context;
	if (globals->hosts.count > 0 || environment("BERTH_HOST") || environment("DOCKER_HOST"))
		return CONTEXT_DEFAULT;
	if (environment("BERTH_CONTEXT"))
		return environment("BERTH_CONTEXT");
	const char *current = document_text(document, "current");
	return *current ? current : CONTEXT_DEFAULT;
}

static void default_endpoint(const struct globals *globals, struct endpoint *ret)
{
	const char *host = globals->hosts.count > 0    ? globals->hosts.items[0]
			   : environment("BERTH_HOST") ? environment("BERTH_HOST")
						       : environment("DOCKER_HOST");
	const char *tls = environment("DOCKER_TLS_VERIFY") ? environment("DOCKER_CERT_PATH") : NULL;

	ret->url = host && host[0] == '/' ? xasprintf("unix://%s", host)
		   : host                 ? xstrdup(host)
					  : xstrdup("unix://" ENGINE_SOCKET);
	ret->may_start = strcmp(ret->url, "unix://" ENGINE_SOCKET) == 0;
	ret->tls_dir = xstrdup_or_null(tls);
}

int context_endpoint(const struct globals *globals, struct endpoint *ret, struct error *err)
{
	auto_json *document = NULL;

	if (globals->hosts.count > 1)
		return error_say(err, EINVAL, "specify only one -H");
	if (globals->hosts.count > 0 && globals->context)
		return error_say(err, EINVAL, "-H and --context exclude each other");
	int r = context_load(globals, &document, err);
	if (r < 0)
		return r;

	const char *name = context_current(globals, document);
	if (strcmp(name, CONTEXT_DEFAULT) == 0) {
		default_endpoint(globals, ret);
		return 0;
	}
	struct json_object *entry = context_find(document, name);
	const char *host = NULL;
	const char *tls = NULL;
	if (!entry)
		return error_say(err, ENOENT, "context '%s' does not exist", name);
	r = json_get_string(entry, "host", &host, err);
	if (r == 0)
		r = json_get_string(entry, "tls", &tls, err);
	if (r < 0)
		return error_prefix(err, "context '%s'", name);
	ret->url = xstrdup(host ? host : "unix://" ENGINE_SOCKET);
	ret->tls_dir = xstrdup_or_null(tls);
	ret->may_start = strcmp(ret->url, "unix://" ENGINE_SOCKET) == 0;
	return 0;
}
