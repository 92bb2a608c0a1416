/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fake/fake.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/frames.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"

struct fake_asked fake_asked;

static bool is_web(const char *ref)
{
	return strcmp(ref, "web") == 0 || strcmp(ref, FAKE_WEB) == 0;
}

static int no_such(const char *ref, struct error *err)
{
	return error_say(err, ENOENT, "No such container: %s", ref);
}

static void fill_info(struct instance_info *ret, bool web)
{
	*ret = (struct instance_info){
		.name = xstrdup(web ? "web" : "old"),
		.state = web ? STATE_RUNNING : STATE_EXITED,
		.image = xstrdup("debian:13"),
		.image_id = xstrdup(FAKE_IMAGE),
		.request = xstrdup("{\"Image\":\"debian:13\",\"Cmd\":[\"true\"]}"),
		.path = xstrdup("true"),
		.network_mode = xstrdup("none"),
		.created_ns = (web ? 2 : 1) * NSEC_PER_SEC,
		.started_ns = 3 * NSEC_PER_SEC,
		.finished_ns = 4 * NSEC_PER_SEC,
		.exit_code = web ? 0 : 3,
	};
	(void)snprintf(ret->id, INSTANCE_ID_LEN + 1, "%s", web ? FAKE_WEB : FAKE_OLD);
	strv_add(&ret->labels, web ? "role=web" : "role=old");
}

void instance_info_done(struct instance_info *info)
{
	free(info->name);
	free(info->image);
	free(info->image_id);
	free(info->request);
	free(info->path);
	free(info->network_mode);
	strv_done(&info->labels);
}

int manager_oci_config(struct manager *m, const char *ref, struct json_object **ret,
		       struct error *err)
{
	(void)m;
	if (!is_web(ref))
		return error_say(err, ENOENT, "No such container: %s", ref);
	*ret = json_object_new_object();
	return 0;
}

int manager_get(struct manager *m, const char *ref, struct instance_info *ret, struct error *err)
{
	bool web = is_web(ref);

	(void)m;
	if (!web && strcmp(ref, "old") != 0 && strcmp(ref, FAKE_OLD) != 0)
		return no_such(ref, err);
	fill_info(ret, web);
	return 0;
}

int manager_list(struct manager *m, bool all,
		 int (*visit)(const struct instance_info *info, void *arg), void *arg)
{
	(void)m;
	for (int i = 0; i < (all ? 2 : 1); i++) {
		struct instance_info info;

		fill_info(&info, i == 0);
		int r = visit(&info, arg);
		instance_info_done(&info);
		if (r)
			return r;
	}
	return 0;
}

void manager_count(struct manager *m, struct manager_counts *ret)
{
	(void)m;
	*ret = (struct manager_counts){ .all = 2, .running = 1, .stopped = 1 };
}

int manager_create(struct manager *m, const char *name, struct json_object *request,
		   char ret_id[INSTANCE_ID_LEN + 1], struct strv *warnings, struct error *err)
{
	const char *image = "";

	(void)m;
	(void)warnings;
	snprintf(fake_asked.name, sizeof(fake_asked.name), "%s", name ? name : "");
	if (json_get_string(request, "Image", &image, err) < 0)
		return -EINVAL;
	if (strcmp(image, "debian:13") != 0)
		return error_say(err, ENOENT, "No such image: %s", image);
	if (name && strcmp(name, "web") == 0)
		return error_say(err, EEXIST,
				 "Conflict. The container name \"/web\" is already in use");
	(void)snprintf(ret_id, INSTANCE_ID_LEN + 1, "%s", FAKE_WEB);
	return 0;
}

int manager_start(struct manager *m, const char *ref, struct start_timing *timing,
		  struct error *err)
{
	(void)m;
	(void)timing;
	(void)err;
	return is_web(ref) ? MANAGER_UNCHANGED : 0;
}

int manager_stop(struct manager *m, const char *ref, int sig, int timeout_s, struct error *err)
{
	(void)m;
	fake_asked.signal = sig;
	fake_asked.timeout_s = timeout_s;
	return is_web(ref) ? 0 : no_such(ref, err);
}

