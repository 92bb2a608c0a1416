/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ident.h"
#include "base/json.h"

/* Sessions kept for one instance; the oldest that ended makes room. */
#define SESSIONS_MAX 512
#define COMMAND_TEXT_MAX 4096

/*
 * An exec session: prepared by create, started once, and kept after its end until the instance is
 * removed or others need the room. Reference-counted: the instance's list holds one. Where nothing
 * else is said, fields are guarded by the roster's lock. With the instance's end the session lets go
 * of the keeper, and @process stays as it was then.
 */
struct exec_session {
	int refs; /* atomic */
	char id[INSTANCE_ID_LEN + 1];
	struct record *r; /* with a reference */
	char *request_text;
	char *command; /* its words in one line, for events */
	bool tty;
	bool started;
	struct keeper *k;           /* with a reference, while the instance runs */
	struct keeper_exec process; /* guarded by the keeper's lock, too */
	struct exec_session *next;  /* older */
};

static struct exec_session *session_ref(struct exec_session *s)
{
	(void)__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

static void session_unref(struct exec_session *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (s->k)
		keeper_unwatch_exec(s->k, &s->process);
	keeper_unref(s->k);
	record_unref(s->r);
	free(s->request_text);
	free(s->command);
	free(s);
}
DEFINE_AUTO(struct exec_session, session_unref);
#define auto_session auto_(session_unrefp) struct exec_session

/* The state of the session's process; the roster's lock is held. */
static void get_process(const struct exec_session *s, struct keeper_exec *ret)
{
	if (s->k)
		keeper_exec_get(s->k, &s->process, ret);
	else
		*ret = s->process;
}

static void get_process_locked(struct manager *m, const struct exec_session *s,
			       struct keeper_exec *ret)
{
	auto_roster held = roster_lock(&m->roster);
	get_process(s, ret);
}

static bool has_ended(const struct exec_session *s)
{
	struct keeper_exec process;

	get_process(s, &process);
	return process.exited || process.start == KEEPER_START_FAILED;
}

/* The session's keeper with a reference; NULL where there is none (any more). */
static struct keeper *session_keeper(struct manager *m, const struct exec_session *s)
{
	auto_roster held = roster_lock(&m->roster);
	return s->k ? keeper_ref(s->k) : NULL;
}

/* Others hold the keeper as well, so giving references back here ends nothing. */
void execs_release(struct manager *m, struct record *r)
{
	auto_roster held = roster_lock(&m->roster);

	for (struct exec_session *s = r->execs; s; s = s->next) {
		if (!s->k)
			continue;
		keeper_end_exec(s->k, &s->process);
		keeper_unref(take_ptr(s->k));
	}
}

/* Takes the oldest session that ended off the list, once it is full; the roster's lock is held. */
static int make_room(struct manager *m, struct record *r, struct exec_session **ret_dropped)
{
	struct exec_session **oldest = NULL;
	size_t count = 0;

	for (struct exec_session **at = &r->execs; *at; at = &(*at)->next) {
		count++;
		if (has_ended(*at))
			oldest = at;
	}
	*ret_dropped = NULL;
	if (count < SESSIONS_MAX)
		return 0;
	if (!oldest)
		return -EBUSY;
	*ret_dropped = *oldest;
	*oldest = (*ret_dropped)->next;
	(void)map_take(m->execs, (*ret_dropped)->id);
	return 0;
}

static int add_session(struct manager *m, struct record *r, struct exec_session *s,
		       struct error *err)
{
	auto_session *dropped = NULL;
	auto_roster held = roster_lock(&m->roster);

	if (make_room(m, r, &dropped) < 0)
		return error_say(err, EBUSY, "container %s has %d exec sessions already", r->name,
				 SESSIONS_MAX);
	s->next = r->execs;
	r->execs = session_ref(s);
	map_set(m->execs, s->id, s);
	return 0;
}

void execs_list(const struct record *r, struct strv *ret)
{
	for (const struct exec_session *s = r->execs; s; s = s->next)
		if (s->started)
			strv_add(ret, s->id);
}

void execs_drop(struct manager *m, struct record *r)
{
	struct exec_session *s;
	{
		auto_roster held = roster_lock(&m->roster);
		s = r->execs;
		r->execs = NULL;
		for (const struct exec_session *each = s; each; each = each->next)
			(void)map_take(m->execs, each->id);
	}
	while (s) {
		struct exec_session *next = s->next;
		session_unref(s);
		s = next;
	}
}

static struct exec_session *find_by_number(struct manager *m, struct record *r, uint32_t number)
{
	auto_roster held = roster_lock(&m->roster);

