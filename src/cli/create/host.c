/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/create/mount-spec.h"
#include "cli/create/options.h"
#include "cli/document.h"
#include "cli/human.h"

#define SECCOMP_MAX (1U << 20)

static int bad_argument(struct error *err, const char *option, const char *value, const char *why)
{
	return error_say(err, EINVAL, "invalid argument \"%s\" for \"--%s\" flag: %s", value,
			 option, why);
}

/* ---- Limits --------------------------------------------------------------------------------- */

static int add_restart(const char *text, struct json_object *host, struct error *err)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	size_t len = colon ? (size_t)(colon - text) : text ? strlen(text) : 0;
	char *end = NULL;
	long count = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!text || !*text)
		return 0;
	if (len == 0)
		return error_say(err, EINVAL,
				 "invalid restart policy format: no policy provided before colon");
	if (colon && (end == colon + 1 || *end))
		return error_say(err, EINVAL,
				 "invalid restart policy format: maximum retry count "
				 "must be an integer");
	auto_free char *name = xstrndup(text, len);
	struct json_object *policy = json_add(host, "RestartPolicy", json_object_new_object());
	json_add_string(policy, "Name", name);
	document_add_int(policy, "MaximumRetryCount", count);
	return 0;
}

int create_add_limits(const struct call *call, const struct limit_options *o,
		      struct json_object *host, struct error *err)
{
	document_add_int(host, "BlkioWeight", o->blkio_weight);
	document_add_int(host, "CpuPeriod", o->cpu_period);
	document_add_int(host, "CpuQuota", o->cpu_quota);
	document_add_int(host, "CpuRealtimePeriod", o->cpu_rt_period);
	document_add_int(host, "CpuRealtimeRuntime", o->cpu_rt_runtime);
	document_add_int(host, "CpuShares", o->cpu_shares);
	document_add_int(host, "NanoCpus", o->cpus);
	document_add_text(host, "CpusetCpus", o->cpuset_cpus);
	document_add_text(host, "CpusetMems", o->cpuset_mems);
	document_add_int(host, "Memory", o->memory);
	document_add_int(host, "MemoryReservation", o->memory_reservation);
	document_add_int(host, "MemorySwap", o->memory_swap);
	if (call_given(call, "pids-limit"))
		json_add_int(host, "PidsLimit", o->pids_limit);
	return add_restart(o->restart, host, err);
}

/* "NAME=SOFT[:HARD]" */
static int add_ulimits(const struct create_options *o, struct json_object *host, struct error *err)
{
	auto_json *list = json_object_new_array();

	for (size_t i = 0; i < o->ulimits.count; i++) {
		const char *text = o->ulimits.items[i];
		const char *equal = strchr(text, '=');
		char *end = NULL;
		if (!equal || equal == text)
			return bad_argument(err, "ulimit", text, "want NAME=SOFT[:HARD]");
		long long soft = strtoll(equal + 1, &end, 10);
		long long hard = soft;
		bool bad = end == equal + 1;
		if (*end == ':') {
			const char *from = end + 1;
			hard = strtoll(from, &end, 10);
			bad = bad || end == from;
		}
		if (bad || *end)
			return bad_argument(err, "ulimit", text, "a limit is a number or -1");
		if (hard != -1 && (soft > hard || soft == -1))
			return bad_argument(err, "ulimit", text,
					    "ulimit soft limit must be less than or equal to "
					    "hard limit");
		auto_free char *name = xstrndup(text, (size_t)(equal - text));
		struct json_object *limit = json_object_new_object();
		json_add_string(limit, "Name", name);
		json_add_int(limit, "Soft", soft);
		json_add_int(limit, "Hard", hard);
		(void)json_object_array_add(list, limit);
	}
	document_add_part(host, "Ulimits", take_ptr(list));
	return 0;
}

