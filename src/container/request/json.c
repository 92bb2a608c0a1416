/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/json.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/json-fields.h"

/* ---- mounts ------------------------------------------------------------------------------ */

static const struct json_word mount_types[] = {
	{ "bind", CONTAINER_MOUNT_BIND },
	{ "volume", CONTAINER_MOUNT_VOLUME },
	{ "tmpfs", CONTAINER_MOUNT_TMPFS },
	{},
};

static const struct json_field bind_fields[] = {
	JSON_FIELD("Propagation", JSON_TEXT, container_bind_options, propagation),
	JSON_FIELD("NonRecursive", JSON_BOOL, container_bind_options, non_recursive),
	JSON_FIELD("CreateMountpoint", JSON_BOOL, container_bind_options, create_mountpoint),
	JSON_FIELD("ReadOnlyNonRecursive", JSON_BOOL, container_bind_options,
		   read_only_non_recursive),
	JSON_FIELD("ReadOnlyForceRecursive", JSON_BOOL, container_bind_options,
		   read_only_force_recursive),
};
static const struct json_table bind_table = JSON_TABLE(container_bind_options, bind_fields);

static const struct json_field driver_fields[] = {
	JSON_FIELD("Name", JSON_TEXT, container_volume_options, driver),
	JSON_FIELD("Options", JSON_STRING_MAP, container_volume_options, driver_options),
};
static const struct json_table driver_table = JSON_PART_TABLE(driver_fields);

static const struct json_field volume_fields[] = {
	JSON_FIELD("NoCopy", JSON_BOOL, container_volume_options, no_copy),
	JSON_FIELD("Labels", JSON_STRING_MAP, container_volume_options, labels),
	JSON_FIELD("Subpath", JSON_TEXT, container_volume_options, subpath),
	JSON_PART_FIELD("DriverConfig", driver_table),
};
static const struct json_table volume_table = JSON_TABLE(container_volume_options, volume_fields);

/* Docker writes ["exec"] and ["uid", "5"] where a mount says "exec" and "uid=5". */
static int read_tmpfs_options(struct json_object *value, void *object, struct error *err)
{
	struct container_tmpfs_options *tmpfs = object;

	if (json_object_get_type(value) != json_type_array)
		return error_say(err, EBADMSG, "no array");
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *pair = json_object_array_get_idx(value, i);
		size_t len = json_object_get_type(pair) == json_type_array
				     ? json_object_array_length(pair)
				     : 0;
		if (len != 1 && len != 2)
			return error_say(err, EBADMSG, "[%zu]: not one or two strings", i);
		for (size_t k = 0; k < len; k++)
			if (json_object_get_type(json_object_array_get_idx(pair, k)) !=
			    json_type_string)
				return error_say(err, EBADMSG, "[%zu]: not one or two strings", i);
		const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
		if (len == 1)
			strv_add(&tmpfs->options, name);
		else
			strv_addf(&tmpfs->options, "%s=%s", name,
				  json_object_get_string(json_object_array_get_idx(pair, 1)));
	}
	return 0;
}

static struct json_object *write_tmpfs_options(const void *object)
{
	const struct container_tmpfs_options *tmpfs = object;
	if (tmpfs->options.count == 0)
		return NULL;

	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < tmpfs->options.count; i++) {
		const char *text = tmpfs->options.items[i];
		const char *equals = strchr(text, '=');
		struct json_object *pair = json_object_new_array();
		size_t name_len = equals ? (size_t)(equals - text) : strlen(text);
		(void)json_object_array_add(pair, json_object_new_string_len(text, (int)name_len));
		if (equals)
			(void)json_object_array_add(pair, json_object_new_string(equals + 1));
		(void)json_object_array_add(array, pair);
	}
	return array;
}

static void done_tmpfs_options(void *object)
{
	strv_done(&((struct container_tmpfs_options *)object)->options);
}

static const struct json_custom tmpfs_options = { read_tmpfs_options, write_tmpfs_options,
						  done_tmpfs_options };

