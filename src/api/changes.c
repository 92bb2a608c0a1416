/* SPDX-License-Identifier: Apache-2.0 */
#include "api/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/strbuf.h"

#define LINE_MAX_BYTES (64 * 1024)

/* Takes the next word, unquoted, off *@text; false at the end, or (with @err) in an open quote. */
static bool take_word(const char **text, char **ret, struct error *err)
{
	auto_strbuf word = STRBUF_INIT(LINE_MAX_BYTES);
	const char *at = *text + strspn(*text, " \t");
	char quote = '\0';

	if (!*at)
		return false;
	for (; *at && (quote || !strchr(" \t", *at)); at++) {
		if (quote && *at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else if (*at == '\\' && at[1] && quote != '\'')
			strbuf_addc(&word, *++at);
		else
			strbuf_addc(&word, *at);
	}
	*text = at;
	if (quote) {
		(void)error_say(err, EINVAL, "quote without an end");
		return false;
	}
	*ret = strbuf_take(&word);
	return true;
}

static int words_of(const char *text, struct strv *ret, struct error *err)
{
	struct error open = { 0 };
	char *word;

	while (take_word(&text, &word, &open))
		strv_add_take(ret, word);
	if (open.code)
		return error_say(err, EINVAL, "%s", open.text);
	return ret->count ? 0 : error_say(err, EINVAL, "an argument is missing");
}

/* A JSON array of strings; false where the text is none. */
static bool json_words(const char *text, struct strv *ret)
{
	auto_json *o = NULL;
	auto_strv words = { 0 };

	if (*text != '[' || json_parse(text, strlen(text), LINE_MAX_BYTES, "change", &o, NULL) < 0)
		return false;
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *word = json_object_array_get_idx(o, i);

		if (!json_object_is_type(word, json_type_string))
			return false;
		strv_add(&words, json_object_get_string(word));
	}
	strv_copy(ret, &words);
	return true;
}

static int set_program(struct strv *to, const char *text)
{
	auto_strv program = { 0 };

	if (!json_words(text, &program)) {
		strv_add(&program, "/bin/sh");
		strv_add(&program, "-c");
		strv_add(&program, text);
	}
	strv_copy(to, &program);
	return 0;
}

static int change_cmd(struct image_settings *s, const char *text, struct error *err)
{
	(void)err;
	return set_program(&s->cmd, text);
}

static int change_entrypoint(struct image_settings *s, const char *text, struct error *err)
{
	(void)err;
	return set_program(&s->entrypoint, text);
}

/* Calls @set for each "key=value", or for "key value" in the old form of one. */
static int each_pair(struct image_settings *s, const char *text,
		     void (*set)(struct image_settings *s, const char *key, const char *value),
		     struct error *err)
{
	auto_strv words = { 0 };

	int r = words_of(text, &words, err);
	if (r < 0)
		return r;
	if (!strchr(words.items[0], '=')) {
		const char *rest = text + strcspn(text, " \t");
		rest += strspn(rest, " \t");
		if (!*rest)
			return error_say(err, EINVAL, "'%s' has no value", text);
		set(s, words.items[0], rest);
		return 0;
	}
	for (size_t i = 0; i < words.count; i++) {
		char *equals = strchr(words.items[i], '=');
		if (!equals || equals == words.items[i])
			return error_say(err, EINVAL, "'%s' is no NAME=VALUE", words.items[i]);
		*equals = '\0';
		set(s, words.items[i], equals + 1);
	}
	return 0;
}

static void set_env(struct image_settings *s, const char *key, const char *value)
{
	auto_free char *assignment = xasprintf("%s=%s", key, value);

	env_set(&s->env, assignment);
}

static int change_env(struct image_settings *s, const char *text, struct error *err)
{
	return each_pair(s, text, set_env, err);
}

static int change_label(struct image_settings *s, const char *text, struct error *err)
{
	return each_pair(s, text, image_settings_set_label, err);
}

static int change_expose(struct image_settings *s, const char *text, struct error *err)
{
	auto_strv words = { 0 };

	int r = words_of(text, &words, err);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		char *end;
		long port = strtol(words.items[i], &end, 10);

		if (port < 1 || port > 65535 || (*end && *end != '/'))
			return error_say(err, EINVAL, "'%s' is no port", words.items[i]);
		auto_free char *exposed = xasprintf("%s%s", words.items[i], *end ? "" : "/tcp");
		if (!strv_contains(&s->exposed_ports, exposed))
			strv_add(&s->exposed_ports, exposed);
	}
	return r;
}

static int change_volume(struct image_settings *s, const char *text, struct error *err)
{
	auto_strv words = { 0 };

	int r = json_words(text, &words) ? 0 : words_of(text, &words, err);
	for (size_t i = 0; r == 0 && i < words.count; i++)
		if (!strv_contains(&s->volumes, words.items[i]))
			strv_add(&s->volumes, words.items[i]);
	return r;
}

static int set_text(char **to, const char *text)
{
	free(*to);
	*to = xstrdup(text);
	return 0;
}

static int change_user(struct image_settings *s, const char *text, struct error *err)
{
	(void)err;
	return set_text(&s->user, text);
}

static int change_workdir(struct image_settings *s, const char *text, struct error *err)
{
	if (text[0] != '/')
		return error_say(err, EINVAL, "'%s' is no absolute path", text);
	return set_text(&s->working_dir, text);
}

static int change_stopsignal(struct image_settings *s, const char *text, struct error *err)
{
	(void)err;
	return set_text(&s->stop_signal, text);
}

static int change_onbuild(struct image_settings *s, const char *text, struct error *err)
{
	(void)err;
	strv_add(&s->on_build, text);
	return 0;
}

int change_apply(struct image_settings *settings, const char *line, struct error *err)
{
	static const struct {
		const char *name;
		int (*apply)(struct image_settings *s, const char *text, struct error *err);
	} changes[] = {
		{ "CMD", change_cmd },
		{ "ENTRYPOINT", change_entrypoint },
		{ "ENV", change_env },
		{ "EXPOSE", change_expose },
		{ "LABEL", change_label },
		{ "ONBUILD", change_onbuild },
		{ "STOPSIGNAL", change_stopsignal },
		{ "USER", change_user },
		{ "VOLUME", change_volume },
		{ "WORKDIR", change_workdir },
	};
	const char *name = line + strspn(line, " \t");
	size_t len = strcspn(name, " \t");
	const char *text = name + len + strspn(name + len, " \t");

	if (!*text)
		return error_say(err, EINVAL, "change '%s': an argument is missing", line);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (strlen(changes[i].name) == len &&
		    strncasecmp(changes[i].name, name, len) == 0) {
			if (changes[i].apply(settings, text, err) < 0)
				return error_prefix(err, "change '%s'", line);
			return 0;
		}
	return error_say(err, EINVAL, "'%.*s' is not a valid change command", (int)len, name);
}
