/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/shape/shape.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/strbuf.h"
#include "container/request/json.h"
#include "container/request/mounts.h"

struct json_object *json_string_array(const struct strv *values)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < values->count; i++)
		json_object_array_add(array, json_object_new_string(values->items[i]));
	return array;
}

struct json_object *json_label_object(const struct strv *labels)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < labels->count; i++) {
		const char *equals = strchr(labels->items[i], '=');
		if (!equals)
			continue;
		auto_free char *key =
			xstrndup(labels->items[i], (size_t)(equals - labels->items[i]));
		json_add_string(o, key, equals + 1);
	}
	return o;
}

/* ---- State ---------------------------------------------------------------------------------- */

char *shape_status(const struct instance_info *info, int64_t now_ns)
{
	char up[DURATION_TEXT];
	char ended[DURATION_TEXT];

	duration_text(now_ns - info->started_ns, up);
	duration_text(now_ns - info->finished_ns, ended);
	switch (info->state) {
	case STATE_RUNNING:
	case STATE_STOPPING:
		return xasprintf("Up %s", up);
	case STATE_PAUSED:
		return xasprintf("Up %s (Paused)", up);
	case STATE_RESTARTING:
		return xasprintf("Restarting (%d) %s ago", info->exit_code, ended);
	case STATE_EXITED:
		return xasprintf("Exited (%d) %s ago", info->exit_code, ended);
	case STATE_REMOVING:
		return xstrdup("Removal In Progress");
	case STATE_DEAD:
		return xstrdup("Dead");
	case STATE_CREATED:
	case STATE_STARTING:
	case STATE_COUNT:
		break;
	}
	return xstrdup("Created");
}

static struct json_object *shape_state(const struct instance_info *info)
{
	struct json_object *o = json_object_new_object();
	char time[TIME_TEXT];
	bool runs = state_has_keeper(info->state) && info->state != STATE_STARTING;

	json_add_string(o, "Status", state_docker_name(info->state));
	json_add_bool(o, "Running", runs || info->state == STATE_RESTARTING);
	json_add_bool(o, "Paused", info->state == STATE_PAUSED);
	json_add_bool(o, "Restarting", info->state == STATE_RESTARTING);
	json_add_bool(o, "OOMKilled", info->oom_killed);
	json_add_bool(o, "Dead", info->state == STATE_DEAD);
	json_add_int(o, "Pid", info->pid);
	json_add_int(o, "ExitCode", info->exit_code);
	json_add_string(o, "Error", info->error ? info->error : "");
	json_add_string(o, "StartedAt", time_text(info->started_ns, time));
	json_add_string(o, "FinishedAt", time_text(info->finished_ns, time));
	return o;
}

/* ---- Network and mounts --------------------------------------------------------------------- */

static void add_addresses(struct json_object *o)
{
	json_add_string(o, "EndpointID", "");
	json_add_string(o, "Gateway", "");
	json_add_string(o, "GlobalIPv6Address", "");
	json_add_int(o, "GlobalIPv6PrefixLen", 0);
	json_add_string(o, "IPAddress", "");
	json_add_int(o, "IPPrefixLen", 0);
	json_add_string(o, "IPv6Gateway", "");
	json_add_string(o, "MacAddress", "");
}

/*
 * What is known of an instance in a network, which is the same for all of them. A text of its own,
 * since a list of many instances would be made of little else.
 */
static const char endpoint_text[] =
	"{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":null,\"DriverOpts\":null,\"NetworkID\":"
	"\"\","
	"\"EndpointID\":\"\",\"Gateway\":\"\",\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,"
	"\"IPAddress\":\"\",\"IPPrefixLen\":0,\"IPv6Gateway\":\"\",\"MacAddress\":\"\","
	"\"DNSNames\":null}";

static struct json_object *shape_networks(const struct instance_info *info)
{
	struct json_object *o = json_object_new_object();
	struct json_object *endpoint = json_object_new_object();

	json_object_set_serializer(endpoint, json_object_userdata_to_json_string,
				   (void *)(uintptr_t)endpoint_text, NULL);
	json_add(o, info->network_mode, endpoint);
	return o;
}

