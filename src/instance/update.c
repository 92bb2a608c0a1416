/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "container/config/compile.h"
#include "container/config/default-config.h"
#include "container/request/check.h"
#include "container/request/json.h"
#include "container/seccomp/seccomp.h"
#include "instance/isolation-plan.h"
#include "instance/manager-internal.h"
#include "instance/usage-internal.h"
#include "instance/usage.h"

/* What Docker's update document may say of HostConfig. */
static const char *const changeable[] = {
	"BlkioWeight", "CpuShares", "CpuPeriod",  "CpuQuota",  "NanoCpus",      "CpusetCpus",
	"CpusetMems",  "Memory",    "MemorySwap", "PidsLimit", "RestartPolicy", "MemoryReservation",
};

static bool is_nothing(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return true;
	case json_type_int:
		return json_object_get_int64(value) == 0;
	case json_type_boolean:
		return !json_object_get_boolean(value);
	case json_type_string:
		return json_object_get_string_len(value) == 0;
	case json_type_array:
		return json_object_array_length(value) == 0;
	case json_type_object:
		return json_object_object_length(value) == 0;
	default:
		return false;
	}
}

static bool is_changeable(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(changeable); i++) {
		if (strcmp(changeable[i], key) == 0)
			return true;
	}
	return false;
}

/* Whether more than restart policy and labels is to be changed. */
static bool changes_limits(struct json_object *changes)
{
	json_object_object_foreach(changes, key, value)
	{
		if (strcmp(key, "Labels") != 0 && strcmp(key, "RestartPolicy") != 0 &&
		    !is_nothing(value))
			return true;
	}
	return false;
}

/* A restart policy without a name is none. */
static bool is_empty_policy(const char *key, struct json_object *value)
{
	const char *name = NULL;

	if (strcmp(key, "RestartPolicy") != 0)
		return false;
	return json_get_string(value, "Name", &name, NULL) < 0 || !name || !*name;
}

static int merge_host(struct json_object *host, struct json_object *changes, struct error *err)
{
	json_object_object_foreach(changes, key, value)
	{
		if (strcmp(key, "Labels") == 0 || is_nothing(value))
			continue;
		if (!is_changeable(key))
			return error_say(err, EOPNOTSUPP, "%s cannot be changed by update", key);
		if (!is_empty_policy(key, value))
			json_add(host, key, json_object_get(value));
	}
	return 0;
}

static void merge_labels(struct json_object *document, struct json_object *labels)
{
	struct json_object *all = NULL;

	if (!json_object_object_get_ex(document, "Labels", &all) ||
	    !json_object_is_type(all, json_type_object))
		all = json_add(document, "Labels", json_object_new_object());
	json_object_object_foreach(labels, key, value)
	{
		json_add(all, key, json_object_get(value));
	}
}

/* The record's request with the changes in it, as text and parsed. */
static int merge(const struct record *r, struct json_object *changes, char **ret_text,
		 struct container_request *ret, struct error *err)
{
	auto_json *document = NULL;
	struct json_object *host = NULL;
	struct json_object *labels = NULL;

	int result = json_parse(r->request_text, strlen(r->request_text), SIZE_MAX, "record",
				&document, err);
	if (result == 0)
		result = json_get_object(document, "HostConfig", &host, err);
	if (result == 0)
		result = json_get_object(changes, "Labels", &labels, err);
	if (result < 0)
		return result;
	if (!host)
		host = json_add(document, "HostConfig", json_object_new_object());
	result = merge_host(host, changes, err);
	if (result == 0 && labels)
		merge_labels(document, labels);
	if (result == 0)
		result = container_request_parse(document, ret, err);
	if (result == 0)
		result = container_request_check(ret, err);
	if (result == 0)
		*ret_text = json_text(document);
	return result == -EBADMSG ? error_say(err, EINVAL, "%s", err ? err->text : "") : result;
}

/* ---- A running instance --------------------------------------------------------------------- */

/* The limits of a request, as the start would have compiled them. */
static int compile_limits(struct record *r, const struct container_request *request,
			  struct plan **ret, struct error *err)
{
	auto_free char *cgroups_path = xasprintf("berth/%s", r->id);
	const struct container_mounts none = {};
	const struct strv no_paths = {};
	const struct container_place place = {
		.id = r->id,
		.root_path = "rootfs",
		.cgroups_path = cgroups_path,
		.id_base = record_id_base(r),
		.mounts = &none,
		.masked_paths = &no_paths,
		.leave_default_seccomp = true,
	};
	auto_runtime_config config = {};
	struct container_identity identity = {};
	const struct seccomp_program seccomp = {};
	auto_plan_fds fds = {};

