/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/mount-spec.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/human.h"

/* "." and "./x" and "../x" below the working folder; anything else as it is. */
static char *absolute(const char *path)
{
	char folder[PATH_MAX];

	if (path[0] != '.' || !getcwd(folder, sizeof(folder)))
		return xstrdup(path);
	for (;;) {
		if (path[0] == '.' && (path[1] == '/' || path[1] == '\0')) {
			path += path[1] ? 2 : 1;
		} else if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0')) {
			char *slash = strrchr(folder, '/');
			slash[slash == folder ? 1 : 0] = '\0';
			path += path[2] ? 3 : 2;
		} else {
			break;
		}
	}
	if (!*path)
		return xstrdup(folder);
	return xasprintf("%s%s%s", folder, folder[1] ? "/" : "", path);
}

int mount_spec_volume(const char *text, struct strv *binds, struct json_object *volumes,
		      struct error *err)
{
	const char *colon = strchr(text, ':');

	if (!*text)
		return error_say(err, EINVAL, "invalid empty volume spec");
	if (!colon) {
		(void)json_add(volumes, text, json_object_new_object());
		return 0;
	}
	size_t len = strlen(text);
	if (colon == text || text[len - 1] == ':' || strstr(text, "::"))
		return error_say(err, EINVAL, "invalid spec: %s: empty section between colons",
				 text);
	auto_free char *source = xstrndup(text, (size_t)(colon - text));
	auto_free char *whole = absolute(source);
	strv_addf(binds, "%s%s", whole, colon);
	return 0;
}

int mount_spec_split(const char *text, struct strv *ret, struct error *err)
{
	while (*text) {
		auto_strbuf part = STRBUF_INIT(65536);
		bool quoted = *text == '"';
		if (quoted) {
			for (text++; *text && !(text[0] == '"' && text[1] != '"'); text++) {
				text += text[0] == '"';
				strbuf_addc(&part, *text);
			}
			if (!*text)
				return error_say(err, EINVAL, "a quote is not closed");
			text++;
			if (*text && *text != ',')
				return error_say(err, EINVAL, "text behind a closing quote");
		} else {
			size_t len = strcspn(text, ",");
			strbuf_add(&part, text, len);
			text += len;
		}
		strv_add(ret, strbuf_text(&part));
		if (*text == ',')
			text++;
	}
	return 0;
}

/* The options of one kind, "BindOptions", made when first needed. */
static struct json_object *part_of(struct json_object *mount, const char *name)
{
	struct json_object *part = NULL;

	if (!json_object_object_get_ex(mount, name, &part))
		part = json_add(mount, name, json_object_new_object());
	return part;
}

static void add_pair(struct json_object *owner, const char *key, const char *pair)
{
	const char *equal = strchrnul(pair, '=');
	auto_free char *name = xstrndup(pair, (size_t)(equal - pair));

	json_add_string(part_of(owner, key), name, *equal ? equal + 1 : "");
}

static int flag_value(const char *key, const char *value, bool *ret, struct error *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*ret = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*ret = false;
	else
		return error_say(err, EINVAL, "invalid value for %s: %s", key, value);
	return 0;
}

static int take_flag(struct json_object *owner, const char *member, const char *key,
		     const char *value, struct error *err)
{
	bool on = false;

	int r = flag_value(key, value, &on, err);
	if (r == 0)
		document_add_flag(owner, member, on);
	return r;
}

static int take_tmpfs(struct json_object *mount, const char *key, const char *value,
		      struct error *err)
{
	struct json_object *part = part_of(mount, "TmpfsOptions");

	if (strcmp(key, "tmpfs-size") == 0) {
		int64_t size;
		if (!human_parse_bytes(value, &size))
			return error_say(err, EINVAL, "invalid value for %s: %s", key, value);
		json_add_int(part, "SizeBytes", size);
		return 0;
	}
	char *end;
	unsigned long mode = strtoul(value, &end, 8);
	if (!*value || *end)
		return error_say(err, EINVAL, "invalid value for %s: %s", key, value);
	json_add_int(part, "Mode", (int64_t)mode);
	return 0;
}

