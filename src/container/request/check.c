/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/check.h"

#include <errno.h>
#include <string.h>

#include "base/signals.h"
#include "container/config/grammar.h"
#include "container/request/check-parts.h"
#include "container/request/log-config.h"
#include "container/request/mounts.h"

#define ID_MAX 2147483647u /* Docker's limit */
#define RESERVED_PREFIX "io.berth."
#define USER_LEN_MAX 256
#define NSEC_PER_MSEC_MIN 1000000

/* ---- who and where ----------------------------------------------------------------------- */

/* A name, or a number that is one of the ids. */
static bool id_or_name(const char *text, size_t len)
{
	char copy[USER_LEN_MAX];
	uint64_t id;

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strspn(copy, "0123456789") == len)
		return number_parse(copy, ID_MAX, &id);
	return text_is_plain(copy) && !strchr("-+", copy[0]) && !strpbrk(copy, " :/,");
}

bool container_request_vm(const struct container_request *request)
{
	return (request->isolation && strcmp(request->isolation, "vm") == 0) ||
	       (request->runtime && strcmp(request->runtime, "vm") == 0);
}

static int check_user(const char *user, struct error *err)
{
	const char *colon = strchr(user, ':');
	size_t len = colon ? (size_t)(colon - user) : strlen(user);

	/* ":group" is the default user in another group, "user:" one in the group that is its own */
	if ((len > 0 && !id_or_name(user, len)) || (len == 0 && !colon))
		return error_say(err, EINVAL, "invalid user \"%.100s\"", user);
	if (colon && colon[1] && !id_or_name(colon + 1, strlen(colon + 1)))
		return error_say(err, EINVAL, "invalid group in user \"%.100s\"", user);
	return 0;
}

static int check_identity(const struct container_request *request, struct error *err)
{
	if (request->hostname && !hostname_is_valid(request->hostname))
		return error_say(err, EINVAL, "invalid hostname format: %.100s", request->hostname);
	if (request->domainname && !hostname_is_valid(request->domainname))
		return error_say(err, EINVAL, "invalid domainname format: %.100s",
				 request->domainname);
	if (request->working_dir &&
	    (request->working_dir[0] != '/' || !text_is_plain(request->working_dir) ||
	     strlen(request->working_dir) >= 4096))
		return error_say(err, EINVAL,
				 "the working directory '%.200s' is invalid, it needs to be an "
				 "absolute path",
				 request->working_dir);
	for (size_t i = 0; i < request->group_add.count; i++)
		if (!id_or_name(request->group_add.items[i], strlen(request->group_add.items[i])))
			return error_say(err, EINVAL, "invalid group \"%.100s\"",
					 request->group_add.items[i]);
	return request->user ? check_user(request->user, err) : 0;
}

/* ---- texts ------------------------------------------------------------------------------- */

static int check_env(const struct strv *env, struct error *err)
{
	for (size_t i = 0; i < env->count; i++) {
		const char *text = env->items[i];
		size_t len = strcspn(text, "=");
		if (len == 0)
			return error_say(err, EINVAL, "invalid environment variable: %.200s", text);
		for (size_t k = 0; k < len; k++)
			if ((unsigned char)text[k] < ' ' || text[k] == 0x7f)
				return error_say(err, EINVAL, "invalid environment variable: %.*s",
						 (int)(len < 200 ? len : 200), text);
	}
	return 0;
}

static int check_labels(const struct map *labels, const char *what, struct error *err)
{
	size_t position = 0;
	const char *key;

	while (labels && map_next(labels, &position, &key)) {
		if (!*key || !text_is_plain(key))
			return error_say(err, EINVAL, "invalid %s name \"%.100s\"", what, key);
		if (strncmp(key, RESERVED_PREFIX, strlen(RESERVED_PREFIX)) == 0)
			return error_say(err, EINVAL,
					 "invalid %s name \"%.100s\": names that begin with \"%s\" "
					 "are reserved",
					 what, key, RESERVED_PREFIX);
	}
	return 0;
}

/* ---- life -------------------------------------------------------------------------------- */

static int check_health(const struct container_health *h, struct error *err)
{
	const struct {
		int64_t ns;
		const char *name;
	} times[] = {
		{ h->interval_ns, "Interval" },
		{ h->timeout_ns, "Timeout" },
		{ h->start_period_ns, "StartPeriod" },
		{ h->start_interval_ns, "StartInterval" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i].ns != 0 && times[i].ns < NSEC_PER_MSEC_MIN)
			return error_say(err, EINVAL, "%s in Healthcheck cannot be less than 1ms",
					 times[i].name);
	if (h->retries < 0)
		return error_say(err, EINVAL, "Retries in Healthcheck cannot be negative");
	if (h->test.count == 0)
		return 0;
	const char *kind = h->test.items[0];
	bool known = strcmp(kind, "NONE") == 0 || strcmp(kind, "CMD") == 0 ||
		     strcmp(kind, "CMD-SHELL") == 0 || !*kind;
	return known ? 0 : error_say(err, EINVAL, "unknown type \"%.50s\" of health check", kind);
}