static const struct json_field tmpfs_fields[] = {
	JSON_FIELD("SizeBytes", JSON_INT, container_tmpfs_options, size_bytes),
	JSON_FIELD("Mode", JSON_UINT, container_tmpfs_options, mode),
	JSON_FIELD("Options", JSON_CUSTOM, container_tmpfs_options, options,
		   .custom = &tmpfs_options),
};
static const struct json_table tmpfs_table = JSON_TABLE(container_tmpfs_options, tmpfs_fields);

static const struct json_field mount_fields[] = {
	JSON_FIELD("Type", JSON_WORD, container_mount, type, .words = mount_types,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("Source", JSON_TEXT, container_mount, source),
	JSON_FIELD("Target", JSON_TEXT, container_mount, target),
	JSON_FIELD("ReadOnly", JSON_BOOL, container_mount, read_only),
	JSON_FIELD("BindOptions", JSON_OBJECT, container_mount, bind, .table = &bind_table),
	JSON_FIELD("VolumeOptions", JSON_OBJECT, container_mount, volume, .table = &volume_table),
	JSON_FIELD("TmpfsOptions", JSON_OBJECT, container_mount, tmpfs, .table = &tmpfs_table),
};
static const struct json_table mount_table = JSON_TABLE(container_mount, mount_fields);

/* ---- ports ------------------------------------------------------------------------------- */

static const struct json_field port_fields[] = {
	JSON_FIELD("HostIp", JSON_TEXT, container_port, host_ip, .flags = JSON_ALWAYS),
	JSON_FIELD("HostPort", JSON_TEXT, container_port, host_port, .flags = JSON_ALWAYS),
};
static const struct json_table port_table = JSON_TABLE(container_port, port_fields);

static int read_port(const char *port, struct json_object *list, struct container_request *request,
		     struct error *err)
{
	if (list && json_object_get_type(list) != json_type_array)
		return error_say(err, EBADMSG, "%s: no array", port);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct container_port *p = array_add(request->ports, request->port_count);
		int r = json_read(&port_table, json_object_array_get_idx(list, i), p, err);
		if (r < 0)
			return error_prefix(err, "%s[%zu]", port, i);
		p->port = xstrdup(port);
	}
	return 0;
}