/* "DEVICE:NUMBER" for the block device limits; @member is "Rate" or "Weight". */
static int add_rates(const struct strv *items, const char *option, const char *key,
		     const char *member, bool bytes, struct json_object *host, struct error *err)
{
	auto_json *list = json_object_new_array();

	for (size_t i = 0; i < items->count; i++) {
		const char *text = items->items[i];
		const char *colon = strchr(text, ':');
		int64_t value = 0;
		char *end = NULL;
		if (!colon || strncmp(text, "/dev/", 5) != 0)
			return bad_argument(err, option, text, "want /dev/NAME:NUMBER");
		bool good = bytes ? human_parse_bytes(colon + 1, &value) : colon[1] != '\0';
		if (!bytes) {
			value = strtoll(colon + 1, &end, 10);
			good = good && !*end;
		}
		if (!good || value < 0)
			return bad_argument(err, option, text, "want /dev/NAME:NUMBER");
		auto_free char *path = xstrndup(text, (size_t)(colon - text));
		struct json_object *rate = json_object_new_object();
		json_add_string(rate, "Path", path);
		json_add_int(rate, member, value);
		(void)json_object_array_add(list, rate);
	}
	document_add_part(host, key, take_ptr(list));
	return 0;
}

static int add_block_limits(const struct create_options *o, struct json_object *host,
			    struct error *err)
{
	int r = add_rates(&o->blkio_weight_device, "blkio-weight-device", "BlkioWeightDevice",
			  "Weight", false, host, err);
	if (r == 0)
		r = add_rates(&o->device_read_bps, "device-read-bps", "BlkioDeviceReadBps", "Rate",
			      true, host, err);
	if (r == 0)
		r = add_rates(&o->device_write_bps, "device-write-bps", "BlkioDeviceWriteBps",
			      "Rate", true, host, err);
	if (r == 0)
		r = add_rates(&o->device_read_iops, "device-read-iops", "BlkioDeviceReadIOps",
			      "Rate", false, host, err);
	if (r == 0)
		r = add_rates(&o->device_write_iops, "device-write-iops", "BlkioDeviceWriteIOps",
			      "Rate", false, host, err);
	return r;
}