	for (struct exec_session *s = r->execs; s; s = s->next)
		if (s->process.number == number)
			return session_ref(s);
	return NULL;
}

/* Docker names the command in the action itself. */
static void tell_command(struct manager *m, struct record *r, const struct exec_session *s,
			 const char *action)
{
	auto_free char *text = xasprintf("%s: %s", action, s->command);

	manager_tell(m, r, text, 0, 0, s->id);
}

void execs_changed(struct manager *m, struct record *r, const struct keeper_exec *exec)
{
	auto_session *s = find_by_number(m, r, exec->number);
	if (!s)
		return;
	if (exec->exited)
		manager_tell(m, r, "exec_die", exec->exit.exit_code, 0, s->id);
	else if (exec->start == KEEPER_START_DONE)
		tell_command(m, r, s, "exec_start");
}

static int find_session(struct manager *m, const char *id, struct exec_session **ret,
			struct error *err)
{
	auto_roster held = roster_lock(&m->roster);
	struct exec_session *s = map_get(m->execs, id);

	if (!s)
		return error_say(err, ENOENT, "No such exec instance: %s", id);
	*ret = session_ref(s);
	return 0;
}

static char *join_words(struct json_object *words)
{
	auto_strbuf text = STRBUF_INIT(COMMAND_TEXT_MAX);

	for (size_t i = 0; i < json_object_array_length(words); i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(words, i));
		strbuf_addf(&text, "%s%s", i ? " " : "", word ? word : "");
	}
	return strbuf_take(&text);
}

static int read_request(struct json_object *request, struct exec_session *s, struct error *err)
{
	struct json_object *command = NULL;
	int result = json_get_bool(request, "Tty", &s->tty, err);
	if (result == 0)
		result = json_get_array(request, "Cmd", &command, err);
	if (result == 0 && (!command || json_object_array_length(command) == 0))
		return error_say(err, EINVAL, "No exec command specified");
	if (result < 0)
		return error_say(err, EINVAL, "%s", err ? err->text : "");
	s->request_text = json_text(request);
	s->command = join_words(command);
	return 0;
}

static int create_session(struct manager *m, struct record *r, struct json_object *request,
			  struct exec_session **ret, struct error *err)
{
	int result = verb_check(m, r, VERB_EXEC, err);
	if (result < 0)
		return result;

	auto_session *s = xnew(struct exec_session);
	s->refs = 1;
	s->r = record_ref(r);
	ident_random_hex(s->id, INSTANCE_ID_LEN);
	result = read_request(request, s, err);
	if (result == 0)
		result = add_session(m, r, s, err);
	if (result < 0)
		return result;
	tell_command(m, r, s, "exec_create");
	*ret = take_ptr(s);
	return 0;
}

int manager_exec_create(struct manager *m, const char *ref, struct json_object *request,
			char ret_id[INSTANCE_ID_LEN + 1], struct error *err)
{
	auto_record *r = NULL;
	auto_session *s = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = create_session(m, r, request, &s, err);
	if (result == 0)
		memcpy(ret_id, s->id, INSTANCE_ID_LEN + 1);
	return result;
}

/* Marks the session as started; nobody can start it again. */
static int claim(struct manager *m, struct exec_session *s, struct keeper *k, struct error *err)
{
	{
		auto_roster held = roster_lock(&m->roster);
		if (s->started)
			return error_say(err, EBUSY, "exec session %s has been started already",
					 s->id);
		s->started = true;
		s->k = keeper_ref(k);
		s->process.number = keeper_next_exec(k);
	}
	keeper_watch_exec(k, &s->process);
	return 0;
}

