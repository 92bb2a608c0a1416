/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/runtime-tables.h"

#include <sched.h>

#include "oci/runtime-config.h"

/* ---- process ----------------------------------------------------------------------------- */

static const struct json_field console_size_fields[] = {
	JSON_FIELD("height", JSON_UINT, runtime_console_size, height),
	JSON_FIELD("width", JSON_UINT, runtime_console_size, width),
};
static const struct json_table console_size_table =
	JSON_TABLE(runtime_console_size, console_size_fields);

static const struct json_field user_fields[] = {
	JSON_FIELD("uid", JSON_UINT, runtime_user, uid, .flags = JSON_ALWAYS),
	JSON_FIELD("gid", JSON_UINT, runtime_user, gid, .flags = JSON_ALWAYS),
	JSON_FIELD("umask", JSON_OPTIONAL_UINT, runtime_user, umask),
	JSON_FIELD("additionalGids", JSON_UINT_LIST, runtime_user, additional_gids,
		   .at_count = offsetof(struct runtime_user, additional_gid_count)),
};
static const struct json_table user_table = JSON_TABLE(runtime_user, user_fields);

#define CAPABILITIES(key, member)                                     \
	JSON_FIELD(key, JSON_WORD_BITS, runtime_capabilities, member, \
		   .words = runtime_capability_words)

static const struct json_field capability_fields[] = {
	CAPABILITIES("bounding", bounding),       CAPABILITIES("effective", effective),
	CAPABILITIES("inheritable", inheritable), CAPABILITIES("permitted", permitted),
	CAPABILITIES("ambient", ambient),
};
static const struct json_table capability_table =
	JSON_TABLE(runtime_capabilities, capability_fields);

static const struct json_field rlimit_fields[] = {
	JSON_FIELD("type", JSON_WORD, runtime_rlimit, resource, .words = runtime_rlimit_words,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("soft", JSON_UINT, runtime_rlimit, soft, .flags = JSON_REQUIRED | JSON_ALWAYS),
	JSON_FIELD("hard", JSON_UINT, runtime_rlimit, hard, .flags = JSON_REQUIRED | JSON_ALWAYS),
};
static const struct json_table rlimit_table = JSON_TABLE(runtime_rlimit, rlimit_fields);

static const struct json_word scheduler_policies[] = {
	{ "SCHED_OTHER", SCHED_OTHER },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", 6 },
	{},
};

/* linux/sched.h, which does not go together with the C library's sched.h */
static const struct json_word scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 }, {},
};