static struct json_object *shape_network_settings(const struct instance_info *info)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "Bridge", "");
	json_add_string(o, "SandboxID", "");
	json_add_string(o, "SandboxKey", "");
	json_add(o, "Ports", json_object_new_object());
	json_add_bool(o, "HairpinMode", false);
	json_add_string(o, "LinkLocalIPv6Address", "");
	json_add_int(o, "LinkLocalIPv6PrefixLen", 0);
	json_add(o, "SecondaryIPAddresses", NULL);
	json_add(o, "SecondaryIPv6Addresses", NULL);
	add_addresses(o);
	json_add(o, "Networks", shape_networks(info));
	return o;
}

static struct json_object *shape_mount(const struct container_mount *m)
{
	static const char *const types[] = {
		[CONTAINER_MOUNT_BIND] = "bind",
		[CONTAINER_MOUNT_VOLUME] = "volume",
		[CONTAINER_MOUNT_TMPFS] = "tmpfs",
	};
	struct json_object *o = json_object_new_object();
	const char *source = m->source ? m->source : "";

	json_add_string(o, "Type", types[m->type]);
	if (m->type == CONTAINER_MOUNT_VOLUME) {
		json_add_string(o, "Name", source);
		json_add_string(o, "Driver", m->volume.driver ? m->volume.driver : "local");
		source = "";
	}
	json_add_string(o, "Source", source);
	json_add_string(o, "Destination", m->target);
	json_add_string(o, "Mode", "");
	json_add_bool(o, "RW", !m->read_only);
	json_add_string(o, "Propagation",
			m->type != CONTAINER_MOUNT_BIND ? ""
			: m->bind.propagation           ? m->bind.propagation
							: "rprivate");
	return o;
}

static struct json_object *shape_mounts(const struct container_mounts *mounts)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < mounts->count; i++)
		json_object_array_add(array, shape_mount(&mounts->items[i]));
	return array;
}

/* ---- The list ------------------------------------------------------------------------------- */

static bool wants(const struct strv *fields, const char *key)
{
	return !fields || strv_contains(fields, key);
}

/* What a client that names fields often does without. */
static void add_large(struct json_object *o, const struct instance_info *info,
		      const struct strv *fields)
{
	if (wants(fields, "Labels"))
		json_add(o, "Labels", json_label_object(&info->labels));
	if (wants(fields, "HostConfig")) {
		struct json_object *host_config = json_object_new_object();
		json_add_string(host_config, "NetworkMode", info->network_mode);
		/* not among Docker's: berth ps shows it */
		json_add_string(host_config, "Isolation", info->vm ? "vm" : "container");
		json_add(o, "HostConfig", host_config);
	}
	if (wants(fields, "NetworkSettings")) {
		struct json_object *network = json_object_new_object();
		json_add(network, "Networks", shape_networks(info));
		json_add(o, "NetworkSettings", network);
	}
	if (wants(fields, "Mounts"))
		json_add(o, "Mounts", shape_mounts(&info->mounts));
}

struct json_object *shape_container_summary(const struct instance_info *info,
					    const struct strv *fields, int64_t now_ns)
{
	struct json_object *o = json_object_new_object();
	struct json_object *names = json_object_new_array_ext(1);
	auto_free char *name = xasprintf("/%s", info->name);
	auto_free char *command = command_text(info->path, &info->args);
	auto_free char *status = shape_status(info, now_ns);

	json_object_array_add(names, json_object_new_string(name));
	json_add_string(o, "Id", info->id);
	json_add(o, "Names", names);
	json_add_string(o, "Image", info->image);
	if (wants(fields, "ImageID"))
		json_add_string(o, "ImageID", info->image_id);
	json_add_string(o, "Command", command);
	json_add_int(o, "Created", info->created_ns / 1000000000);
	json_add(o, "Ports", json_object_new_array_ext(1));
	json_add_string(o, "State", state_docker_name(info->state));
	json_add_string(o, "Status", status);
	add_large(o, info, fields);
	return o;
}

/* ---- Inspect -------------------------------------------------------------------------------- */

/* Docker names a container's host by its id where nobody else did. */
static void set_hostname(struct json_object *config, const struct instance_info *info)
{
	const char *name = NULL;

	(void)!json_get_string(config, "Hostname", &name, NULL);
	if ((!name || !*name) && strcmp(info->network_mode, "host") != 0) {
		auto_free char *short_id = xstrndup(info->id, 12);
		json_add_string(config, "Hostname", short_id);
	}
}

