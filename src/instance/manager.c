/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "container/config/default-config.h"
#include "container/request/log-config.h"
#include "container/seccomp/seccomp.h"
#include "instance/isolation-plan.h"
#include "store/store.h"
#include "vm/template.h"

#define WORKER_STACK (256 * 1024)

const struct isolation *isolation_of(const struct record *r)
{
	return r->vm ? &isolation_vm : &isolation_container;
}

int isolation_refuse(const struct isolation *isolation, enum instance_verb verb, struct error *err)
{
	const char *why = isolation->refusals[verb];

	return error_say(err, EOPNOTSUPP, "%s is not possible with isolation %s: %s",
			 verb_name(verb), isolation->name, why ? why : "not supported");
}

int verb_check(struct manager *m, const struct record *r, enum instance_verb verb,
	       struct error *err)
{
	auto_roster held = roster_lock(&m->roster);

	if (r->removed)
		return error_say(err, ENOENT, "No such container: %s", r->id);
	switch (state_allows(r->state, verb)) {
	case STATE_ALLOWED:
		return 0;
	case STATE_UNCHANGED:
		return MANAGER_UNCHANGED;
	default:
		return state_refuse(r->state, verb, r->name, err);
	}
}

void record_become(struct manager *m, struct record *r, enum instance_state state)
{
	struct error why = {};

	if (r->state == state || state_may_become(r->state, state))
		r->state = state;
	else
		instance_complain(m, r,
				  error_say(&why, EINVAL, "an instance that is %s can not be %s",
					    state_name(r->state), state_name(state)),
				  &why);
}

void record_enter(struct manager *m, struct record *r, enum instance_state state)
{
	auto_roster held = roster_lock(&m->roster);

	record_become(m, r, state);
}

void manager_tell(struct manager *m, const struct record *r, const char *action, int exit_code,
		  int signal, const char *detail)
{
	void (*listen)(const struct instance_event *event, void *arg);
	void *arg;
	auto_instance_info info = {};
	{
		auto_roster held = roster_lock(&m->roster);
		listen = m->listen;
		arg = m->listen_arg;
		if (!listen)
			return;
		record_info(r, &info);
	}
	const struct instance_event event = {
		.action = action,
		.info = &info,
		.time_ns = clock_now(),
		.exit_code = exit_code,
		.signal = signal,
		.detail = detail,
	};
	listen(&event, arg);
}

void manager_set_listener(struct manager *m,
			  void (*listen)(const struct instance_event *event, void *arg), void *arg)
{
	auto_roster held = roster_lock(&m->roster);

	m->listen_arg = arg;
	m->listen = listen;
}

void instance_complain(struct manager *m, const struct record *r, int result,
		       const struct error *why)
{
	if (result < 0 && m->options.complain)
		m->options.complain(r->id, why, m->options.complain_arg);
}

struct keeper *record_keeper(struct manager *m, const struct record *r)
{
	auto_roster held = roster_lock(&m->roster);
	return r->keeper ? keeper_ref(r->keeper) : NULL;
}

/* ---- Threads of the manager's own ----------------------------------------------------------- */

struct job {
	struct manager *m;
	struct record *r;
	struct keeper *k;
	void (*work)(struct manager *m, struct record *r, struct keeper *k);
};

static void count_threads(struct manager *m, int change)
{
	(void)pthread_mutex_lock(&m->threads_lock);
	m->threads += change;
	(void)pthread_cond_broadcast(&m->threads_changed);
	(void)pthread_mutex_unlock(&m->threads_lock);
}

static void *run_job(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	job.work(job.m, job.r, job.k);
	record_unref(job.r);
	keeper_unref(job.k);
	count_threads(job.m, -1);
	return NULL;
}

int manager_spawn(struct manager *m, struct record *r, struct keeper *k,
		  void (*work)(struct manager *m, struct record *r, struct keeper *k),
		  struct error *err)
{
	struct job *job = xnew(struct job);
	pthread_attr_t attributes;
	pthread_t thread;