/* ---- The sandbox ---------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "sys_admin" becomes "CAP_SYS_ADMIN", "all" becomes "ALL"; sorted, each once. */
static void add_capabilities(const struct strv *names, const char *key, struct json_object *host)
{
	auto_strv list = {};

	for (size_t i = 0; i < names->count; i++) {
		bool bare = strcasecmp(names->items[i], "all") == 0 ||
			    strncasecmp(names->items[i], "CAP_", 4) == 0;
		char *name = xasprintf("%s%s", bare ? "" : "CAP_", names->items[i]);
		for (char *c = name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		if (strv_contains(&list, name))
			free(name);
		else
			strv_add_take(&list, name);
	}
	if (list.count > 0)
		qsort(list.items, list.count, sizeof(char *), compare_names);
	document_add_list(host, key, &list);
}

/* A seccomp profile is read here and sent whole: the engine may be on another host. */
static int read_profile(const char *path, struct strv *ret, struct error *err)
{
	auto_strbuf text = STRBUF_INIT(SECCOMP_MAX);
	auto_json *profile = NULL;

	int r = read_file_at(AT_FDCWD, path, SECCOMP_MAX, &text, err);
	if (r == 0)
		r = json_parse(strbuf_text(&text), text.len, SECCOMP_MAX, path, &profile, err);
	if (r < 0)
		return error_prefix(err, "seccomp profile");
	auto_free char *compact = json_text(profile);
	strv_addf(ret, "seccomp=%s", compact);
	return 0;
}

static int add_security(const struct create_options *o, struct json_object *host, struct error *err)
{
	auto_strv list = {};
	int r = 0;

	for (size_t i = 0; i < o->security_opt.count && r == 0; i++) {
		const char *text = o->security_opt.items[i];
		const char *value = strpbrk(text, "=:");
		bool profile = strncmp(text, "seccomp", 7) == 0 && value == text + 7 &&
			       strcmp(value + 1, "unconfined") != 0 &&
			       strcmp(value + 1, "builtin") != 0;
		if (!value && strcmp(text, "no-new-privileges") != 0)
			return error_say(err, EINVAL, "Invalid --security-opt: \"%s\"", text);
		if (strcmp(text, "systempaths=unconfined") == 0) {
			(void)json_add(host, "MaskedPaths", json_object_new_array());
			(void)json_add(host, "ReadonlyPaths", json_object_new_array());
		} else if (profile) {
			r = read_profile(value + 1, &list, err);
		} else {
			strv_add(&list, text);
		}
	}
	document_add_list(host, "SecurityOpt", &list);
	return r;
}

/* ---- Files and devices ---------------------------------------------------------------------- */

static int add_mounts(const struct create_options *o, struct json_object *body,
		      struct json_object *host, struct error *err)
{
	auto_json *volumes = json_object_new_object();
	auto_json *mounts = json_object_new_array();
	auto_json *tmpfs = json_object_new_object();
	auto_strv binds = {};
	int r = 0;

	for (size_t i = 0; i < o->volumes.count && r == 0; i++)
		r = mount_spec_volume(o->volumes.items[i], &binds, volumes, err);
	for (size_t i = 0; i < o->mounts.count && r == 0; i++) {
		struct json_object *mount = NULL;
		struct error why = {};
		if (mount_spec_parse(o->mounts.items[i], &mount, &why) < 0)
			r = bad_argument(err, "mount", o->mounts.items[i], why.text);
		else
			(void)json_object_array_add(mounts, mount);
	}
	for (size_t i = 0; i < o->tmpfs.count; i++) {
		const char *colon = strchrnul(o->tmpfs.items[i], ':');
		auto_free char *path =
			xstrndup(o->tmpfs.items[i], (size_t)(colon - o->tmpfs.items[i]));
		json_add_string(tmpfs, path, *colon ? colon + 1 : "");
	}
	if (r < 0)
		return r;
	document_add_part(body, "Volumes", take_ptr(volumes));
	document_add_part(host, "Mounts", take_ptr(mounts));
	document_add_part(host, "Tmpfs", take_ptr(tmpfs));
	document_add_list(host, "Binds", &binds);
	return 0;
}

static bool is_permissions(const char *text)
{
	return *text && strspn(text, "rwm") == strlen(text);
}

/* "/dev/x[:INSIDE][:rwm]" */
static int parse_device(const char *text, struct json_object **ret, struct error *err)
{
	auto_strv parts = {};
	const char *inside;
	const char *permissions = "rwm";

	strv_split(&parts, text, ':');
	inside = parts.items[0];
	if (parts.count > 3 || !*parts.items[0])
		return error_say(err, EINVAL, "invalid device specification: %s", text);
	if (parts.count > 1 && is_permissions(parts.items[1]) && parts.count == 2)
		permissions = parts.items[1];
	else if (parts.count > 1 && *parts.items[1])
		inside = parts.items[1];
	if (parts.count > 2)
		permissions = parts.items[2];
	if (inside[0] != '/')
		return error_say(err, EINVAL, "%s is not an absolute path", inside);
	if (!is_permissions(permissions))
		return error_say(err, EINVAL, "bad mode specified: %s", permissions);
	*ret = json_object_new_object();
	json_add_string(*ret, "PathOnHost", parts.items[0]);
	json_add_string(*ret, "PathInContainer", inside);
	json_add_string(*ret, "CgroupPermissions", permissions);
	return 0;
}

static int add_devices(const struct create_options *o, struct json_object *host, struct error *err)
{
	auto_json *list = json_object_new_array();

	for (size_t i = 0; i < o->devices.count; i++) {
		struct json_object *device = NULL;
		int r = parse_device(o->devices.items[i], &device, err);
		if (r < 0)
			return r;
		(void)json_object_array_add(list, device);
	}
	document_add_part(host, "Devices", take_ptr(list));
	document_add_list(host, "DeviceCgroupRules", &o->device_cgroup_rules);
	return 0;
}

/* ---- All of it ------------------------------------------------------------------------------ */

static void add_namespaces(const struct create_options *o, struct json_object *host)
{
	document_add_text(host, "UsernsMode", o->userns);
	document_add_text(host, "IpcMode", o->ipc);
	document_add_text(host, "PidMode", o->pid);
	document_add_text(host, "UTSMode", o->uts);
	document_add_text(host, "CgroupnsMode", o->cgroupns);
	document_add_text(host, "CgroupParent", o->cgroup_parent);
}

static void add_log(const struct create_options *o, struct json_object *host)
{
	if (!o->log_driver && o->log_opt.count == 0)
		return;
	struct json_object *log = json_add(host, "LogConfig", json_object_new_object());
	document_add_text(log, "Type", o->log_driver);
	document_add_map(log, "Config", &o->log_opt);
}

static int add_isolation(const struct create_options *o, struct json_object *host,
			 struct error *err)
{
	if (o->vm && o->isolation && strcmp(o->isolation, "vm") != 0)
		return error_say(err, EINVAL, "conflicting options: --vm and --isolation %s",
				 o->isolation);
	document_add_text(host, "Isolation", o->vm ? "vm" : o->isolation);
	document_add_text(host, "Runtime", o->runtime);
	return 0;
}

static int check_ranges(const struct call *call, const struct create_options *o, struct error *err)
{
	const char *restart = o->limits.restart;

	if (o->rm && restart && *restart && strcmp(restart, "no") != 0)
		return error_say(err, EINVAL,
				 "conflicting options: cannot specify both --restart and --rm");
	if (o->memory_swappiness < -1 || o->memory_swappiness > 100)
		return error_say(err, EINVAL,
				 "invalid value: %lld. Valid memory swappiness range is 0-100",
				 (long long)o->memory_swappiness);
	if (call_given(call, "shm-size") && o->shm_size < 0)
		return error_say(err, EINVAL, "--shm-size cannot be negative");
	return 0;
}

int create_add_host(const struct call *call, const struct create_options *o,
		    struct json_object *body, struct json_object *host, struct error *err)
{
	int r = check_ranges(call, o, err);
	if (r == 0)
		r = add_isolation(o, host, err);
	if (r == 0)
		r = add_ulimits(o, host, err);
	if (r == 0)
		r = add_block_limits(o, host, err);
	if (r == 0)
		r = add_security(o, host, err);
	if (r == 0)
		r = add_mounts(o, body, host, err);
	if (r == 0)
		r = add_devices(o, host, err);
	if (r < 0)
		return r;

	add_capabilities(&o->cap_add, "CapAdd", host);
	add_capabilities(&o->cap_drop, "CapDrop", host);
	add_namespaces(o, host);
	add_log(o, host);
	document_add_flag(host, "AutoRemove", o->rm);
	document_add_flag(host, "Privileged", o->privileged);
	document_add_flag(host, "ReadonlyRootfs", o->read_only);
	document_add_flag(host, "OomKillDisable", o->oom_kill_disable);
	document_add_int(host, "OomScoreAdj", o->oom_score_adj);
	if (o->memory_swappiness >= 0)
		json_add_int(host, "MemorySwappiness", o->memory_swappiness);
	if (call_given(call, "init"))
		json_add_bool(host, "Init", o->init);
	document_add_int(host, "ShmSize", o->shm_size);
	document_add_list(host, "GroupAdd", &o->group_add);
	document_add_map(host, "Sysctls", &o->sysctls);
	document_add_map(host, "Annotations", &o->annotations);
	document_add_map(host, "StorageOpt", &o->storage_opt);
	document_add_list(host, "VolumesFrom", &o->volumes_from);
	document_add_text(host, "VolumeDriver", o->volume_driver);
	return 0;
}
