/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/check-parts.h"

#include <errno.h>
#include <string.h>

#include "container/config/capabilities.h"
#include "container/config/default-parts.h"
#include "container/config/grammar.h"
#include "container/seccomp/seccomp.h"

/* ---- namespaces -------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

static bool mode_is_valid(const char *mode, const char *const *words, bool joins)
{
	if (!mode || is_one_of(mode, words))
		return true;
	return joins && container_request_joins(mode) && name_is_valid(mode + strlen("container:"));
}

static int check_modes(const struct container_request *request, struct error *err)
{
	static const char *const plain[] = { "private", "host", NULL };
	static const char *const ipc[] = { "none", "private", "shareable", "host", NULL };
	const struct {
		const char *mode;
		const char *const *words;
		bool joins;
		const char *name;
	} modes[] = {
		{ request->ipc_mode, ipc, true, "IPC mode" },
		{ request->pid_mode, plain, true, "PID mode" },
		{ request->uts_mode, plain, false, "UTS mode" },
		{ request->userns_mode, plain, false, "user namespace mode" },
		{ request->cgroupns_mode, plain, false, "cgroup namespace mode" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (!mode_is_valid(modes[i].mode, modes[i].words, modes[i].joins))
			return error_say(err, EINVAL, "invalid %s: %.100s", modes[i].name,
					 modes[i].mode);
	bool host_uts = request->uts_mode && strcmp(request->uts_mode, "host") == 0;
	if (host_uts && request->hostname)
		return error_say(err, EINVAL, "conflicting options: hostname and the UTS mode");
	if (host_uts && request->domainname)
		return error_say(err, EINVAL, "conflicting options: domainname and the UTS mode");
	return 0;
}

/* ---- privileges -------------------------------------------------------------------------- */

static int check_privileges(const struct container_request *request, struct error *err)
{
	uint64_t capabilities = 0;
	int r = capabilities_adjust(CAPABILITY_DEFAULT, &request->cap_add, &request->cap_drop,
				    &capabilities, err);
	if (r < 0)
		return r;

	struct security_options options;
	r = security_options_read(request, &options, err);
	if (r < 0 || !options.seccomp_profile)
		return r;
	struct runtime_seccomp profile = {};
	r = seccomp_profile_parse(options.seccomp_profile, strlen(options.seccomp_profile),
				  capabilities, &profile, err);
	runtime_seccomp_done(&profile);
	return r < 0 ? error_say(err, EINVAL, "invalid --security-opt: %s", err ? err->text : "")
		     : 0;
}

/* ---- sysctls ----------------------------------------------------------------------------- */

enum sysctl_namespace { SYSCTL_NONE, SYSCTL_IPC, SYSCTL_NETWORK };

static enum sysctl_namespace sysctl_namespace(const char *key)
{
	static const char *const ipc[] = { "kernel.msgmax",      "kernel.msgmnb",
					   "kernel.msgmni",      "kernel.sem",
					   "kernel.shmall",      "kernel.shmmax",
					   "kernel.shmmni",      "kernel.shm_rmid_forced",
					   "kernel.msg_next_id", "kernel.sem_next_id",
					   "kernel.shm_next_id", NULL };

	if (is_one_of(key, ipc) || strncmp(key, "fs.mqueue.", 10) == 0)
		return SYSCTL_IPC;
	return strncmp(key, "net.", 4) == 0 ? SYSCTL_NETWORK : SYSCTL_NONE;
}

/* Parts of letters, digits, '_' and '-' between dots: never a way out of the namespace's folder. */
static bool sysctl_key_is_valid(const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	if (strlen(key) > 200)
		return false;
	for (;;) {
		size_t len = strspn(key, allowed);
		if (len == 0)
			return false;
		key += len;
		if (!*key)
			return true;
		if (*key++ != '.')
			return false;
	}
}

static bool sysctl_value_is_valid(const char *value)
{
	/* lists are written with tabs, too */
	for (; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') ||
		    (unsigned char)*value >= 0x7f)
			return false;
	return true;
}