/* A session whose request the keeper never took: it ended before it began. */
static void abandon(struct exec_session *s)
{
	(void)pthread_mutex_lock(&s->k->lock);
	s->process.start = KEEPER_START_FAILED;
	s->process.failed.exit_code = 126;
	(void)pthread_cond_broadcast(&s->k->changed);
	(void)pthread_mutex_unlock(&s->k->lock);
}

/* Sends the plan and the client to the keeper, with @verbs held. */
static int send_exec(struct manager *m, struct exec_session *s, struct json_object *request,
		     const struct attach *attach, struct keeper_client *client, struct error *err)
{
	const struct isolation *isolation = isolation_of(s->r);
	struct keeper_attach encoded = {};

	auto_keeper *k = record_keeper(m, s->r);
	if (!k)
		return state_refuse(STATE_EXITED, VERB_EXEC, s->r->name, err);
	auto_launch launch = LAUNCH_INIT;
	int result = isolation->exec(m, s->r, request, &launch, err);
	uint32_t number = keeper_next_client(k);
	if (result == 0 && attach)
		/* the caller still tells a failed start on the socket */
		result = attach_encode(attach, s->tty, number, true, &encoded, err);
	if (result == 0)
		result = claim(m, s, k, err);
	if (result < 0)
		return result;

	if (client) {
		client->number = number;
		keeper_watch_client(k, client);
	}
	const int fds[] = { launch.plan_fd, attach ? attach->socket : -1 };
	result = keeper_send(k, KEEPER_EXEC, s->process.number, &encoded, sizeof(encoded),
			     attach ? attach->pending : NULL, attach ? attach->pending_len : 0, fds,
			     attach ? 2 : 1, err);
	if (result < 0) {
		if (client)
			keeper_unwatch_client(k, client);
		abandon(s);
	}
	return result;
}

static bool start_known(const struct keeper *k, const void *arg)
{
	const struct keeper_exec *process = arg;

	(void)k;
	return process->start != KEEPER_START_PENDING || process->exited;
}

static int start_session(struct manager *m, struct exec_session *s, struct json_object *request,
			 const struct attach *attach, struct keeper_client *client,
			 struct keeper **ret_keeper, struct error *err)
{
	auto_keeper *k = NULL;
	{
		auto_verbs struct record *held = record_lock(s->r);
		int result = verb_check(m, s->r, VERB_EXEC, err);
		if (result == 0 && !isolation_of(s->r)->exec)
			result = isolation_refuse(isolation_of(s->r), VERB_EXEC, err);
		if (result == 0)
			result = send_exec(m, s, request, attach, client, err);
		if (result < 0)
			return result;
		k = session_keeper(m, s);
	}

	int result = keeper_await(k, start_known, &s->process, false, 0);
	struct keeper_exec process;
	get_process_locked(m, s, &process);
	if (result == 0 && process.start == KEEPER_START_FAILED) {
		int code = process.failed.exit_code;
		int reason = process.failed.error.code ? -process.failed.error.code : EIO;
		result = error_say(err, code == 126 || code == 127 ? EINVAL : reason, "%s",
				   process.failed.error.text);
	} else if (result < 0) {
		result = error_say(err, ECONNRESET, "container %s ended meanwhile", s->r->name);
	}
	if (result < 0 && client)
		keeper_unwatch_client(k, client);
	if (result == 0 && ret_keeper)
		*ret_keeper = take_ptr(k);
	return result;
}

int manager_exec_start(struct manager *m, const char *exec_id, const struct attach *attach,
		       struct error *err)
{
	auto_session *s = NULL;
	auto_json *request = NULL;
	int result = find_session(m, exec_id, &s, err);
	if (result == 0)
		result = json_parse(s->request_text, strlen(s->request_text), SIZE_MAX, "exec",
				    &request, err);
	return result < 0 ? result : start_session(m, s, request, attach, NULL, NULL, err);
}

int manager_exec_resize(struct manager *m, const char *exec_id, uint16_t rows, uint16_t cols,
			struct error *err)
{
	auto_session *s = NULL;
	int result = find_session(m, exec_id, &s, err);
	if (result < 0)
		return result;
	const struct isolation *isolation = isolation_of(s->r);
	if (!isolation->resize)
		return isolation_refuse(isolation, VERB_RESIZE, err);
	auto_keeper *k = session_keeper(m, s);
	if (!k)
		return error_say(err, EBUSY, "exec session %s does not run", exec_id);
	return isolation->resize(k, s->process.number, rows, cols, err);
}

