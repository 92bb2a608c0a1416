/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/requests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/plan/plan.h"
#include "keeper/backend.h"
#include "keeper/client.h"
#include "keeper/connection.h"
#include "keeper/keeper.h"
#include "keeper/loaded-plan.h"
#include "keeper/session.h"

static int find_session(struct keeper *k, const struct request *r, struct session **ret,
			struct error *err)
{
	*ret = keeper_session(k, r->head.exec);
	if (!*ret || (*ret)->state >= SESSION_FAILED)
		return error_say(err, ESRCH, "there is no process %u any more", r->head.exec);
	return 0;
}

static int read_attach(const struct request *r, struct keeper_attach *ret, struct error *err)
{
	if (r->len < sizeof(*ret))
		return error_say(err, EBADMSG, "the request is cut short");
	memcpy(ret, r->payload, sizeof(*ret));
	if (ret->flags & ~(uint32_t)KEEPER_ATTACH_FLAGS_ALL ||
	    ret->detach_len > KEEPER_DETACH_KEYS_MAX)
		return error_say(err, EBADMSG, "the request holds an unknown flag");
	return 0;
}

static uint32_t count_clients(const struct keeper *k)
{
	uint32_t n = 0;
	for (const struct session *s = k->sessions; s; s = s->next) {
		for (const struct client *c = s->clients; c; c = c->next)
			n++;
	}
	return n;
}

static int resize(struct keeper *k, struct session *s, uint16_t rows, uint16_t cols,
		  struct error *err)
{
	if (!rows || !cols || !s->terminal)
		return 0;
	s->rows = rows;
	s->cols = cols;
	if (s->state != SESSION_RUNNING)
		return 0;
	return k->backend->ops->resize(k->backend, s, rows, cols, err);
}

/* Attaches the client behind the request's descriptor @at. */
static int attach_client(struct keeper *k, struct request *r, size_t at, struct session *s,
			 const struct keeper_attach *attach, struct error *err)
{
	if (count_clients(k) >= KEEPER_CLIENTS_MAX)
		return error_say(err, EMFILE, "too many clients are attached");
	int res = client_new(s, take_fd(r->fds[at]), attach,
			     (const char *)r->payload + sizeof(*attach), r->len - sizeof(*attach),
			     err);
	return res < 0 ? res : resize(k, s, attach->rows, attach->cols, err);
}

static int do_attach(struct keeper *k, struct request *r, struct error *err)
{
	struct keeper_attach attach;
	struct session *s = NULL;
	int res = read_attach(r, &attach, err);
	if (res == 0)
		res = find_session(k, r, &s, err);
	if (res < 0)
		return res;
	if (r->fd_count != 1)
		return error_say(err, EBADMSG, "the request brings no client");
	return attach_client(k, r, 0, s, &attach, err);
}

static int start_exec(struct keeper *k, struct request *r, struct plan *plan,
		      const struct keeper_attach *attach, struct error *err)
{
	struct session *s = session_new(k, r->head.exec);
	s->terminal = plan->streams.terminal;
	s->stdin_open = plan->streams.stdin_open;
	s->stdin_once = true;
	if (attach->rows && attach->cols) {
		plan->streams.rows = attach->rows;
		plan->streams.cols = attach->cols;
	}
	/* The first session stays the last of the list. */
	s->next = k->sessions;
	k->sessions = s;
	int res = r->fd_count > 1 ? attach_client(k, r, 1, s, attach, err) : 0;
	if (res == 0)
		res = k->backend->ops->exec(k->backend, plan, s, err);
	if (res < 0) {
		session_failed(s, s->exit_code ? s->exit_code : 125, err);
		return res;
	}
	return 0;
}

static int do_exec(struct keeper *k, struct request *r, struct error *err)
{
	struct keeper_attach attach;
	struct loaded_plan file = LOADED_PLAN_NONE;
	uint32_t count = 0;
	int res = read_attach(r, &attach, err);
	if (res < 0)
		return res;
	for (const struct session *s = k->sessions; s; s = s->next)
		count++;
	if (r->fd_count < 1 || r->fd_count > 2 || !r->head.exec)
		return error_say(err, EBADMSG, "the request brings no plan, or no number");
	if (k->first->state != SESSION_RUNNING)
		return error_say(err, ESRCH, "the instance does not run");
	if (k->paused)
		return error_say(err, EBUSY, "the instance is paused");
	if (keeper_session(k, r->head.exec) || count > KEEPER_EXECS_MAX)
		return error_say(err, EEXIST,
				 "the process's number is taken, or there are too many");
	res = loaded_plan_read(r->fds[0], &file, err);
	if (res == 0 && (file.plan->root.type != PLAN_ROOT_NONE || file.plan->fd_count))
		res = error_say(err, EINVAL, "the plan is not one of an exec");
	if (res == 0)
		res = start_exec(k, r, file.plan, &attach, err);
	loaded_plan_done(&file);
	return res;
}