int manager_restart(struct manager *m, const char *ref, int sig, int timeout_s, struct error *err)
{
	return manager_stop(m, ref, sig, timeout_s, err);
}

int manager_kill(struct manager *m, const char *ref, int sig, struct error *err)
{
	(void)m;
	fake_asked.signal = sig;
	return is_web(ref) ? 0 : error_say(err, EBUSY, "Container %s is not running", ref);
}

int manager_pause(struct manager *m, const char *ref, struct error *err)
{
	(void)m;
	return error_say(err, EOPNOTSUPP, "pause %s: not here", ref);
}

int manager_unpause(struct manager *m, const char *ref, struct error *err)
{
	return manager_pause(m, ref, err);
}

int manager_rename(struct manager *m, const char *ref, const char *name, struct error *err)
{
	(void)m;
	(void)ref;
	(void)err;
	snprintf(fake_asked.name, sizeof(fake_asked.name), "%s", name);
	return 0;
}

int manager_check_detach_keys(const char *keys, struct error *err)
{
	return keys && strcmp(keys, "bogus") == 0
		       ? error_say(err, EINVAL, "Invalid escape keys (%s) provided", keys)
		       : 0;
}

int manager_remove(struct manager *m, const char *ref, const struct remove_options *options,
		   struct error *err)
{
	(void)m;
	return options->force || !is_web(ref)
		       ? 0
		       : error_say(err, EBUSY,
				   "container is running: stop it or remove it by force");
}

int manager_resize(struct manager *m, const char *ref, uint16_t rows, uint16_t cols,
		   struct error *err)
{
	(void)m;
	(void)ref;
	(void)err;
	fake_asked.rows = rows;
	fake_asked.cols = cols;
	return 0;
}

int manager_wait_prepare(struct manager *m, const char *ref, enum wait_condition condition,
			 struct instance_wait **ret, struct error *err)
{
	(void)m;
	*ret = (void *)(uintptr_t)(condition == WAIT_NEXT_EXIT ? 2 : 1);
	return is_web(ref) ? 0 : no_such(ref, err);
}

/* The next exit never comes: only the client's hang-up ends that wait. */
int manager_wait_finish(struct instance_wait *wait, int cancel_fd, char *ret_error)
{
	struct pollfd p = { .fd = cancel_fd, .events = POLLRDHUP };

	if ((uintptr_t)wait == 1)
		return 5;
	(void)ret_error;
	(void)poll(&p, 1, -1);
	return -ECANCELED;
}

int manager_attach(struct manager *m, const char *ref, const struct attach *attach,
		   struct error *err)
{
	uint8_t frame[FRAME_HEADER + sizeof("hello")];

	(void)m;
	(void)ref;
	(void)err;
	frame_header(FRAME_STDOUT, 5, frame);
	(void)snprintf((char *)frame + FRAME_HEADER, sizeof("hello"), "hello");
	return socket_send(attach->socket, frame, sizeof(frame) - 1, FRAME_TIMEOUT_MS);
}

int manager_attach_announce(struct manager *m, const char *ref, struct attach_announcement **ret,
			    struct error *err)
{
	(void)m;
	(void)ref;
	(void)ret;
	(void)err;
	return 0;
}

void manager_attach_arrived(struct attach_announcement *a)
{
	(void)a;
}

int manager_log_attributes(struct manager *m, const char *ref, struct strv *ret, struct error *err)
{
	(void)m;
	(void)ref;
	(void)err;
	strv_add(ret, "owner=the team");
	strv_add(ret, "tag=a/b");
	return 0;
}

int manager_logs(struct manager *m, const char *ref, const struct log_query *query, log_visit visit,
		 void *arg, struct error *err)
{
	const struct log_entry entries[] = {
		{ LOG_STDOUT, 1700000000 * NSEC_PER_SEC, true, "one ", 4 },
		{ LOG_STDERR, 1700000001 * NSEC_PER_SEC, false, "bad", 3 },
		{ LOG_STDOUT, 1700000002 * NSEC_PER_SEC, false, "line", 4 },
	};

	(void)m;
	(void)ref;
	(void)err;
	fake_asked.query = *query;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		int r = visit(&entries[i], arg);
		if (r)
			return r;
	}
	return 0;
}