void exec_info_done(struct exec_info *info)
{
	free(info->request);
	*info = (struct exec_info){};
}

static bool is_running(const struct keeper_exec *process)
{
	return process->start == KEEPER_START_DONE && !process->exited;
}

/*
 * Docker's clients ask as soon as the output has ended, which they may learn from the keeper before
 * this engine has read that the program is over. The answer to any request comes after that word.
 */
static void catch_up(struct manager *m, struct exec_session *s, struct keeper_exec *process)
{
	auto_keeper *k = session_keeper(m, s);

	if (!k || !is_running(process))
		return;
	(void)!keeper_request(k, KEEPER_STATUS, 0, NULL, 0, NULL, 0, NULL, 0, NULL);
	get_process_locked(m, s, process);
}

/* Docker says 126 of every failure to start but of a program that is not there. */
static int failed_code(const struct keeper_exec *process)
{
	return process->failed.exit_code == 127 ? 127 : 126;
}

int manager_exec_get(struct manager *m, const char *exec_id, struct exec_info *ret,
		     struct error *err)
{
	auto_session *s = NULL;
	int result = find_session(m, exec_id, &s, err);
	if (result < 0)
		return result;

	struct keeper_exec process;
	get_process_locked(m, s, &process);
	catch_up(m, s, &process);
	bool failed = process.start == KEEPER_START_FAILED;
	*ret = (struct exec_info){
		.request = xstrdup(s->request_text),
		.started = s->started,
		.running = is_running(&process),
		.tty = s->tty,
		.exit_code = failed ? failed_code(&process) : process.exit.exit_code,
		.pid = process.started.pid,
	};
	memcpy(ret->id, s->id, sizeof(ret->id));
	memcpy(ret->instance_id, s->r->id, sizeof(ret->instance_id));
	return 0;
}

/* ---- Compound exec -------------------------------------------------------------------------- */

struct exec_end {
	const struct keeper_exec *process;
	const struct keeper_client *client;
};

static bool is_over(const struct keeper *k, const void *arg)
{
	const struct exec_end *end = arg;

	(void)k;
	if (end->client->done && end->client->end != KEEPER_ATTACH_END_EOF)
		return true;
	return end->process->exited && end->client->done;
}

static int exec_in_foreground(struct manager *m, struct exec_session *s,
			      struct json_object *request, const struct run_options *o,
			      struct error *err)
{
	struct run_event event = { .kind = RUN_CREATED, .id = s->id };
	struct keeper_client client = {};
	auto_keeper *k = NULL;

	o->event(&event, o->arg);
	int result = start_session(m, s, request, &o->attach, &client, &k, err);
	if (result < 0)
		return result;

	const struct exec_end end = { &s->process, &client };
	(void)keeper_await(k, is_over, &end, false, 0);
	keeper_unwatch_client(k, &client);
	struct keeper_exec process;
	get_process_locked(m, s, &process);
	if (!process.exited)
		return 0;
	event.kind = RUN_EXITED;
	event.exit_code = process.exit.exit_code;
	o->event(&event, o->arg);
	return 0;
}

int manager_exec_run(struct manager *m, const char *ref, struct json_object *request,
		     const struct run_options *options, struct error *err)
{
	struct error why = {};
	auto_record *r = NULL;
	auto_session *s = NULL;
	int result = roster_find(&m->roster, ref, &r, &why);
	if (result == 0)
		result = create_session(m, r, request, &s, &why);
	if (result == 0)
		result = exec_in_foreground(m, s, request, options, &why);
	if (result == 0)
		return 0;

	struct keeper_exec process = {};
	if (s)
		get_process_locked(m, s, &process);
	const struct run_event event = {
		.kind = RUN_FAILED,
		.id = s ? s->id : "",
		.error = &why,
		.exit_code = process.failed.exit_code ? process.failed.exit_code : 125,
	};
	options->event(&event, options->arg);
	if (err)
		*err = why;
	return result;
}