static int check_restart(const struct container_request *request, struct error *err)
{
	static const char *const names[] = { "no", "always", "on-failure", "unless-stopped" };
	const char *name = request->restart.name ? request->restart.name : "no";
	int64_t count = request->restart.maximum_retry_count;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		known |= strcmp(names[i], name) == 0;
	if (!known)
		return error_say(err, EINVAL,
				 "invalid restart policy: unknown policy '%.50s'; use one of 'no', "
				 "'always', 'on-failure', or 'unless-stopped'",
				 name);
	if (count != 0 && strcmp(name, "on-failure") != 0)
		return error_say(err, EINVAL,
				 "invalid restart policy: maximum retry count can only be used "
				 "with 'on-failure'");
	if (count < 0)
		return error_say(err, EINVAL,
				 "invalid restart policy: maximum retry count cannot be negative");
	if (request->auto_remove && strcmp(name, "no") != 0)
		return error_say(err, EINVAL,
				 "can't create 'AutoRemove' container with restart policy");
	return 0;
}

static int check_life(const struct container_request *request, struct error *err)
{
	if (request->stop_signal && signal_parse(request->stop_signal) == 0)
		return error_say(err, EINVAL, "Invalid signal: %.50s", request->stop_signal);
	if (request->stop_timeout_s.set && (request->stop_timeout_s.value < -1 ||
					    request->stop_timeout_s.value > INT32_MAX / 1000))
		return error_say(err, EINVAL, "invalid stop timeout");
	if (request->console_size_count != 0 && request->console_size_count != 2)
		return error_say(err, EINVAL, "ConsoleSize needs a height and a width");
	if (request->runtime && strcmp(request->runtime, "berth") != 0 &&
	    strcmp(request->runtime, "container") != 0 && strcmp(request->runtime, "vm") != 0)
		return error_say(err, EINVAL, "unknown or invalid runtime name: %.100s",
				 request->runtime);
	const char *isolation = request->isolation;
	if (isolation && strcmp(isolation, "default") != 0 && strcmp(isolation, "container") != 0 &&
	    strcmp(isolation, "vm") != 0)
		return error_say(err, EINVAL,
				 "Invalid isolation: \"%.50s\": Berth has \"default\", "
				 "\"container\" and \"vm\"",
				 isolation);
	struct log_config log;
	int r = check_restart(request, err);
	if (r == 0)
		r = log_config_read(&request->log, &log, err);
	if (r == 0 && request->health)
		r = check_health(request->health, err);
	return r;
}

/* ---- what Berth does not have ------------------------------------------------------------ */

static int check_absent(const struct container_request *request, struct error *err)
{
	const struct {
		bool asked;
		const char *name;
	} parts[] = {
		{ request->volumes_from.count > 0, "VolumesFrom" },
		{ request->links.count > 0, "Links" },
		{ request->cgroup_parent != NULL, "CgroupParent" },
		{ request->network_disabled, "NetworkDisabled" },
		{ request->volume_driver && strcmp(request->volume_driver, "local") != 0,
		  "VolumeDriver" },
		{ request->memory_swappiness.set && request->memory_swappiness.value >= 0 &&
			  container_request_vm(request),
		  "MemorySwappiness" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].asked)
			return error_say(err, ENOTSUP, "%s is not supported", parts[i].name);
	return 0;
}

static int check_mounts(const struct container_request *request, struct error *err)
{
	auto_container_mounts mounts = {};

	return container_mounts_collect(request, NULL, &mounts, err);
}

int container_request_check(const struct container_request *request, struct error *err)
{
	int r = check_absent(request, err);

	if (r == 0)
		r = check_identity(request, err);
	if (r == 0)
		r = check_env(&request->env, err);
	if (r == 0)
		r = check_labels(request->labels, "label", err);
	if (r == 0)
		r = check_labels(request->annotations, "annotation", err);
	if (r == 0)
		r = check_mounts(request, err);
	if (r == 0)
		r = request_check_limits(request, err);
	if (r == 0)
		r = request_check_sandbox(request, err);
	if (r == 0)
		r = request_check_network(request, err);
	return r == 0 ? check_life(request, err) : r;
}