int manager_run(struct manager *m, struct json_object *request, const struct run_options *options,
		struct error *err)
{
	struct start_timing timing = { .count = 1 };
	struct run_event e = { .kind = RUN_CREATED, .id = FAKE_WEB };

	(void)m;
	(void)request;
	(void)err;
	timing.phases[0].name = "init";
	timing.phases[0].at_ns = options->received_ns + 1000;
	options->event(&e, options->arg);
	(void)!manager_attach(m, FAKE_WEB, &options->attach, err);
	e = (struct run_event){ .kind = RUN_STARTED, .id = FAKE_WEB, .timing = &timing };
	options->event(&e, options->arg);
	e = (struct run_event){ .kind = RUN_EXITED, .id = FAKE_WEB, .exit_code = 4 };
	options->event(&e, options->arg);
	return 0;
}

int manager_exec_run(struct manager *m, const char *ref, struct json_object *request,
		     const struct run_options *options, struct error *err)
{
	struct error why = { 0 };
	struct run_event e = {
		.kind = RUN_FAILED, .id = FAKE_WEB, .error = &why, .exit_code = 127
	};

	(void)m;
	(void)request;
	(void)err;
	(void)error_say(&why, ENOENT, "%s: not found", ref);
	options->event(&e, options->arg);
	return -ENOENT;
}

int manager_exec_create(struct manager *m, const char *ref, struct json_object *request,
			char ret_id[INSTANCE_ID_LEN + 1], struct error *err)
{
	(void)m;
	(void)request;
	if (!is_web(ref))
		return no_such(ref, err);
	(void)snprintf(ret_id, INSTANCE_ID_LEN + 1, "%s", FAKE_OLD);
	return 0;
}

int manager_exec_get(struct manager *m, const char *exec_id, struct exec_info *ret,
		     struct error *err)
{
	(void)m;
	if (strcmp(exec_id, FAKE_OLD) != 0)
		return error_say(err, ENOENT, "No such exec instance: %s", exec_id);
	*ret = (struct exec_info){ .request = xstrdup("{\"Cmd\":[\"sh\"],\"AttachStdout\":true}") };
	(void)snprintf(ret->id, INSTANCE_ID_LEN + 1, "%s", FAKE_OLD);
	(void)snprintf(ret->instance_id, INSTANCE_ID_LEN + 1, "%s", FAKE_WEB);
	return 0;
}

void exec_info_done(struct exec_info *info)
{
	free(info->request);
}

int manager_exec_start(struct manager *m, const char *exec_id, const struct attach *attach,
		       struct error *err)
{
	return attach ? manager_attach(m, exec_id, attach, err) : 0;
}

int manager_exec_resize(struct manager *m, const char *exec_id, uint16_t rows, uint16_t cols,
			struct error *err)
{
	return manager_resize(m, exec_id, rows, cols, err);
}

void manager_set_listener(struct manager *m,
			  void (*listen)(const struct instance_event *event, void *arg), void *arg)
{
	(void)m;
	(void)listen;
	(void)arg;
}

int manager_templates_list(struct manager *m, struct json_object **ret, struct error *err)
{
	(void)m;
	(void)err;
	*ret = json_object_new_array();
	return 0;
}

int manager_templates_make(struct manager *m, int64_t memory_bytes, int64_t nano_cpus,
			   struct json_object **ret, struct error *err)
{
	(void)m;
	if (memory_bytes < 0 || nano_cpus < 0)
		return error_say(err, EINVAL, "not negative");
	*ret = json_object_new_object();
	return 0;
}

int manager_templates_remove(struct manager *m, const char *key, struct json_object **ret,
			     struct error *err)
{
	(void)m;
	if (key)
		return error_say(err, ENOENT, "No such template: %s", key);
	*ret = json_object_new_object();
	return 0;
}
