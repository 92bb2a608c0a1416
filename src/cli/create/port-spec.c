/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/port-spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/create/mount-spec.h"
#include "cli/document.h"

struct range {
	long first;
	long last;
};

static bool parse_port(const char **at, long *ret)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*ret = strtol(*at, &end, 10);
	*at = end;
	return *ret <= 65535;
}

/* "80" or "80-90". */
static bool parse_range(const char *text, struct range *ret)
{
	struct range r;

	if (!parse_port(&text, &r.first))
		return false;
	r.last = r.first;
	if (*text == '-') {
		text++;
		if (!parse_port(&text, &r.last))
			return false;
	}
	if (*text || r.last < r.first)
		return false;
	*ret = r;
	return true;
}

/* Cuts "/udp" off @text; NULL where the protocol is none. */
static const char *take_protocol(char *text)
{
	static const char *const known[] = { "tcp", "udp", "sctp" };
	char *slash = strchr(text, '/');

	if (!slash)
		return "tcp";
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasecmp(slash + 1, known[i]) == 0)
			return known[i];
	return NULL;
}

static void expose(struct json_object *exposed, const char *key)
{
	(void)json_add(exposed, key, json_object_new_object());
}

static void bind_port(struct json_object *bindings, const char *key, const char *address,
		      const char *port)
{
	struct json_object *list = NULL;
	struct json_object *binding = json_object_new_object();

	if (!json_object_object_get_ex(bindings, key, &list))
		list = json_add(bindings, key, json_object_new_array());
	json_add_string(binding, "HostIp", address);
	json_add_string(binding, "HostPort", port);
	(void)json_object_array_add(list, binding);
}

/* Parts "ADDRESS:HOST:INSIDE" in place, from its end; the address may hold colons in brackets. */
static bool part(char *text, char **ret_address, char **ret_host, char **ret_inside)
{
	static char none[] = "";

	*ret_address = none;
	*ret_host = none;
	*ret_inside = text;
	char *colon = strrchr(text, ':');
	if (!colon)
		return true;
	*colon = '\0';
	*ret_inside = colon + 1;
	*ret_host = text;
	colon = strrchr(text, ':');
	if (!colon)
		return true;
	*colon = '\0';
	*ret_host = colon + 1;
	*ret_address = text;
	size_t len = strlen(text);
	if (text[0] == '[') {
		if (text[len - 1] != ']')
			return false;
		text[len - 1] = '\0';
		*ret_address = text + 1;
		return true;
	}
	return !strchr(text, ':');
}

static int publish(char *text, struct json_object *bindings, struct json_object *exposed,
		   struct error *err)
{
	char *address;
	char *host;
	char *inside;
	struct range in;
	struct range out = {};

	const char *protocol = take_protocol(text);
	if (!protocol)
		return error_say(err, EINVAL, "invalid proto");
	if (!part(text, &address, &host, &inside))
		return error_say(err, EINVAL, "invalid IP address: %s", address);
	if (!*inside)
		return error_say(err, EINVAL, "no port specified: %s<empty>", text);
	if (!parse_range(inside, &in))
		return error_say(err, EINVAL, "invalid containerPort: %s", inside);
	if (*host && !parse_range(host, &out))
		return error_say(err, EINVAL, "invalid hostPort: %s", host);
	bool free_choice = *host && in.first == in.last && out.last > out.first;
	if (*host && !free_choice && out.last - out.first != in.last - in.first)
		return error_say(err, EINVAL,
				 "invalid ranges specified for container and host Ports: %s and %s",
				 inside, host);

	for (long port = in.first; port <= in.last; port++) {
		char key[32];
		char outer[32] = "";
		(void)snprintf(key, sizeof(key), "%ld/%s", port, protocol);
		if (free_choice)
			(void)snprintf(outer, sizeof(outer), "%ld-%ld", out.first, out.last);
		else if (*host)
			(void)snprintf(outer, sizeof(outer), "%ld", out.first + port - in.first);
		expose(exposed, key);
		bind_port(bindings, key, address, outer);
	}
	return 0;
}

/* "target=80,published=8080,protocol=udp" in the short form; the caller's. */
static int shorten(const char *text, char **ret, struct error *err)
{
	auto_strv fields = {};
	const char *target = "";
	const char *published = "";
	const char *protocol = "tcp";

	int r = mount_spec_split(text, &fields, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < fields.count; i++) {
		const char *field = fields.items[i];
		if (strncmp(field, "target=", 7) == 0)
			target = field + 7;
		else if (strncmp(field, "published=", 10) == 0)
			published = field + 10;
		else if (strncmp(field, "protocol=", 9) == 0)
			protocol = field + 9;
		else if (strncmp(field, "mode=", 5) != 0)
			return error_say(err, EINVAL, "invalid field %s", field);
	}
	*ret = xasprintf("%s%s%s/%s", published, *published ? ":" : "", target, protocol);
	return 0;
}

int port_spec_publish(const char *text, struct json_object *bindings, struct json_object *exposed,
		      struct error *err)
{
	auto_free char *copy = NULL;

	if (strchr(text, '=')) {
		int r = shorten(text, &copy, err);
		if (r < 0)
			return r;
	} else {
		copy = xstrdup(text);
	}
	return publish(copy, bindings, exposed, err);
}

int port_spec_expose(const char *text, struct json_object *exposed, struct error *err)
{
	auto_free char *copy = xstrdup(text);
	const char *protocol = take_protocol(copy);
	struct range range;

	if (!protocol || strchr(copy, ':') || !parse_range(copy, &range))
		return error_say(err, EINVAL, "invalid range format for --expose: %s", text);
	for (long port = range.first; port <= range.last; port++) {
		char key[32];
		(void)snprintf(key, sizeof(key), "%ld/%s", port, protocol);
		expose(exposed, key);
	}
	return 0;
}