	*job = (struct job){
		.m = m, .r = r ? record_ref(r) : NULL, .k = k ? keeper_ref(k) : NULL, .work = work
	};
	count_threads(m, 1);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, WORKER_STACK);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int result = pthread_create(&thread, &attributes, run_job, job);
	(void)pthread_attr_destroy(&attributes);
	if (result == 0)
		return 0;

	count_threads(m, -1);
	record_unref(job->r);
	keeper_unref(job->k);
	free(job);
	return error_set(err, result, "start a thread");
}

/* ---- The manager ---------------------------------------------------------------------------- */

/* Names of the instances that use an image, for the store. */
static void tell_users(void *context, const struct digest *id, struct strv *running,
		       struct strv *stopped)
{
	struct manager *m = context;
	auto_record_list list = {};

	roster_snapshot(&m->roster, &list);
	auto_roster held = roster_lock(&m->roster);
	for (size_t i = 0; i < list.count; i++) {
		const struct record *r = list.items[i];
		if (!r->removed && strcmp(r->image_id, id->text) == 0)
			strv_add(state_has_keeper(r->state) ? running : stopped, r->name);
	}
}

static int open_folder(const char *parent, char **ret_path, int *ret_fd, struct error *err)
{
	*ret_path = xasprintf("%s/instances", parent);
	*ret_fd = path_open_dir(*ret_path, 0700, err);
	return *ret_fd < 0 ? *ret_fd : 0;
}

static int open_removed(struct manager *m, struct error *err)
{
	auto_free char *path = xasprintf("%s/removed", m->options.state_dir);

	m->removed_fd = path_open_dir(path, 0700, err);
	return m->removed_fd < 0 ? m->removed_fd
				 : spares_init(&m->spares, m->options.state_dir, err);
}

/* Compiled filters are kept across engines. */
static int open_seccomp_cache(struct manager *m, struct error *err)
{
	auto_free char *path = xasprintf("%s/seccomp", m->options.state_dir);

	m->seccomp_fd = path_open_dir(path, 0700, err);
	if (m->seccomp_fd < 0)
		return m->seccomp_fd;
	m->seccomp = seccomp_cache_new(m->seccomp_fd);
	return 0;
}

void manager_free(struct manager *m)
{
	if (!m)
		return;
	(void)pthread_mutex_lock(&m->threads_lock);
	m->stopping = true;
	(void)pthread_cond_broadcast(&m->threads_changed);
	while (m->threads > 0)
		(void)pthread_cond_wait(&m->threads_changed, &m->threads_lock);
	(void)pthread_mutex_unlock(&m->threads_lock);
	vm_spares_done(&m->vm_spares);
	vm_images_done(&m->vm_images);
	watcher_free(m->watcher);
	seccomp_cache_free(m->seccomp);
	close_p(&m->seccomp_fd);
	roster_done(&m->roster);
	map_free(m->execs);
	map_free(m->damaged);
	strv_done(&m->masked_paths);
	close_p(&m->state_fd);
	close_p(&m->run_fd);
	close_p(&m->removed_fd);
	spares_done(&m->spares);
	free(m->state_dir);
	free(m->run_dir);
	(void)pthread_cond_destroy(&m->threads_changed);
	(void)pthread_mutex_destroy(&m->threads_lock);
	free(m);
}
DEFINE_AUTO(struct manager, manager_free);