static int read_ports(struct json_object *value, void *object, struct error *err)
{
	if (json_object_get_type(value) != json_type_object)
		return error_say(err, EBADMSG, "no object");

	json_object_object_foreach(value, port, list)
	{
		int r = read_port(port, list, object, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct json_object *write_ports(const void *object)
{
	const struct container_request *request = object;
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < request->port_count; i++) {
		const struct container_port *p = &request->ports[i];
		struct json_object *list = json_object_object_get(o, p->port);
		if (!list)
			list = json_add(o, p->port, json_object_new_array());
		(void)json_object_array_add(list, json_write(&port_table, p));
	}
	return o;
}

static void done_ports(void *object)
{
	struct container_request *request = object;

	for (size_t i = 0; i < request->port_count; i++) {
		free(request->ports[i].port);
		json_release(&port_table, &request->ports[i]);
	}
	free(take_ptr(request->ports));
	request->port_count = 0;
}

static const struct json_custom ports = { read_ports, write_ports, done_ports };

/* ---- the parts of HostConfig ------------------------------------------------------------- */

static const struct json_field health_fields[] = {
	JSON_FIELD("Test", JSON_STRINGS, container_health, test),
	JSON_FIELD("Interval", JSON_INT, container_health, interval_ns),
	JSON_FIELD("Timeout", JSON_INT, container_health, timeout_ns),
	JSON_FIELD("StartPeriod", JSON_INT, container_health, start_period_ns),
	JSON_FIELD("StartInterval", JSON_INT, container_health, start_interval_ns),
	JSON_FIELD("Retries", JSON_INT, container_health, retries),
};
static const struct json_table health_table = JSON_TABLE(container_health, health_fields);

static const struct json_field device_fields[] = {
	JSON_FIELD("PathOnHost", JSON_TEXT, container_device, host_path, .flags = JSON_ALWAYS),
	JSON_FIELD("PathInContainer", JSON_TEXT, container_device, path, .flags = JSON_ALWAYS),
	JSON_FIELD("CgroupPermissions", JSON_TEXT, container_device, permissions,
		   .flags = JSON_ALWAYS),
};
static const struct json_table device_table = JSON_TABLE(container_device, device_fields);

static const struct json_field ulimit_fields[] = {
	JSON_FIELD("Name", JSON_TEXT, container_ulimit, name, .flags = JSON_ALWAYS),
	JSON_FIELD("Hard", JSON_INT, container_ulimit, hard, .flags = JSON_ALWAYS),
	JSON_FIELD("Soft", JSON_INT, container_ulimit, soft, .flags = JSON_ALWAYS),
};
static const struct json_table ulimit_table = JSON_TABLE(container_ulimit, ulimit_fields);

static const struct json_field restart_fields[] = {
	JSON_FIELD("Name", JSON_TEXT, container_restart, name, .flags = JSON_ALWAYS),
	JSON_FIELD("MaximumRetryCount", JSON_INT, container_restart, maximum_retry_count,
		   .flags = JSON_ALWAYS),
};
static const struct json_table restart_table = JSON_TABLE(container_restart, restart_fields);

static const struct json_field log_fields[] = {
	JSON_FIELD("Type", JSON_TEXT, container_log, type, .flags = JSON_ALWAYS),
	JSON_FIELD("Config", JSON_STRING_MAP, container_log, options, .flags = JSON_ALWAYS),
};
static const struct json_table log_table = JSON_TABLE(container_log, log_fields);

/* ---- the two halves, in the order of Docker's answers ------------------------------------ */

#define REQUEST(key, kind, member, ...) \
	JSON_FIELD(key, kind, container_request, member, ##__VA_ARGS__)
#define SHOWN(key, kind, member) REQUEST(key, kind, member, .flags = JSON_ALWAYS)

static const struct json_field host_config_fields[] = {
	SHOWN("Binds", JSON_STRINGS, binds),
	SHOWN("ContainerIDFile", JSON_TEXT, container_id_file),
	REQUEST("LogConfig", JSON_OBJECT, log, .table = &log_table, .flags = JSON_ALWAYS),
	SHOWN("NetworkMode", JSON_TEXT, network_mode),
	REQUEST("PortBindings", JSON_CUSTOM, ports, .custom = &ports, .flags = JSON_ALWAYS),
	REQUEST("RestartPolicy", JSON_OBJECT, restart, .table = &restart_table,
		.flags = JSON_ALWAYS),
	SHOWN("AutoRemove", JSON_BOOL, auto_remove),
	SHOWN("VolumeDriver", JSON_TEXT, volume_driver),
	SHOWN("VolumesFrom", JSON_STRINGS, volumes_from),
	REQUEST("ConsoleSize", JSON_UINT_LIST, console_size,
		.at_count = offsetof(struct container_request, console_size_count)),
	REQUEST("Annotations", JSON_STRING_MAP, annotations),
	SHOWN("CapAdd", JSON_STRINGS, cap_add),
	SHOWN("CapDrop", JSON_STRINGS, cap_drop),
	SHOWN("CgroupnsMode", JSON_TEXT, cgroupns_mode),
	SHOWN("Dns", JSON_STRINGS, dns),
	SHOWN("DnsOptions", JSON_STRINGS, dns_options),
	SHOWN("DnsSearch", JSON_STRINGS, dns_search),
	SHOWN("ExtraHosts", JSON_STRINGS, extra_hosts),
	SHOWN("GroupAdd", JSON_STRINGS, group_add),
	SHOWN("IpcMode", JSON_TEXT, ipc_mode),
	SHOWN("Links", JSON_STRINGS, links),
	SHOWN("OomScoreAdj", JSON_INT, oom_score_adj),
	SHOWN("PidMode", JSON_TEXT, pid_mode),
	SHOWN("Privileged", JSON_BOOL, privileged),
	SHOWN("PublishAllPorts", JSON_BOOL, publish_all_ports),
	SHOWN("ReadonlyRootfs", JSON_BOOL, read_only_root),
	SHOWN("SecurityOpt", JSON_STRINGS, security_options),
	REQUEST("StorageOpt", JSON_STRING_MAP, storage_options),
	REQUEST("Tmpfs", JSON_STRING_MAP, tmpfs),
	SHOWN("UTSMode", JSON_TEXT, uts_mode),
	SHOWN("UsernsMode", JSON_TEXT, userns_mode),
	SHOWN("ShmSize", JSON_INT, shm_size_bytes),
	REQUEST("Sysctls", JSON_STRING_MAP, sysctls),
	SHOWN("Runtime", JSON_TEXT, runtime),
	SHOWN("Isolation", JSON_TEXT, isolation),
	SHOWN("CpuShares", JSON_INT, cpu_shares),
	SHOWN("Memory", JSON_INT, memory_bytes),
	SHOWN("NanoCpus", JSON_INT, nano_cpus),
	SHOWN("CgroupParent", JSON_TEXT, cgroup_parent),
	SHOWN("BlkioWeight", JSON_UINT, blkio_weight),
	SHOWN("CpuPeriod", JSON_INT, cpu_period_us),
	SHOWN("CpuQuota", JSON_INT, cpu_quota_us),
	SHOWN("CpusetCpus", JSON_TEXT, cpuset_cpus),
	SHOWN("CpusetMems", JSON_TEXT, cpuset_mems),
	JSON_ARRAY_FIELD("Devices", container_request, devices, device_count, device_table,
			 .flags = JSON_ALWAYS),
	SHOWN("DeviceCgroupRules", JSON_STRINGS, device_cgroup_rules),
	SHOWN("MemoryReservation", JSON_INT, memory_reservation_bytes),
	SHOWN("MemorySwap", JSON_INT, memory_swap_bytes),
	SHOWN("MemorySwappiness", JSON_OPTIONAL_INT, memory_swappiness),
	SHOWN("OomKillDisable", JSON_OPTIONAL_BOOL, oom_kill_disable),
	SHOWN("PidsLimit", JSON_OPTIONAL_INT, pids_limit),
	JSON_ARRAY_FIELD("Ulimits", container_request, ulimits, ulimit_count, ulimit_table,
			 .flags = JSON_ALWAYS),
	JSON_ARRAY_FIELD("Mounts", container_request, mounts, mount_count, mount_table),
	REQUEST("MaskedPaths", JSON_STRINGS, masked_paths,
		.at_count = offsetof(struct container_request, has_masked_paths)),
	REQUEST("ReadonlyPaths", JSON_STRINGS, read_only_paths,
		.at_count = offsetof(struct container_request, has_read_only_paths)),
	REQUEST("Init", JSON_OPTIONAL_BOOL, init),
};
static const struct json_table host_config_table = JSON_PART_TABLE(host_config_fields);

static const struct json_field config_fields[] = {
	SHOWN("Hostname", JSON_TEXT, hostname),
	SHOWN("Domainname", JSON_TEXT, domainname),
	SHOWN("User", JSON_TEXT, user),
	SHOWN("AttachStdin", JSON_BOOL, attach_stdin),
	SHOWN("AttachStdout", JSON_BOOL, attach_stdout),
	SHOWN("AttachStderr", JSON_BOOL, attach_stderr),
	REQUEST("ExposedPorts", JSON_KEYS, exposed_ports),
	SHOWN("Tty", JSON_BOOL, tty),
	SHOWN("OpenStdin", JSON_BOOL, open_stdin),
	SHOWN("StdinOnce", JSON_BOOL, stdin_once),
	SHOWN("Env", JSON_STRINGS, env),
	REQUEST("Cmd", JSON_STRINGS, command, .flags = JSON_ALWAYS | JSON_OR_STRING,
		.at_count = offsetof(struct container_request, has_command)),
	REQUEST("Healthcheck", JSON_POINTER, health, .table = &health_table),
	SHOWN("Image", JSON_TEXT, image),
	SHOWN("Volumes", JSON_KEYS, anonymous_volumes),
	SHOWN("WorkingDir", JSON_TEXT, working_dir),
	REQUEST("Entrypoint", JSON_STRINGS, entrypoint, .flags = JSON_ALWAYS | JSON_OR_STRING,
		.at_count = offsetof(struct container_request, has_entrypoint)),
	REQUEST("NetworkDisabled", JSON_BOOL, network_disabled),
	REQUEST("MacAddress", JSON_TEXT, mac_address),
	SHOWN("Labels", JSON_STRING_MAP, labels),
	REQUEST("StopSignal", JSON_TEXT, stop_signal),
	REQUEST("StopTimeout", JSON_OPTIONAL_INT, stop_timeout_s),
};
static const struct json_table config_table = JSON_PART_TABLE(config_fields);

static const struct json_field create_fields[] = {
	JSON_PART_FIELD("HostConfig", host_config_table),
};
static const struct json_table create_table = JSON_PART_TABLE(create_fields);

/* HostConfig's keys for things that Berth does not have. */
static const char *const absent_keys[] = {
	"BlkioWeightDevice",   "BlkioDeviceReadBps",   "BlkioDeviceWriteBps",
	"BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "CpuRealtimePeriod",
	"CpuRealtimeRuntime",  "DeviceRequests",       "Cgroup",
	"KernelMemory",        "KernelMemoryTCP",      "CpuCount",
	"CpuPercent",          "IOMaximumIOps",        "IOMaximumBandwidth",
};

bool container_request_asks(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return false;
	case json_type_array:
		return json_object_array_length(value) > 0;
	case json_type_object:
		return json_object_object_length(value) > 0;
	case json_type_string:
		return json_object_get_string_len(value) > 0;
	case json_type_int:
		return json_object_get_int64(value) != 0;
	default:
		return json_object_get_boolean(value);
	}
}

static int refuse_absent(struct json_object *document, struct error *err)
{
	struct json_object *host = json_object_object_get(document, "HostConfig");

	for (size_t i = 0; i < ARRAY_SIZE(absent_keys); i++)
		if (container_request_asks(json_object_object_get(host, absent_keys[i])))
			return error_say(err, ENOTSUP, "HostConfig.%s is not supported",
					 absent_keys[i]);
	return 0;
}

void container_request_fold(struct json_object *document)
{
	static const char *const networks[] = { "NetworkingConfig", "EndpointsConfig" };

	json_fold_keys(&config_table, document);
	json_fold_keys(&create_table, document);
	struct json_object *host = json_object_object_get(document, "HostConfig");
	for (size_t i = 0; host && i < ARRAY_SIZE(absent_keys); i++)
		json_fold_key(host, absent_keys[i]);
	struct json_object *at = document;
	for (size_t i = 0; json_object_get_type(at) == json_type_object && i < ARRAY_SIZE(networks);
	     i++) {
		json_fold_key(at, networks[i]);
		at = json_object_object_get(at, networks[i]);
	}
}

int container_request_parse(struct json_object *document, struct container_request *ret,
			    struct error *err)
{
	auto_container_request request = {};
	int r = json_read(&config_table, document, &request, err);

	if (r == 0)
		r = json_read(&create_table, document, &request, err);
	if (r == 0)
		r = refuse_absent(document, err);
	if (r < 0)
		return r;
	*ret = request;
	request = (struct container_request){};
	return 0;
}

struct json_object *container_request_config_json(const struct container_request *request)
{
	return json_write(&config_table, request);
}

struct json_object *container_request_host_config_json(const struct container_request *request)
{
	return json_write(&host_config_table, request);
}

struct json_object *container_request_json(const struct container_request *request)
{
	struct json_object *o = container_request_config_json(request);

	(void)json_add(o, "HostConfig", container_request_host_config_json(request));
	return o;
}

void container_request_done(struct container_request *request)
{
	json_release(&config_table, request);
	json_release(&host_config_table, request);
	*request = (struct container_request){};
}

void container_mount_done(struct container_mount *mount)
{
	json_release(&mount_table, mount);
}

void container_mount_copy(const struct container_mount *from, struct container_mount *ret)
{
	auto_json *o = json_write(&mount_table, from);

	/* what the table wrote it can read */
	if (json_read(&mount_table, o, ret, NULL) < 0)
		abort();
}
