/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/auth-config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json_object_iterator.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "oci/auth-helper.h"
#include "oci/reference.h"

#define CONFIG_SIZE_MAX (1u << 20)

struct auth_config {
	char *path;
	struct json_object *document;
};

void auth_config_free(struct auth_config *c)
{
	if (!c)
		return;
	free(c->path);
	json_put_p(&c->document);
	free(c);
}

const char *auth_config_path(const struct auth_config *c)
{
	return c->path;
}

char *auth_server_of_domain(const char *domain)
{
	return xstrdup(strcmp(domain, REFERENCE_DEFAULT_DOMAIN) == 0 ? AUTH_DOCKER_HUB : domain);
}

static char *default_path(void)
{
	const char *folder = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");

	if (folder && folder[0])
		return xasprintf("%s/config.json", folder);
	return xasprintf("%s/.docker/config.json", home && home[0] ? home : "/root");
}

int auth_config_load(const char *path, struct auth_config **ret, struct error *err)
{
	auto_auth_config *c = xnew(struct auth_config);
	auto_strbuf text = STRBUF_INIT(CONFIG_SIZE_MAX);

	c->path = path ? xstrdup(path) : default_path();
	int r = read_file_at(AT_FDCWD, c->path, CONFIG_SIZE_MAX, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (text.len == 0) {
		c->document = json_object_new_object();
	} else {
		r = json_parse(text.data, text.len, CONFIG_SIZE_MAX, c->path, &c->document, err);
		explicit_bzero(text.data, text.size);
		if (r < 0)
			return r;
	}
	if (!json_object_is_type(c->document, json_type_object))
		return error_say(err, EBADMSG, "parse %s: it is no object", c->path);
	*ret = take_ptr(c);
	return 0;
}

/* "https://host/v1/" names the same server as "host". */
static bool same_server(const char *a, const char *b)
{
	const char *const servers[] = { a, b };
	const char *hosts[2];
	size_t lengths[2];

	for (size_t i = 0; i < 2; i++) {
		const char *scheme = strstr(servers[i], "://");
		hosts[i] = scheme ? scheme + 3 : servers[i];
		lengths[i] = strcspn(hosts[i], "/");
	}
	return lengths[0] == lengths[1] && strncmp(hosts[0], hosts[1], lengths[0]) == 0;
}

/* The key under which @object has @server, in whichever way it is written; NULL where it has not.
 */
static const char *find_server(struct json_object *object, const char *server)
{
	if (!object)
		return NULL;
	if (json_object_object_get_ex(object, server, NULL))
		return server;

	struct json_object_iterator at = json_object_iter_begin(object);
	struct json_object_iterator end = json_object_iter_end(object);
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *key = json_object_iter_peek_name(&at);
		if (same_server(key, server))
			return key;
	}
	return NULL;
}

/* The helper that keeps this server's secret; NULL where the file itself does. */
static int helper_of(const struct auth_config *c, const char *server, const char **ret,
		     struct error *err)
{
	struct json_object *helpers = NULL;
	const char *name = NULL;

	if (json_get_object(c->document, "credHelpers", &helpers, err) < 0)
		return error_prefix(err, "%s", c->path);
	const char *key = find_server(helpers, server);
	if ((key && json_get_string(helpers, key, &name, err) < 0) ||
	    (!name && json_get_string(c->document, "credsStore", &name, err) < 0))
		return error_prefix(err, "%s", c->path);
	*ret = name && name[0] ? name : NULL;
	return 0;
}

static int get_from_file(const struct auth_config *c, const char *server, struct auth *ret,
			 struct error *err)
{
	struct json_object *auths = NULL;
	struct json_object *entry = NULL;

	if (json_get_object(c->document, "auths", &auths, err) < 0)
		return error_prefix(err, "%s", c->path);
	const char *key = find_server(auths, server);
	if (key && json_get_object(auths, key, &entry, err) < 0)
		return error_prefix(err, "%s: auths", c->path);
	if (entry && auth_from_json(entry, ret, err) < 0)
		return error_prefix(err, "%s: auths: %s", c->path, server);
	return 0;
}

int auth_config_get(const struct auth_config *c, const char *server, struct auth *ret,
		    struct error *err)
{
	const char *helper = NULL;
	auto_auth a = {};
	struct error lookup = {};

	int r = helper_of(c, server, &helper, err);
	if (r < 0)
		return r;
	r = helper ? auth_helper_get(helper, server, &a, &lookup)
		   : get_from_file(c, server, &a, &lookup);
	if (r < 0 && !(helper && r == -ENOENT)) {
		if (err)
			*err = lookup;
		return r;
	}
	free(a.server);
	a.server = xstrdup(server);
	auth_done(ret);
	*ret = take_struct(a);
	return 0;
}

static int write_config(const struct auth_config *c, struct error *err)
{
	auto_free char *target = realpath(c->path, NULL);
	const char *path = target ? target : c->path;
	const char *slash = strrchr(path, '/');

	if (slash && slash != path) {
		auto_free char *folder = xstrndup(path, (size_t)(slash - path));
		int r = path_make_dirs(folder, 0700, err);
		if (r < 0)
			return r;
	}
	const char *text = json_object_to_json_string_ext(
		c->document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
				     JSON_C_TO_STRING_NOSLASHESCAPE);
	return write_file_at(AT_FDCWD, path, text, strlen(text), 0600, true, err);
}

/* The "auths" object, made where it is missing. */
static int get_auths(struct auth_config *c, struct json_object **ret, struct error *err)
{
	struct json_object *auths = NULL;

	if (json_get_object(c->document, "auths", &auths, err) < 0)
		return error_prefix(err, "%s", c->path);
	*ret = auths ? auths : json_add(c->document, "auths", json_object_new_object());
	return 0;
}

/* What the file itself holds of a secret; an empty object where a helper has it. */
static struct json_object *entry_of(const struct auth *a)
{
	struct json_object *entry = json_object_new_object();
	auto_free char *joined = xasprintf("%s:%s", a->username ? a->username : "",
					   a->identity_token || !a->password ? "" : a->password);
	auto_strbuf text = STRBUF_INIT(CONFIG_SIZE_MAX);

	base64_encode(joined, strlen(joined), &text);
	json_add_string(entry, "auth", strbuf_text(&text));
	if (a->identity_token)
		json_add_string(entry, "identitytoken", a->identity_token);
	explicit_bzero(joined, strlen(joined));
	return entry;
}

int auth_config_store(struct auth_config *c, const struct auth *a, struct error *err)
{
	const char *helper = NULL;
	struct json_object *auths = NULL;

	int r = helper_of(c, a->server, &helper, err);
	if (r == 0)
		r = get_auths(c, &auths, err);
	if (r == 0 && helper)
		r = auth_helper_store(helper, a, err);
	if (r < 0)
		return r;

	const char *old = find_server(auths, a->server);
	if (old && strcmp(old, a->server) != 0)
		json_object_object_del(auths, old);
	(void)json_add(auths, a->server, helper ? json_object_new_object() : entry_of(a));
	return write_config(c, err);
}

int auth_config_erase(struct auth_config *c, const char *server, struct error *err)
{
	const char *helper = NULL;
	struct json_object *auths = NULL;

	int r = helper_of(c, server, &helper, err);
	if (r == 0)
		r = get_auths(c, &auths, err);
	if (r == 0 && helper)
		r = auth_helper_erase(helper, server, err);
	if (r < 0)
		return r;

	const char *key = find_server(auths, server);
	if (!key)
		return 1;
	json_object_object_del(auths, key);
	r = write_config(c, err);
	return r < 0 ? r : 0;
}
