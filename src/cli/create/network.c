/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/create/mount-spec.h"
#include "cli/create/options.h"
#include "cli/create/port-spec.h"
#include "cli/document.h"

static int add_ports(const struct create_options *o, struct json_object *body,
		     struct json_object *host, struct error *err)
{
	auto_json *bindings = json_object_new_object();
	auto_json *exposed = json_object_new_object();
	int r = 0;

	for (size_t i = 0; i < o->publish.count && r == 0; i++)
		r = port_spec_publish(o->publish.items[i], bindings, exposed, err);
	for (size_t i = 0; i < o->expose.count && r == 0; i++)
		r = port_spec_expose(o->expose.items[i], exposed, err);
	if (r < 0)
		return r;
	document_add_part(host, "PortBindings", take_ptr(bindings));
	document_add_part(body, "ExposedPorts", take_ptr(exposed));
	document_add_flag(host, "PublishAllPorts", o->publish_all);
	return 0;
}

/* "HOST:IP" or "HOST=IP". */
static int add_hosts(const struct create_options *o, struct json_object *host, struct error *err)
{
	auto_strv list = {};

	for (size_t i = 0; i < o->add_host.count; i++) {
		const char *text = o->add_host.items[i];
		const char *mark = strpbrk(text, "=:");
		if (!mark || mark == text || !mark[1])
			return error_say(err, EINVAL, "bad format for add-host: \"%s\"", text);
		strv_addf(&list, "%.*s:%s", (int)(mark - text), text, mark + 1);
	}
	document_add_list(host, "ExtraHosts", &list);
	return 0;
}

static int add_resolver(const struct create_options *o, struct json_object *host, struct error *err)
{
	unsigned char address[sizeof(struct in6_addr)];

	for (size_t i = 0; i < o->dns.count; i++)
		if (inet_pton(AF_INET, o->dns.items[i], address) != 1 &&
		    inet_pton(AF_INET6, o->dns.items[i], address) != 1)
			return error_say(err, EINVAL, "IP address is not correctly formatted: %s",
					 o->dns.items[i]);
	document_add_list(host, "Dns", &o->dns);
	document_add_list(host, "DnsOptions", &o->dns_option);
	document_add_list(host, "DnsSearch", &o->dns_search);
	document_add_list(host, "Links", &o->link);
	return 0;
}

/* What one --network says beside its name. */
struct attachment {
	const char *name;
	struct strv aliases;
	struct strv driver_opts;
	struct strv link_local;
	const char *ip;
	const char *ip6;
	const char *mac;
};

static void attachment_done(struct attachment *a)
{
	strv_done(&a->aliases);
	strv_done(&a->driver_opts);
	strv_done(&a->link_local);
}

/* "name=NET,alias=A,ip=...,ip6=...,mac-address=...,driver-opt=K=V"; @fields owns the texts. */
static int parse_fields(const struct strv *fields, struct attachment *ret, struct error *err)
{
	for (size_t i = 0; i < fields->count; i++) {
		const char *field = fields->items[i];
		const char *value = strchrnul(field, '=');
		size_t len = (size_t)(value - field);
		value += *value == '=';
		if (strncmp(field, "name=", len + 1) == 0)
			ret->name = value;
		else if (strncmp(field, "alias=", len + 1) == 0)
			strv_add(&ret->aliases, value);
		else if (strncmp(field, "ip=", len + 1) == 0)
			ret->ip = value;
		else if (strncmp(field, "ip6=", len + 1) == 0)
			ret->ip6 = value;
		else if (strncmp(field, "mac-address=", len + 1) == 0)
			ret->mac = value;
		else if (strncmp(field, "link-local-ip=", len + 1) == 0)
			strv_add(&ret->link_local, value);
		else if (strncmp(field, "driver-opt=", len + 1) == 0)
			strv_add(&ret->driver_opts, value);
		else
			return error_say(err, EINVAL, "invalid field key %s in --network", field);
	}
	return ret->name ? 0 : error_say(err, EINVAL, "network name/id is not specified");
}

/* The options that name no network mean the first one. */
static void add_plain_options(const struct create_options *o, struct attachment *a)
{
	strv_add_all(&a->aliases, &o->network_alias);
	strv_add_all(&a->link_local, &o->link_local_ip);
	a->ip = o->ip ? o->ip : a->ip;
	a->ip6 = o->ip6 ? o->ip6 : a->ip6;
	a->mac = o->mac_address ? o->mac_address : a->mac;
}

static struct json_object *endpoint_of(const struct attachment *a)
{
	struct json_object *endpoint = json_object_new_object();
	struct json_object *addresses = json_object_new_object();

	document_add_text(addresses, "IPv4Address", a->ip);
	document_add_text(addresses, "IPv6Address", a->ip6);
	document_add_list(addresses, "LinkLocalIPs", &a->link_local);
	document_add_part(endpoint, "IPAMConfig", addresses);
	document_add_list(endpoint, "Aliases", &a->aliases);
	document_add_map(endpoint, "DriverOpts", &a->driver_opts);
	document_add_text(endpoint, "MacAddress", a->mac);
	return endpoint;
}

static int add_attachment(const struct create_options *o, size_t index,
			  struct json_object *endpoints, struct json_object *host,
			  struct error *err)
{
	auto_(attachment_done) struct attachment a = {};
	auto_strv fields = {};
	int r = 0;

	if (o->networks.count == 0)
		a.name = "default";
	else if (!strchr(o->networks.items[index], '='))
		a.name = o->networks.items[index];
	else
		r = mount_spec_split(o->networks.items[index], &fields, err);
	if (r == 0 && !a.name)
		r = parse_fields(&fields, &a, err);
	if (r < 0)
		return r;
	if (index == 0) {
		add_plain_options(o, &a);
		json_add_string(host, "NetworkMode", a.name);
	}
	(void)json_add(endpoints, a.name, endpoint_of(&a));
	return 0;
}

int create_add_network(const struct create_options *o, struct json_object *body,
		       struct json_object *host, struct error *err)
{
	auto_json *endpoints = json_object_new_object();
	size_t count = o->networks.count > 0 ? o->networks.count : 1;
	bool plain = true;

	int r = add_ports(o, body, host, err);
	if (r == 0)
		r = add_hosts(o, host, err);
	if (r == 0)
		r = add_resolver(o, host, err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_attachment(o, i, endpoints, host, err);
	if (r < 0)
		return r;

	/* one network without anything special is already named by NetworkMode */
	json_object_object_foreach(endpoints, name, endpoint)
	{
		(void)name;
		plain = plain && document_count(endpoint, NULL) == 0;
	}
	if (plain && count == 1)
		return 0;
	struct json_object *config = json_add(body, "NetworkingConfig", json_object_new_object());
	(void)json_add(config, "EndpointsConfig", take_ptr(endpoints));
	return 0;
}