static struct json_object *shape_graph_driver(const char *driver)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "Data", NULL);
	json_add_string(o, "Name", driver);
	return o;
}

static void add_identity(struct json_object *o, const struct instance_info *info)
{
	auto_free char *name = xasprintf("/%s", info->name);
	char time[TIME_TEXT];

	json_add_string(o, "Id", info->id);
	json_add_string(o, "Created", time_text(info->created_ns, time));
	json_add_string(o, "Path", info->path);
	json_add(o, "Args", json_string_array(&info->args));
	json_add(o, "State", shape_state(info));
	json_add_string(o, "Image", info->image_id);
	json_add_string(o, "ResolvConfPath", "");
	json_add_string(o, "HostnamePath", "");
	json_add_string(o, "HostsPath", "");
	json_add_string(o, "LogPath", info->log_path ? info->log_path : "");
	json_add_string(o, "Name", name);
	json_add_int(o, "RestartCount", info->restart_count);
}

struct json_object *shape_container(const struct instance_info *info,
				    const struct container_request *request,
				    const struct image_config *image, const char *driver)
{
	struct json_object *o = json_object_new_object();
	struct json_object *config = container_request_config_json(request);
	auto_container_mounts mounts = { 0 };

	(void)!container_mounts_shown(request, image ? &image->settings.volumes : NULL, &mounts,
				      NULL);
	set_hostname(config, info);
	add_identity(o, info);
	json_add_string(o, "Driver", driver);
	json_add_string(o, "Platform", "linux");
	json_add_string(o, "MountLabel", "");
	json_add_string(o, "ProcessLabel", "");
	json_add_string(o, "AppArmorProfile", "");
	json_add(o, "ExecIDs", info->exec_ids.count ? json_string_array(&info->exec_ids) : NULL);
	json_add(o, "HostConfig", container_request_host_config_json(request));
	json_add(o, "GraphDriver", shape_graph_driver(driver));
	json_add(o, "Mounts", shape_mounts(&mounts));
	json_add(o, "Config", config);
	json_add(o, "NetworkSettings", shape_network_settings(info));
	return o;
}

/* ---- Exec sessions -------------------------------------------------------------------------- */

static struct json_object *copy_member(struct json_object *from, const char *key,
				       struct json_object *fallback)
{
	struct json_object *value;

	if (!json_object_object_get_ex(from, key, &value) || !value)
		return fallback;
	if (fallback)
		(void)json_object_put(fallback);
	return json_object_get(value);
}

static struct json_object *shape_exec_process(const struct exec_info *info,
					      struct json_object *request)
{
	struct json_object *o = json_object_new_object();
	struct json_object *rest = json_object_new_array();
	auto_strv command = { 0 };

	(void)!json_get_strings(request, "Cmd", &command, NULL);
	for (size_t i = 1; i < command.count; i++)
		json_object_array_add(rest, json_object_new_string(command.items[i]));
	json_add_bool(o, "tty", info->tty);
	json_add_string(o, "entrypoint", command.count ? command.items[0] : "");
	json_add(o, "arguments", rest);
	json_add(o, "privileged",
		 copy_member(request, "Privileged", json_object_new_boolean(false)));
	json_add(o, "user", copy_member(request, "User", json_object_new_string("")));
	return o;
}

struct json_object *shape_exec(const struct exec_info *info, struct json_object *request)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "ID", info->id);
	json_add_bool(o, "Running", info->running);
	json_add(o, "ExitCode",
		 info->started && !info->running ? json_object_new_int(info->exit_code) : NULL);
	json_add(o, "ProcessConfig", shape_exec_process(info, request));
	json_add(o, "OpenStdin",
		 copy_member(request, "AttachStdin", json_object_new_boolean(false)));
	json_add(o, "OpenStderr",
		 copy_member(request, "AttachStderr", json_object_new_boolean(false)));
	json_add(o, "OpenStdout",
		 copy_member(request, "AttachStdout", json_object_new_boolean(false)));
	json_add_bool(o, "CanRemove", info->started && !info->running);
	json_add_string(o, "ContainerID", info->instance_id);
	json_add(o, "DetachKeys", copy_member(request, "DetachKeys", json_object_new_string("")));
	json_add_int(o, "Pid", info->pid);
	return o;
}