static int do_resize(struct keeper *k, struct request *r, struct error *err)
{
	struct keeper_resize size;
	struct session *s = NULL;
	if (r->len != sizeof(size))
		return error_say(err, EBADMSG, "the request is cut short");
	memcpy(&size, r->payload, sizeof(size));
	int res = find_session(k, r, &s, err);
	return res < 0 ? res : resize(k, s, size.rows, size.cols, err);
}

static int do_signal(struct keeper *k, struct request *r, struct error *err)
{
	struct keeper_signal sig;
	struct session *s = NULL;
	if (r->len != sizeof(sig))
		return error_say(err, EBADMSG, "the request is cut short");
	memcpy(&sig, r->payload, sizeof(sig));
	if (sig.signal > 64)
		return error_say(err, EINVAL, "there is no signal %u", sig.signal);
	int res = find_session(k, r, &s, err);
	if (res < 0)
		return res;
	if (s->state != SESSION_RUNNING)
		return error_say(err, ESRCH, "process %u does not run yet", r->head.exec);
	return k->backend->ops->signal(k->backend, s, (int)sig.signal, sig.all != 0, err);
}

static int do_freeze(struct keeper *k, bool freeze, struct error *err)
{
	if (k->first->state != SESSION_RUNNING)
		return error_say(err, ESRCH, "the instance does not run");
	int r = k->backend->ops->freeze(k->backend, freeze, err);
	if (r == 0)
		k->paused = freeze;
	return r;
}

static int do_update(struct keeper *k, struct request *r, struct error *err)
{
	struct loaded_plan file = LOADED_PLAN_NONE;
	if (r->fd_count != 1)
		return error_say(err, EBADMSG, "the request brings no plan");
	int res = loaded_plan_read(r->fds[0], &file, err);
	if (res == 0)
		res = k->backend->ops->update(k->backend, file.plan, err);
	loaded_plan_done(&file);
	return res;
}

static int do_status(struct keeper *k, struct connection *from)
{
	const struct session *first = k->first;
	struct keeper_state state = {
		.running = first->state == SESSION_RUNNING,
		.pid = first->state == SESSION_RUNNING ? first->pid : 0,
		.paused = k->paused,
		.started_ns = first->started_ns,
	};
	for (const struct session *s = k->sessions; s; s = s->next)
		state.exec_count += s != first && s->state == SESSION_RUNNING;
	connection_send(from, KEEPER_STATE, 0, 0, &state, sizeof(state));
	return 0;
}

static int do_hello(struct keeper *k, struct connection *from)
{
	struct keeper_present present = {};
	for (const struct session *s = k->sessions; s; s = s->next) {
		if (s != k->first && s->state < SESSION_FAILED &&
		    present.exec_count < KEEPER_EXECS_MAX)
			present.execs[present.exec_count++] = s->exec;
		for (const struct client *c = s->clients; c; c = c->next) {
			if (present.client_count < KEEPER_CLIENTS_MAX)
				present.clients[present.client_count++] = c->attach.client;
		}
	}
	connection_send(from, KEEPER_PRESENT, 0, 0, &present, sizeof(present));
	(void)do_status(k, from);
	if (k->ended)
		connection_send(from, KEEPER_EXITED, 0, 0, &k->exit, sizeof(k->exit));
	if (k->cleared)
		connection_send(from, KEEPER_CLEARED, 0, 0, NULL, 0);
	return 0;
}

int request_carry_out(struct keeper *k, struct request *r, struct connection *from,
		      struct error *err)
{
	switch (r->head.type) {
	case KEEPER_ATTACH:
		return do_attach(k, r, err);
	case KEEPER_EXEC:
		return do_exec(k, r, err);
	case KEEPER_RESIZE:
		return do_resize(k, r, err);
	case KEEPER_SIGNAL:
		return do_signal(k, r, err);
	case KEEPER_PAUSE:
		return do_freeze(k, true, err);
	case KEEPER_RESUME:
		return do_freeze(k, false, err);
	case KEEPER_UPDATE:
		return do_update(k, r, err);
	case KEEPER_STATUS:
		return do_status(k, from);
	case KEEPER_HELLO:
		return do_hello(k, from);
	case KEEPER_ACK_EXIT:
		k->acknowledged = k->ended;
		return 0;
	default:
		return error_say(err, EOPNOTSUPP, "the keeper knows no request %u", r->head.type);
	}
}
