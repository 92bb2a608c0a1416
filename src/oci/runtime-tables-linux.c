/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/runtime-tables.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "base/alloc.h"
#include "base/array.h"
#include "oci/runtime-config.h"

static const struct json_field id_map_fields[] = {
	JSON_FIELD("containerID", JSON_UINT, runtime_id_map, container_id,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
	JSON_FIELD("hostID", JSON_UINT, runtime_id_map, host_id,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
	JSON_FIELD("size", JSON_UINT, runtime_id_map, size, .flags = JSON_REQUIRED | JSON_ALWAYS),
};
const struct json_table runtime_id_map_table = JSON_TABLE(runtime_id_map, id_map_fields);

/* ---- devices and namespaces -------------------------------------------------------------- */

static const struct json_word device_types[] = {
	{ "c", 'c' }, { "b", 'b' }, { "p", 'p' }, { "u", 'c' }, {},
};

static const struct json_field device_fields[] = {
	JSON_FIELD("path", JSON_TEXT, runtime_device, path, .flags = JSON_REQUIRED),
	JSON_FIELD("type", JSON_WORD, runtime_device, type, .words = device_types,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("major", JSON_INT, runtime_device, major, .flags = JSON_ALWAYS),
	JSON_FIELD("minor", JSON_INT, runtime_device, minor, .flags = JSON_ALWAYS),
	JSON_FIELD("fileMode", JSON_OPTIONAL_UINT, runtime_device, mode),
	JSON_FIELD("uid", JSON_OPTIONAL_UINT, runtime_device, uid),
	JSON_FIELD("gid", JSON_OPTIONAL_UINT, runtime_device, gid),
};
static const struct json_table device_table = JSON_TABLE(runtime_device, device_fields);

static const struct json_word namespace_types[] = {
	{ "pid", CLONE_NEWPID },   { "network", CLONE_NEWNET },   { "mount", CLONE_NEWNS },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },       { "user", CLONE_NEWUSER },
	{ "time", CLONE_NEWTIME }, { "cgroup", CLONE_NEWCGROUP }, {},
};

static const struct json_field namespace_fields[] = {
	JSON_FIELD("type", JSON_WORD, runtime_namespace, type, .words = namespace_types,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("path", JSON_TEXT, runtime_namespace, path),
};
static const struct json_table namespace_table = JSON_TABLE(runtime_namespace, namespace_fields);

/* An object by the clock's name, though there are only two. */
static const struct json_field time_offset_fields[] = {
	JSON_FIELD("secs", JSON_INT, runtime_time_offset, seconds),
	JSON_FIELD("nanosecs", JSON_UINT, runtime_time_offset, nanoseconds),
};
static const struct json_table time_offset_table =
	JSON_TABLE(runtime_time_offset, time_offset_fields);

static int read_time_offsets(struct json_object *value, void *object, struct error *err)
{
	struct runtime_linux *l = object;

	if (json_object_get_type(value) != json_type_object)
		return error_say(err, EBADMSG, "no object");

	json_object_object_foreach(value, clock, offset)
	{
		struct runtime_time_offset *t = array_add(l->time_offsets, l->time_offset_count);
		int r = json_read(&time_offset_table, offset, t, err);
		if (r < 0)
			return error_prefix(err, "%s", clock);
		t->clock = xstrdup(clock);
	}
	return 0;
}

static struct json_object *write_time_offsets(const void *object)
{
	const struct runtime_linux *l = object;
	if (l->time_offset_count == 0)
		return NULL;

	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < l->time_offset_count; i++)
		(void)json_add(o, l->time_offsets[i].clock,
			       json_write(&time_offset_table, &l->time_offsets[i]));
	return o;
}

static void done_time_offsets(void *object)
{
	struct runtime_linux *l = object;

	for (size_t i = 0; i < l->time_offset_count; i++)
		free(l->time_offsets[i].clock);
	free(take_ptr(l->time_offsets));
	l->time_offset_count = 0;
}

static const struct json_custom time_offsets = { read_time_offsets, write_time_offsets,
						 done_time_offsets };

/* ---- resources --------------------------------------------------------------------------- */

static const struct json_word rule_types[] = { { "a", 'a' }, { "b", 'b' }, { "c", 'c' }, {} };

static const struct json_field device_rule_fields[] = {
	JSON_FIELD("allow", JSON_BOOL, runtime_device_rule, allow,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
	JSON_FIELD("type", JSON_WORD, runtime_device_rule, type, .words = rule_types),
	JSON_FIELD("major", JSON_OPTIONAL_INT, runtime_device_rule, major),
	JSON_FIELD("minor", JSON_OPTIONAL_INT, runtime_device_rule, minor),
	JSON_FIELD("access", JSON_TEXT, runtime_device_rule, access),
};
static const struct json_table device_rule_table =
	JSON_TABLE(runtime_device_rule, device_rule_fields);

static const struct json_field memory_fields[] = {
	JSON_FIELD("limit", JSON_OPTIONAL_INT, runtime_memory, limit),
	JSON_FIELD("reservation", JSON_OPTIONAL_INT, runtime_memory, reservation),
	JSON_FIELD("swap", JSON_OPTIONAL_INT, runtime_memory, swap),
	JSON_FIELD("kernel", JSON_OPTIONAL_INT, runtime_memory, kernel),
	JSON_FIELD("kernelTCP", JSON_OPTIONAL_INT, runtime_memory, kernel_tcp),
	JSON_FIELD("swappiness", JSON_OPTIONAL_UINT, runtime_memory, swappiness),
	JSON_FIELD("disableOOMKiller", JSON_BOOL, runtime_memory, disable_oom_killer),
	JSON_FIELD("useHierarchy", JSON_BOOL, runtime_memory, use_hierarchy),
	JSON_FIELD("checkBeforeUpdate", JSON_BOOL, runtime_memory, check_before_update),
};
static const struct json_table memory_table = JSON_TABLE(runtime_memory, memory_fields);

static const struct json_field cpu_fields[] = {
	JSON_FIELD("shares", JSON_OPTIONAL_UINT, runtime_cpu, shares),
	JSON_FIELD("quota", JSON_OPTIONAL_INT, runtime_cpu, quota_us),
	JSON_FIELD("burst", JSON_OPTIONAL_UINT, runtime_cpu, burst_us),
	JSON_FIELD("period", JSON_OPTIONAL_UINT, runtime_cpu, period_us),
	JSON_FIELD("realtimeRuntime", JSON_OPTIONAL_INT, runtime_cpu, realtime_runtime_us),
	JSON_FIELD("realtimePeriod", JSON_OPTIONAL_UINT, runtime_cpu, realtime_period_us),
	JSON_FIELD("cpus", JSON_TEXT, runtime_cpu, cpus),
	JSON_FIELD("mems", JSON_TEXT, runtime_cpu, mems),
	JSON_FIELD("idle", JSON_OPTIONAL_INT, runtime_cpu, idle),
};
static const struct json_table cpu_table = JSON_TABLE(runtime_cpu, cpu_fields);

static const struct json_field pids_fields[] = {
	JSON_FIELD("limit", JSON_INT, runtime_pids, limit, .flags = JSON_REQUIRED | JSON_ALWAYS),
};
static const struct json_table pids_table = JSON_TABLE(runtime_pids, pids_fields);

static const struct json_field weight_fields[] = {
	JSON_FIELD("major", JSON_INT, runtime_weight_device, major, .flags = JSON_ALWAYS),
	JSON_FIELD("minor", JSON_INT, runtime_weight_device, minor, .flags = JSON_ALWAYS),
	JSON_FIELD("weight", JSON_OPTIONAL_UINT, runtime_weight_device, weight),
	JSON_FIELD("leafWeight", JSON_OPTIONAL_UINT, runtime_weight_device, leaf_weight),
};
static const struct json_table weight_table = JSON_TABLE(runtime_weight_device, weight_fields);

static const struct json_field throttle_fields[] = {
	JSON_FIELD("major", JSON_INT, runtime_throttle_device, major, .flags = JSON_ALWAYS),
	JSON_FIELD("minor", JSON_INT, runtime_throttle_device, minor, .flags = JSON_ALWAYS),
	JSON_FIELD("rate", JSON_UINT, runtime_throttle_device, rate, .flags = JSON_ALWAYS),
};
static const struct json_table throttle_table =
	JSON_TABLE(runtime_throttle_device, throttle_fields);

#define THROTTLE(key, member) \
	JSON_ARRAY_FIELD(key, runtime_block_io, member.items, member.count, throttle_table)

static const struct json_field block_io_fields[] = {
	JSON_FIELD("weight", JSON_OPTIONAL_UINT, runtime_block_io, weight),
	JSON_FIELD("leafWeight", JSON_OPTIONAL_UINT, runtime_block_io, leaf_weight),
	JSON_ARRAY_FIELD("weightDevice", runtime_block_io, weight_devices, weight_device_count,
			 weight_table),
	THROTTLE("throttleReadBpsDevice", read_bps),
	THROTTLE("throttleWriteBpsDevice", write_bps),
	THROTTLE("throttleReadIOPSDevice", read_iops),
	THROTTLE("throttleWriteIOPSDevice", write_iops),
};
static const struct json_table block_io_table = JSON_TABLE(runtime_block_io, block_io_fields);

static const struct json_field hugepage_fields[] = {
	JSON_FIELD("pageSize", JSON_TEXT, runtime_hugepage_limit, page_size,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("limit", JSON_UINT, runtime_hugepage_limit, limit,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
};
static const struct json_table hugepage_table = JSON_TABLE(runtime_hugepage_limit, hugepage_fields);

static const struct json_field priority_fields[] = {
	JSON_FIELD("name", JSON_TEXT, runtime_interface_priority, name, .flags = JSON_REQUIRED),
	JSON_FIELD("priority", JSON_UINT, runtime_interface_priority, priority,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
};
static const struct json_table priority_table =
	JSON_TABLE(runtime_interface_priority, priority_fields);

static const struct json_field network_fields[] = {
	JSON_FIELD("classID", JSON_OPTIONAL_UINT, runtime_network, class_id),
	JSON_ARRAY_FIELD("priorities", runtime_network, priorities, priority_count, priority_table),
};
static const struct json_table network_table = JSON_TABLE(runtime_network, network_fields);

static const struct json_field resources_fields[] = {
	JSON_ARRAY_FIELD("devices", runtime_resources, devices, device_count, device_rule_table),
	JSON_FIELD("memory", JSON_POINTER, runtime_resources, memory, .table = &memory_table),
	JSON_FIELD("cpu", JSON_POINTER, runtime_resources, cpu, .table = &cpu_table),
	JSON_FIELD("pids", JSON_POINTER, runtime_resources, pids, .table = &pids_table),
	JSON_FIELD("blockIO", JSON_POINTER, runtime_resources, block_io, .table = &block_io_table),
	JSON_ARRAY_FIELD("hugepageLimits", runtime_resources, hugepage_limits, hugepage_limit_count,
			 hugepage_table),
	JSON_FIELD("network", JSON_POINTER, runtime_resources, network, .table = &network_table),
	JSON_FIELD("unified", JSON_STRING_MAP, runtime_resources, unified),
	JSON_FIELD("rdma", JSON_PRESENCE, runtime_resources, has_rdma),
};
const struct json_table runtime_resources_table = JSON_TABLE(runtime_resources, resources_fields);

/* ---- seccomp ----------------------------------------------------------------------------- */

static const struct json_word filter_flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5 },
	{},
};

static const struct json_field arg_fields[] = {
	JSON_FIELD("index", JSON_UINT, runtime_seccomp_arg, index,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
	JSON_FIELD("value", JSON_UINT, runtime_seccomp_arg, value,
		   .flags = JSON_REQUIRED | JSON_ALWAYS),
	JSON_FIELD("valueTwo", JSON_UINT, runtime_seccomp_arg, value_two),
	JSON_FIELD("op", JSON_WORD, runtime_seccomp_arg, op, .words = runtime_compare_words,
		   .flags = JSON_REQUIRED),
};
static const struct json_table arg_table = JSON_TABLE(runtime_seccomp_arg, arg_fields);

static const struct json_field rule_fields[] = {
	JSON_FIELD("names", JSON_STRINGS, runtime_seccomp_rule, names),
	JSON_FIELD("action", JSON_WORD, runtime_seccomp_rule, action, .words = runtime_action_words,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("errnoRet", JSON_OPTIONAL_UINT, runtime_seccomp_rule, errno_ret),
	JSON_ARRAY_FIELD("args", runtime_seccomp_rule, args, arg_count, arg_table),
};
const struct json_table runtime_seccomp_rule_table = JSON_TABLE(runtime_seccomp_rule, rule_fields);

static const struct json_field seccomp_fields[] = {
	JSON_FIELD("defaultAction", JSON_WORD, runtime_seccomp, default_action,
		   .words = runtime_action_words, .flags = JSON_REQUIRED),
	JSON_FIELD("defaultErrnoRet", JSON_OPTIONAL_UINT, runtime_seccomp, default_errno_ret),
	JSON_FIELD("architectures", JSON_WORD_LIST, runtime_seccomp, architectures,
		   .words = runtime_arch_words,
		   .at_count = offsetof(struct runtime_seccomp, architecture_count)),
	JSON_FIELD("flags", JSON_WORD_BITS, runtime_seccomp, flags, .words = filter_flags),
	JSON_FIELD("listenerPath", JSON_TEXT, runtime_seccomp, listener_path),
	JSON_FIELD("listenerMetadata", JSON_TEXT, runtime_seccomp, listener_metadata),
	JSON_ARRAY_FIELD("syscalls", runtime_seccomp, rules, rule_count,
			 runtime_seccomp_rule_table),
};
const struct json_table runtime_seccomp_table = JSON_TABLE(runtime_seccomp, seccomp_fields);

/* ---- the whole --------------------------------------------------------------------------- */

static const struct json_word propagations[] = {
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "shared", MS_SHARED },
	{ "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "unbindable", MS_UNBINDABLE },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{},
};

static const struct json_word personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{},
};

static const struct json_field personality_fields[] = {
	JSON_FIELD("domain", JSON_WORD, runtime_personality, domain, .words = personalities,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("flags", JSON_STRINGS, runtime_personality, flags),
};
static const struct json_table personality_table =
	JSON_TABLE(runtime_personality, personality_fields);

static const struct json_field linux_fields[] = {
	JSON_ARRAY_FIELD("uidMappings", runtime_linux, uid_maps, uid_map_count,
			 runtime_id_map_table),
	JSON_ARRAY_FIELD("gidMappings", runtime_linux, gid_maps, gid_map_count,
			 runtime_id_map_table),
	JSON_FIELD("sysctl", JSON_STRING_MAP, runtime_linux, sysctl),
	JSON_FIELD("resources", JSON_POINTER, runtime_linux, resources,
		   .table = &runtime_resources_table),
	JSON_FIELD("cgroupsPath", JSON_TEXT, runtime_linux, cgroups_path),
	JSON_ARRAY_FIELD("namespaces", runtime_linux, namespaces, namespace_count, namespace_table),
	JSON_ARRAY_FIELD("devices", runtime_linux, devices, device_count, device_table),
	JSON_FIELD("seccomp", JSON_POINTER, runtime_linux, seccomp,
		   .table = &runtime_seccomp_table),
	JSON_FIELD("rootfsPropagation", JSON_WORD, runtime_linux, rootfs_propagation,
		   .words = propagations),
	JSON_FIELD("maskedPaths", JSON_STRINGS, runtime_linux, masked_paths),
	JSON_FIELD("readonlyPaths", JSON_STRINGS, runtime_linux, read_only_paths),
	JSON_FIELD("mountLabel", JSON_TEXT, runtime_linux, mount_label),
	JSON_FIELD("personality", JSON_POINTER, runtime_linux, personality,
		   .table = &personality_table),
	JSON_FIELD("timeOffsets", JSON_CUSTOM, runtime_linux, time_offsets,
		   .custom = &time_offsets),
	JSON_FIELD("intelRdt", JSON_PRESENCE, runtime_linux, has_intel_rdt),
	JSON_FIELD("netDevices", JSON_PRESENCE, runtime_linux, has_net_devices),
	JSON_FIELD("memoryPolicy", JSON_PRESENCE, runtime_linux, has_memory_policy),
};
const struct json_table runtime_linux_table = JSON_TABLE(runtime_linux, linux_fields);