static int check_sysctls(const struct container_request *request, struct error *err)
{
	bool host_ipc = request->ipc_mode && strcmp(request->ipc_mode, "host") == 0;
	size_t position = 0;
	const char *key;
	const char *value;

	while (request->sysctls && (value = map_next(request->sysctls, &position, &key))) {
		enum sysctl_namespace kind = sysctl_namespace(key);
		if (kind == SYSCTL_NONE || !sysctl_key_is_valid(key))
			return error_say(err, EINVAL, "sysctl '%.100s' is not allowed", key);
		if (!sysctl_value_is_valid(value))
			return error_say(err, EINVAL, "sysctl '%.100s': invalid value", key);
		if (kind == SYSCTL_NETWORK && (container_request_host_network(request) ||
					       container_request_joins(request->network_mode)))
			return error_say(err, EINVAL,
					 "sysctl '%.100s' is not allowed in a network namespace "
					 "of others",
					 key);
		if (kind == SYSCTL_IPC && (host_ipc || container_request_joins(request->ipc_mode)))
			return error_say(err, EINVAL,
					 "sysctl '%.100s' is not allowed in an IPC namespace of "
					 "others",
					 key);
	}
	return 0;
}

/* ---- devices and paths ------------------------------------------------------------------- */

static bool device_access_is_valid(const char *access)
{
	size_t len = strlen(access);

	return len > 0 && len <= 3 && strspn(access, "rwm") == len;
}

static int check_devices(const struct container_request *request, struct error *err)
{
	for (size_t i = 0; i < request->device_count; i++) {
		const struct container_device *d = &request->devices[i];
		if (!d->host_path || !path_is_clean_absolute(d->host_path))
			return error_say(err, EINVAL, "invalid device path \"%.200s\"",
					 d->host_path ? d->host_path : "");
		const char *inside = d->path ? d->path : d->host_path;
		if (!path_is_clean_absolute(inside) || strncmp(inside, "/dev/", 5) != 0)
			return error_say(err, EINVAL,
					 "invalid device path \"%.200s\": a container's devices "
					 "are below /dev",
					 inside);
		if (d->permissions && !device_access_is_valid(d->permissions))
			return error_say(err, EINVAL, "invalid device mode: %.20s", d->permissions);
	}
	return 0;
}

/* A number or "*" up to one of @ends; gives what is behind, or NULL. */
static const char *device_number(const char *text, char end)
{
	size_t len = *text == '*' ? 1 : strspn(text, "0123456789");

	return len > 0 && len <= 7 && text[len] == end ? text + len + 1 : NULL;
}

static int check_device_rules(const struct strv *rules, struct error *err)
{
	for (size_t i = 0; i < rules->count; i++) {
		const char *text = rules->items[i];
		const char *at = *text && strchr("abc", *text) && text[1] == ' ' ? text + 2 : NULL;
		if (at)
			at = device_number(at, ':');
		if (at)
			at = device_number(at, ' ');
		if (!at || !device_access_is_valid(at))
			return error_say(err, EINVAL, "invalid device cgroup rule format: '%.100s'",
					 text);
	}
	return 0;
}

static int check_hidden_paths(const struct strv *paths, struct error *err)
{
	for (size_t i = 0; i < paths->count; i++)
		if (!path_is_clean_absolute(paths->items[i]))
			return error_say(err, EINVAL, "invalid masked or read-only path \"%.200s\"",
					 paths->items[i]);
	return 0;
}

int request_check_sandbox(const struct container_request *request, struct error *err)
{
	int r = check_modes(request, err);

	if (r == 0)
		r = check_privileges(request, err);
	if (r == 0)
		r = check_sysctls(request, err);
	if (r == 0)
		r = check_devices(request, err);
	if (r == 0)
		r = check_device_rules(&request->device_cgroup_rules, err);
	if (r == 0)
		r = check_hidden_paths(&request->masked_paths, err);
	return r == 0 ? check_hidden_paths(&request->read_only_paths, err) : r;
}
