/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/available.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <string.h>
#include <unistd.h>

#include "container/request/check.h"
#include "container/request/json.h"
#include "container/request/mounts.h"

#define NANO_PER_CPU 1000000000LL

/* ---- networks ------------------------------------------------------------------------------- */

static int check_network(const char *mode, struct error *err)
{
	static const char *const modes[] = { "default", "none", "host" };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(modes[i], mode) == 0)
			return 0;
	if (container_request_joins(mode))
		return 0;
	return error_say(err, ENOTSUP,
			 "network %.100s is not supported: there are \"none\", \"host\" and "
			 "\"container:NAME\"",
			 mode);
}

/* The first key of an object that asks for something, or NULL. */
static const char *first_asked(struct json_object *object)
{
	if (json_object_get_type(object) != json_type_object)
		return NULL;
	json_object_object_foreach(object, key, value)
	{
		if (container_request_asks(value))
			return key;
	}
	return NULL;
}

/* Docker's clients name the network of the network mode here, too, and what they want of it. */
static int check_endpoints(struct json_object *document, struct error *err)
{
	struct json_object *networking = json_object_object_get(document, "NetworkingConfig");
	struct json_object *endpoints = json_object_object_get(networking, "EndpointsConfig");

	if (json_object_get_type(endpoints) != json_type_object)
		return 0;
	json_object_object_foreach(endpoints, network, endpoint)
	{
		const char *asked = first_asked(endpoint);
		if (asked)
			return error_say(err, ENOTSUP,
					 "%.50s of network %.50s is not supported "
					 "(NetworkingConfig.EndpointsConfig)",
					 asked, network);
		int r = check_network(network, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_ports(const struct container_request *request, struct error *err)
{
	if (request->port_count > 0)
		return error_say(err, ENOTSUP,
				 "publishing port %.50s is not supported (HostConfig.PortBindings)",
				 request->ports[0].port);
	if (request->publish_all_ports)
		return error_say(err, ENOTSUP,
				 "publishing all ports is not supported "
				 "(HostConfig.PublishAllPorts)");
	if (request->mac_address)
		return error_say(err, ENOTSUP, "MacAddress is not supported");
	return 0;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static int check_volumes(const struct container_request *request, struct error *err)
{
	auto_container_mounts mounts = {};

	int r = container_mounts_collect(request, NULL, &mounts, err);
	for (size_t i = 0; r == 0 && i < mounts.count; i++)
		if (mounts.items[i].type == CONTAINER_MOUNT_VOLUME)
			return error_say(err, ENOTSUP, "the volume at %.200s is not supported",
					 mounts.items[i].target);
	return r;
}

static int check_health(const struct container_health *health, struct error *err)
{
	bool off =
		health && (health->test.count == 0 || strcmp(health->test.items[0], "NONE") == 0);

	if (!health || off)
		return 0;
	return error_say(err, ENOTSUP, "a health check is not supported (Healthcheck)");
}

static int check_processors(const struct container_request *request, struct error *err)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	if (count <= 0 || container_request_vm(request) ||
	    request->nano_cpus <= count * NANO_PER_CPU)
		return 0;
	return error_say(
		err, EINVAL,
		"Range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs available", count,
		count);
}

int available_check(const struct container_request *request, struct json_object *document,
		    struct error *err)
{
	int r = request->network_mode ? check_network(request->network_mode, err) : 0;

	if (r == 0)
		r = check_endpoints(document, err);
	if (r == 0)
		r = check_ports(request, err);
	if (r == 0)
		r = check_volumes(request, err);
	if (r == 0)
		r = check_health(request->health, err);
	if (r == 0)
		r = check_processors(request, err);
	if (r == 0 && container_request_joins(request->ipc_mode))
		r = error_say(err, ENOTSUP,
			      "joining another container's IPC namespace is not supported "
			      "(HostConfig.IpcMode)");
	return r;
}