static const struct json_field scheduler_fields[] = {
	JSON_FIELD("policy", JSON_WORD, runtime_scheduler, policy, .words = scheduler_policies,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("nice", JSON_INT, runtime_scheduler, nice),
	JSON_FIELD("priority", JSON_INT, runtime_scheduler, priority),
	JSON_FIELD("flags", JSON_WORD_BITS, runtime_scheduler, flags, .words = scheduler_flags),
	JSON_FIELD("runtime", JSON_UINT, runtime_scheduler, runtime_ns),
	JSON_FIELD("deadline", JSON_UINT, runtime_scheduler, deadline_ns),
	JSON_FIELD("period", JSON_UINT, runtime_scheduler, period_ns),
};
static const struct json_table scheduler_table = JSON_TABLE(runtime_scheduler, scheduler_fields);

static const struct json_word io_classes[] = {
	{ "IOPRIO_CLASS_RT", 1 },
	{ "IOPRIO_CLASS_BE", 2 },
	{ "IOPRIO_CLASS_IDLE", 3 },
	{},
};

static const struct json_field io_priority_fields[] = {
	JSON_FIELD("class", JSON_WORD, runtime_io_priority, class, .words = io_classes,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("priority", JSON_INT, runtime_io_priority, priority, .flags = JSON_ALWAYS),
};
static const struct json_table io_priority_table =
	JSON_TABLE(runtime_io_priority, io_priority_fields);

static const struct json_field process_fields[] = {
	JSON_FIELD("terminal", JSON_BOOL, runtime_process, terminal),
	JSON_FIELD("consoleSize", JSON_POINTER, runtime_process, console_size,
		   .table = &console_size_table),
	JSON_FIELD("user", JSON_OBJECT, runtime_process, user, .table = &user_table,
		   .flags = JSON_ALWAYS),
	JSON_FIELD("args", JSON_STRINGS, runtime_process, args),
	JSON_FIELD("env", JSON_STRINGS, runtime_process, env),
	JSON_FIELD("cwd", JSON_TEXT, runtime_process, cwd, .flags = JSON_REQUIRED),
	JSON_FIELD("capabilities", JSON_POINTER, runtime_process, capabilities,
		   .table = &capability_table),
	JSON_ARRAY_FIELD("rlimits", runtime_process, rlimits, rlimit_count, rlimit_table),
	JSON_FIELD("noNewPrivileges", JSON_BOOL, runtime_process, no_new_privileges),
	JSON_FIELD("apparmorProfile", JSON_TEXT, runtime_process, apparmor_profile),
	JSON_FIELD("oomScoreAdj", JSON_OPTIONAL_INT, runtime_process, oom_score_adj),
	JSON_FIELD("selinuxLabel", JSON_TEXT, runtime_process, selinux_label),
	JSON_FIELD("scheduler", JSON_POINTER, runtime_process, scheduler,
		   .table = &scheduler_table),
	JSON_FIELD("ioPriority", JSON_POINTER, runtime_process, io_priority,
		   .table = &io_priority_table),
};
const struct json_table runtime_process_table = JSON_TABLE(runtime_process, process_fields);

/* ---- root, mounts, hooks ----------------------------------------------------------------- */

static const struct json_field root_fields[] = {
	JSON_FIELD("path", JSON_TEXT, runtime_root, path, .flags = JSON_REQUIRED),
	JSON_FIELD("readonly", JSON_BOOL, runtime_root, read_only),
};
static const struct json_table root_table = JSON_TABLE(runtime_root, root_fields);

static const struct json_field mount_fields[] = {
	JSON_FIELD("destination", JSON_TEXT, runtime_mount, destination, .flags = JSON_REQUIRED),
	JSON_FIELD("type", JSON_TEXT, runtime_mount, type),
	JSON_FIELD("source", JSON_TEXT, runtime_mount, source),
	JSON_FIELD("options", JSON_STRINGS, runtime_mount, options),
	JSON_ARRAY_FIELD("uidMappings", runtime_mount, uid_maps, uid_map_count,
			 runtime_id_map_table),
	JSON_ARRAY_FIELD("gidMappings", runtime_mount, gid_maps, gid_map_count,
			 runtime_id_map_table),
};
static const struct json_table mount_table = JSON_TABLE(runtime_mount, mount_fields);

static const struct json_field hook_fields[] = {
	JSON_FIELD("path", JSON_TEXT, runtime_hook, path, .flags = JSON_REQUIRED),
	JSON_FIELD("args", JSON_STRINGS, runtime_hook, args),
	JSON_FIELD("env", JSON_STRINGS, runtime_hook, env),
	JSON_FIELD("timeout", JSON_OPTIONAL_INT, runtime_hook, timeout_s),
};
static const struct json_table hook_table = JSON_TABLE(runtime_hook, hook_fields);

#define HOOKS(key, member) \
	JSON_ARRAY_FIELD(key, runtime_hooks, member.items, member.count, hook_table)

static const struct json_field hooks_fields[] = {
	HOOKS("prestart", prestart),
	HOOKS("createRuntime", create_runtime),
	HOOKS("createContainer", create_container),
	HOOKS("startContainer", start_container),
	HOOKS("poststart", poststart),
	HOOKS("poststop", poststop),
};
static const struct json_table hooks_table = JSON_TABLE(runtime_hooks, hooks_fields);

static const struct json_field config_fields[] = {
	JSON_FIELD("ociVersion", JSON_TEXT, runtime_config, oci_version, .flags = JSON_REQUIRED),
	JSON_FIELD("process", JSON_POINTER, runtime_config, process,
		   .table = &runtime_process_table),
	JSON_FIELD("root", JSON_OBJECT, runtime_config, root, .table = &root_table,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("hostname", JSON_TEXT, runtime_config, hostname),
	JSON_FIELD("domainname", JSON_TEXT, runtime_config, domainname),
	JSON_ARRAY_FIELD("mounts", runtime_config, mounts, mount_count, mount_table),
	JSON_FIELD("hooks", JSON_OBJECT, runtime_config, hooks, .table = &hooks_table),
	JSON_FIELD("annotations", JSON_STRING_MAP, runtime_config, annotations),
	JSON_FIELD("linux", JSON_OBJECT, runtime_config, linux_, .table = &runtime_linux_table),
	JSON_FIELD("vm", JSON_PRESENCE, runtime_config, has_vm),
};
const struct json_table runtime_config_table = JSON_TABLE(runtime_config, config_fields);
