/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/record.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "container/config/default-config.h"
#include "oci/image-config.h"

struct record *record_new(void)
{
	struct record *r = xnew(struct record);

	r->refs = 1;
	r->slot = ID_SLOT_NONE;
	r->state = STATE_CREATED;
	(void)pthread_mutex_init(&r->verbs, NULL);
	return r;
}

struct record *record_ref(struct record *r)
{
	(void)__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

void record_unref(struct record *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	container_request_done(&r->request);
	free(r->request_text);
	free(r->image_id);
	free(r->path);
	strv_done(&r->args);
	strv_done(&r->labels);
	free(r->name);
	image_config_free(r->image);
	(void)pthread_mutex_destroy(&r->verbs);
	free(r);
}

struct record *record_lock(struct record *r)
{
	(void)pthread_mutex_lock(&r->verbs);
	return r;
}

void record_unlock_p(struct record **r)
{
	if (*r)
		(void)pthread_mutex_unlock(&(*r)->verbs);
	*r = NULL;
}

uint32_t record_id_base(const struct record *r)
{
	return r->slot == ID_SLOT_NONE ? 0 : ID_BASE + r->slot * CONTAINER_ID_COUNT;
}

void record_info(const struct record *r, struct instance_info *ret)
{
	const struct container_request *request = &r->request;

	*ret = (struct instance_info){
		.name = xstrdup(r->name),
		.state = r->state,
		.vm = r->vm,
		.image = xstrdup(request->image ? request->image : ""),
		.image_id = xstrdup(r->image_id ? r->image_id : ""),
		.request = xstrdup(r->request_text),
		.path = xstrdup(r->path ? r->path : ""),
		.network_mode = xstrdup(request->network_mode ? request->network_mode : "default"),
		.tty = request->tty,
		.open_stdin = request->open_stdin,
		.auto_remove = request->auto_remove,
		.created_ns = r->created_ns,
		.started_ns = r->started_ns,
		.finished_ns = r->finished_ns,
		.exit_code = r->exit_code,
		.pid = r->pid,
		.oom_killed = r->oom_killed,
		.error = xstrdup(r->error),
		.restart_count = r->restart.count,
		.restart_policy = xstrdup(request->restart.name ? request->restart.name : "no"),
		.restart_max = (int)request->restart.maximum_retry_count,
		.id_base = record_id_base(r),
	};
	memcpy(ret->id, r->id, sizeof(ret->id));
	strv_copy(&ret->args, &r->args);
	strv_copy(&ret->labels, &r->labels);
	(void)!container_mounts_shown(request, NULL, &ret->mounts, NULL);
}

void instance_info_done(struct instance_info *info)
{
	free(info->name);
	free(info->image);
	free(info->image_id);
	free(info->request);
	free(info->path);
	strv_done(&info->args);
	strv_done(&info->labels);
	free(info->network_mode);
	free(info->error);
	free(info->restart_policy);
	free(info->log_path);
	strv_done(&info->exec_ids);
	container_mounts_done(&info->mounts);
	*info = (struct instance_info){};
}