	int result = container_config_make(request, r->image, &place, &config, &identity, err);
	return result < 0 ? result
			  : container_compile(&config, &identity, &seccomp, &fds, ret, err);
}

int usage_tell_keeper(struct manager *m, struct record *r, const struct plan *limits,
		      struct error *err)
{
	auto_keeper *k = record_keeper(m, r);
	auto_close int plan_fd = -1;

	if (!k)
		return 0; /* it has just ended */
	int result = isolation_seal_plan(limits, &plan_fd, err);
	return result < 0 ? result
			  : keeper_request(k, KEEPER_UPDATE, 0, NULL, 0, NULL, 0, &plan_fd, 1, err);
}

int container_limit(struct manager *m, struct record *r, const struct container_request *request,
		    struct plan *limits, struct error *err)
{
	(void)request;
	return usage_tell_keeper(m, r, limits, err);
}

static int limit_running(struct manager *m, struct record *r,
			 const struct container_request *request, struct error *err)
{
	auto_plan *compiled = NULL;
	auto_plan *limits = plan_new();

	int result = isolation_load_image(m, r, err);
	if (result == 0)
		result = compile_limits(r, request, &compiled, err);
	if (result != 0 || !compiled)
		return result;
	limits->id = plan_text(limits, r->id);
	*plan_add(limits, &limits->argv) = plan_text(limits, "update");
	limits->cgroup = compiled->cgroup;
	return isolation_of(r)->limit(m, r, request, limits, err);
}

/* ---- The record ----------------------------------------------------------------------------- */

static void take_text(char **to, char **from)
{
	free(*to);
	*to = take_ptr(*from);
}

/* With @verbs and the roster's lock held: who reads a request holds one of the two. */
static void apply(struct record *r, struct container_request *from, char **text)
{
	struct container_request *to = &r->request;
	size_t position = 0;
	const char *key;
	const char *value;

	to->blkio_weight = from->blkio_weight;
	to->memory_swappiness = from->memory_swappiness;
	to->cpu_shares = from->cpu_shares;
	to->cpu_period_us = from->cpu_period_us;
	to->cpu_quota_us = from->cpu_quota_us;
	to->nano_cpus = from->nano_cpus;
	take_text(&to->cpuset_cpus, &from->cpuset_cpus);
	take_text(&to->cpuset_mems, &from->cpuset_mems);
	to->memory_bytes = from->memory_bytes;
	to->memory_swap_bytes = from->memory_swap_bytes;
	to->memory_reservation_bytes = from->memory_reservation_bytes;
	to->pids_limit = from->pids_limit;
	take_text(&to->restart.name, &from->restart.name);
	to->restart.maximum_retry_count = from->restart.maximum_retry_count;
	while (from->labels && (value = map_next(from->labels, &position, &key))) {
		auto_free char *label = xasprintf("%s=%s", key, value);
		env_set(&r->labels, label);
	}
	take_text(&r->request_text, text);
}

static int update(struct manager *m, struct record *r, struct json_object *changes,
		  struct error *err)
{
	auto_container_request request = {};
	auto_free char *text = NULL;

	int result = merge(r, changes, &text, &request, err);
	if (result == 0 && request.auto_remove && request.restart.name &&
	    strcmp(request.restart.name, "no") != 0)
		result = error_say(err, EINVAL,
				   "Restart policy cannot be updated because AutoRemove is enabled "
				   "for the container");
	if (result < 0)
		return result;
	if (state_has_keeper(r->state) && changes_limits(changes))
		result = limit_running(m, r, &request, err);
	if (result < 0)
		return result;
	{
		auto_roster held = roster_lock(&m->roster);
		apply(r, &request, &text);
	}
	return r->request.auto_remove ? 0 : record_update(m->options.db, r, err);
}

int manager_update(struct manager *m, const char *ref, struct json_object *changes,
		   struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	result = verb_check(m, r, VERB_UPDATE, err);
	if (result == 0)
		result = update(m, r, changes, err);
	if (result < 0)
		return error_prefix(err, "Cannot update container %s", r->id);
	manager_tell(m, r, "update", 0, 0, NULL);
	return 0;
}