/* "enabled", "disabled", "writable", "readonly": how far a bind mount takes those below it. */
static int take_recursive(struct json_object *mount, const char *value, struct error *err)
{
	static const struct {
		const char *value;
		const char *member;
	} ways[] = {
		{ "enabled", NULL },
		{ "disabled", "NonRecursive" },
		{ "writable", "ReadOnlyNonRecursive" },
		{ "readonly", "ReadOnlyForceRecursive" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (strcmp(value, ways[i].value) == 0) {
			if (ways[i].member)
				json_add_bool(part_of(mount, "BindOptions"), ways[i].member, true);
			return 0;
		}
	}
	return error_say(err, EINVAL, "invalid value for bind-recursive: %s", value);
}

static int take_volume(struct json_object *mount, const char *key, const char *value,
		       struct error *err)
{
	struct json_object *part = part_of(mount, "VolumeOptions");

	if (strcmp(key, "volume-nocopy") == 0)
		return take_flag(part, "NoCopy", key, value, err);
	if (!value)
		return error_say(err, EINVAL, "invalid field '%s' must be a key=value pair", key);
	if (strcmp(key, "volume-subpath") == 0)
		json_add_string(part, "Subpath", value);
	else if (strcmp(key, "volume-label") == 0)
		add_pair(part, "Labels", value);
	else if (strcmp(key, "volume-driver") == 0)
		json_add_string(part_of(part, "DriverConfig"), "Name", value);
	else if (strcmp(key, "volume-opt") == 0)
		add_pair(part_of(part, "DriverConfig"), "Options", value);
	else
		return error_say(err, EINVAL, "unexpected key '%s'", key);
	return 0;
}

static bool is_any(const char *key, const char *a, const char *b, const char *c)
{
	return strcmp(key, a) == 0 || strcmp(key, b) == 0 || strcmp(key, c) == 0;
}

/* One key; @value is NULL where there was no '='. */
static int take_field(struct json_object *mount, const char *key, const char *value,
		      struct error *err)
{
	if (is_any(key, "readonly", "ro", "ro"))
		return take_flag(mount, "ReadOnly", key, value, err);
	if (strcmp(key, "bind-nonrecursive") == 0)
		return take_flag(part_of(mount, "BindOptions"), "NonRecursive", key, value, err);
	if (strncmp(key, "volume-", 7) == 0)
		return take_volume(mount, key, value, err);
	if (!value)
		return error_say(err, EINVAL, "invalid field '%s' must be a key=value pair", key);
	if (strcmp(key, "type") == 0) {
		json_add_string(mount, "Type", value);
	} else if (is_any(key, "source", "src", "src")) {
		auto_free char *whole = absolute(value);
		json_add_string(mount, "Source", whole);
	} else if (is_any(key, "target", "dst", "destination")) {
		json_add_string(mount, "Target", value);
	} else if (strcmp(key, "consistency") == 0) {
		json_add_string(mount, "Consistency", value);
	} else if (strcmp(key, "bind-propagation") == 0) {
		json_add_string(part_of(mount, "BindOptions"), "Propagation", value);
	} else if (strcmp(key, "bind-recursive") == 0) {
		return take_recursive(mount, value, err);
	} else if (strcmp(key, "image-subpath") == 0) {
		json_add_string(part_of(mount, "ImageOptions"), "Subpath", value);
	} else if (is_any(key, "tmpfs-size", "tmpfs-mode", "tmpfs-mode")) {
		return take_tmpfs(mount, key, value, err);
	} else {
		return error_say(err, EINVAL, "unexpected key '%s'", key);
	}
	return 0;
}

/* What belongs to another type of mount than the one named, and what is missing. */
static int check(struct json_object *mount, struct error *err)
{
	static const struct {
		const char *type;
		const char *part;
	} parts[] = {
		{ "volume", "VolumeOptions" },
		{ "bind", "BindOptions" },
		{ "tmpfs", "TmpfsOptions" },
		{ "image", "ImageOptions" },
	};
	const char *type = document_text(mount, "Type");

	if (!*type)
		return error_say(err, EINVAL, "type is required");
	if (!*document_text(mount, "Target"))
		return error_say(err, EINVAL, "target is required");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (document_at(mount, parts[i].part) && strcmp(type, parts[i].type) != 0)
			return error_say(err, EINVAL,
					 "cannot mix '%s' options with mount type '%s'",
					 parts[i].type, type);
	return 0;
}

int mount_spec_parse(const char *text, struct json_object **ret, struct error *err)
{
	auto_json *mount = json_object_new_object();
	auto_strv fields = {};

	int r = mount_spec_split(text, &fields, err);
	if (r < 0)
		return r;
	/* Docker's own default */
	json_add_string(mount, "Type", "volume");
	for (size_t i = 0; i < fields.count && r == 0; i++) {
		char *value = strchr(fields.items[i], '=');
		if (value)
			*value++ = '\0';
		for (char *c = fields.items[i]; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		r = take_field(mount, fields.items[i], value, err);
	}
	if (r == 0)
		r = check(mount, err);
	if (r == 0)
		*ret = take_ptr(mount);
	return r;
}