int manager_new(const struct manager_options *options, struct manager **ret, struct error *err)
{
	auto_(manager_freep) struct manager *m = xnew(struct manager);
	pthread_condattr_t attributes;

	m->options = *options;
	m->state_fd = m->run_fd = m->removed_fd = m->seccomp_fd = m->spares.fd = -1;
	vm_spares_init(&m->vm_spares);
	vm_images_init(&m->vm_images);
	m->vm_spares.wanted = options->vm_spares;
	if (options->templates)
		m->vm_spares.templates_fd = templates_fd(options->templates);
	m->execs = map_new(NULL);
	container_host_masked_paths(&m->masked_paths);
	roster_init(&m->roster);
	(void)pthread_mutex_init(&m->threads_lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&m->threads_changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);

	int r = open_folder(options->state_dir, &m->state_dir, &m->state_fd, err);
	if (r == 0)
		r = open_folder(options->run_dir, &m->run_dir, &m->run_fd, err);
	if (r == 0)
		r = open_removed(m, err);
	if (r == 0)
		r = watcher_new(&m->watcher, err);
	if (r == 0)
		r = open_seccomp_cache(m, err);
	if (r == 0)
		r = record_migrate(options->db, err);
	if (r == 0)
		r = manager_recover(m, err);
	if (r < 0)
		return error_prefix(err, "load the instances");
	store_set_users(options->store, tell_users, m);
	*ret = take_ptr(m);
	return 0;
}

/* ---- Look-up -------------------------------------------------------------------------------- */

static void fill_info(struct manager *m, const struct record *r, struct instance_info *ret)
{
	struct log_config log;

	record_info(r, ret);
	if (log_config_read(&r->request.log, &log, NULL) == 0 && log.driver == LOG_DRIVER_FILE)
		ret->log_path = xasprintf("%s/%s/" LOG_PRESENT_NAME, m->state_dir, r->id);
	execs_list(r, &ret->exec_ids);
}

int manager_get(struct manager *m, const char *ref, struct instance_info *ret, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_roster held = roster_lock(&m->roster);
	fill_info(m, r, ret);
	return 0;
}

int manager_oci_config(struct manager *m, const char *ref, struct json_object **ret,
		       struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	return isolation_write_config(m, r, ret, err);
}

int manager_resolve(struct manager *m, const char *ref, char ret[INSTANCE_ID_LEN + 1],
		    struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		memcpy(ret, r->id, INSTANCE_ID_LEN + 1);
	return result;
}

int manager_list(struct manager *m, bool all,
		 int (*visit)(const struct instance_info *info, void *arg), void *arg)
{
	auto_record_list list = {};
	int answer = 0;

	roster_snapshot(&m->roster, &list);
	for (size_t i = list.count; i-- > 0 && answer == 0;) {
		auto_instance_info info = {};
		{
			auto_roster held = roster_lock(&m->roster);
			const struct record *r = list.items[i];
			bool shown =
				all || state_has_keeper(r->state) || r->state == STATE_RESTARTING;
			if (r->removed || !shown)
				continue;
			fill_info(m, r, &info);
		}
		answer = visit(&info, arg);
	}
	return answer;
}

void manager_count(struct manager *m, struct manager_counts *ret)
{
	auto_record_list list = {};
	struct manager_counts counts = {};

	roster_snapshot(&m->roster, &list);
	auto_roster held = roster_lock(&m->roster);
	for (size_t i = 0; i < list.count; i++) {
		counts.all++;
		if (list.items[i]->state == STATE_PAUSED)
			counts.paused++;
		else if (state_has_keeper(list.items[i]->state))
			counts.running++;
		else
			counts.stopped++;
	}
	*ret = counts;
}

int manager_rename(struct manager *m, const char *ref, const char *name, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	result = verb_check(m, r, VERB_RENAME, err);
	if (result < 0)
		return result;

	auto_free char *old = xstrdup(r->name);
	result = roster_rename(&m->roster, r, name[0] == '/' ? name + 1 : name, err);
	if (result < 0)
		return result;
	result = record_update(m->options.db, r, err);
	if (result < 0) {
		(void)!roster_rename(&m->roster, r, old, NULL);
		return result;
	}
	manager_tell(m, r, "rename", 0, 0, old);
	return 0;
}
