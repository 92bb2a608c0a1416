/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/check-parts.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "container/config/default-parts.h"
#include "container/config/grammar.h"

static int check_mode(const struct container_request *request, struct error *err)
{
	const char *mode = request->network_mode;

	if (!mode)
		return 0;
	if (!container_request_joins(mode))
		return name_is_valid(mode)
			       ? 0
			       : error_say(err, EINVAL, "invalid network mode: %.100s", mode);
	if (!name_is_valid(mode + strlen("container:")))
		return error_say(err, EINVAL, "invalid container format container:<name|id>");
	if (request->hostname)
		return error_say(err, EINVAL, "conflicting options: hostname and the network mode");
	if (request->dns.count > 0)
		return error_say(err, EINVAL, "conflicting options: dns and the network mode");
	if (request->extra_hosts.count > 0)
		return error_say(err, EINVAL,
				 "conflicting options: custom host-to-IP mapping and the network "
				 "mode");
	if (request->port_count > 0 || request->publish_all_ports)
		return error_say(err, EINVAL,
				 "conflicting options: port publishing and the container type "
				 "network mode");
	if (request->exposed_ports.count > 0)
		return error_say(err, EINVAL,
				 "conflicting options: port exposing and the container type "
				 "network mode");
	return 0;
}

/* "80", "80/tcp", "80-90/udp" */
static bool port_is_valid(const char *text)
{
	static const char *const protocols[] = { "tcp", "udp", "sctp" };
	size_t len = strcspn(text, "/");
	auto_free char *range = xstrndup(text, len);
	bool known = !text[len];

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		known |= text[len] && strcmp(text + len + 1, protocols[i]) == 0;
	return known && port_range_is_valid(range, false);
}

static int check_ports(const struct container_request *request, struct error *err)
{
	for (size_t i = 0; i < request->exposed_ports.count; i++)
		if (!port_is_valid(request->exposed_ports.items[i]))
			return error_say(err, EINVAL, "invalid port specification: \"%.50s\"",
					 request->exposed_ports.items[i]);
	for (size_t i = 0; i < request->port_count; i++) {
		const struct container_port *p = &request->ports[i];
		if (!port_is_valid(p->port))
			return error_say(err, EINVAL, "invalid port specification: \"%.50s\"",
					 p->port);
		if (p->host_port && !port_range_is_valid(p->host_port, true))
			return error_say(err, EINVAL, "invalid port specification: \"%.50s\"",
					 p->host_port);
		if (p->host_ip && !address_is_valid(p->host_ip))
			return error_say(err, EINVAL, "invalid IP address: %.50s", p->host_ip);
	}
	return 0;
}

static int check_names(const struct container_request *request, struct error *err)
{
	for (size_t i = 0; i < request->dns.count; i++)
		if (!address_is_valid(request->dns.items[i]))
			return error_say(err, EINVAL, "invalid IP address: %.50s",
					 request->dns.items[i]);
	for (size_t i = 0; i < request->dns_search.count; i++)
		if (strcmp(request->dns_search.items[i], ".") != 0 &&
		    !hostname_is_valid(request->dns_search.items[i]))
			return error_say(err, EINVAL, "invalid domain: %.100s",
					 request->dns_search.items[i]);
	for (size_t i = 0; i < request->dns_options.count; i++)
		if (!text_is_plain(request->dns_options.items[i]) ||
		    strchr(request->dns_options.items[i], ' '))
			return error_say(err, EINVAL, "invalid DNS option: %.100s",
					 request->dns_options.items[i]);
	for (size_t i = 0; i < request->extra_hosts.count; i++) {
		const char *text = request->extra_hosts.items[i];
		size_t len = strcspn(text, ":=");
		auto_free char *name = xstrndup(text, len);
		const char *address = text[len] ? text + len + 1 : "";
		if (!hostname_is_valid(name) ||
		    (strcmp(address, "host-gateway") != 0 && !address_is_valid(address)))
			return error_say(err, EINVAL, "bad format for add-host: \"%.100s\"", text);
	}
	return 0;
}

static bool mac_is_valid(const char *text)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' && text[i] != '-' : !strchr(hex, text[i]))
			return false;
	return true;
}

int request_check_network(const struct container_request *request, struct error *err)
{
	if (request->mac_address && !mac_is_valid(request->mac_address))
		return error_say(err, EINVAL, "invalid mac address: %.50s", request->mac_address);
	int r = check_mode(request, err);
	if (r == 0)
		r = check_ports(request, err);
	return r == 0 ? check_names(request, err) : r;
}
