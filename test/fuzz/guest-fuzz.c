/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "container/plan/plan.h"
#include "fuzz.h"
#include "guest/identity.h"
#include "guest/practice.h"
#include "guest/work.h"
#include "sys/signals.h"
#include "vm/guest-protocol.h"
#include "vm/wire.h"

/*
 * What a host says, in any order, to a guest: the other side of vm-backend-fuzz, and the same form of
 * input. What the guest would do to its kernel is played here (the container, the disks, the clock),
 * so that its own state machine is all that runs. The types that only a guest sends stand for what
 * happens inside: a process that fails to start, prints or ends. An empty PLAN stands for a whole one.
 */

#define MESSAGES_MAX 512
#define PRINTED "printed"

/* ---- What is played ----------------------------------------------------------------------------- */

struct container {
	int unused;
};

static struct {
	bool start_fails;
	int outputs[GUEST_SESSIONS_MAX]; /* a process's end of its output, by its number */
	int next_pid;
} played;

int identity_assume(const struct guest_identity *identity, struct error *err)
{
	(void)err;
	FUZZ_CHECK(strlen(identity->hostname) < sizeof(identity->hostname));
	return 0;
}

void identity_follow_clock(int64_t realtime_ns)
{
	FUZZ_CHECK(realtime_ns >= 0);
}

int root_mount(const struct boot_disks *disks, const struct guest_root *root,
	       struct root_disks *ret, struct error *err)
{
	(void)disks;
	if (root->layer_count == 0)
		return error_say(err, EIO, "no layer");
	FUZZ_CHECK(root->layer_count <= GUEST_LAYERS_MAX);
	for (ret->count = 0; ret->count <= root->layer_count; ret->count++)
		ret->fds[ret->count] = -1;
	return 0;
}

void practise(const struct plan *plan, const struct root_disks *disks)
{
	FUZZ_CHECK(plan->fd_count <= disks->count);
}

static int play_process(const struct container_streams *streams, struct container_process *process,
			struct error *err)
{
	*process = (struct container_process)CONTAINER_PROCESS_NONE;
	if (played.start_fails) {
		process->exit_code = 127;
		return error_say(err, ENOENT, "no such program");
	}
	unsigned number = (unsigned)played.next_pid++ % GUEST_SESSIONS_MAX;
	close_p(&played.outputs[number]);
	played.outputs[number] =
		streams->fds[1] >= 0 ? fcntl(streams->fds[1], F_DUPFD_CLOEXEC, 3) : -1;
	/* Nothing that waitid(2) would find. */
	process->pid = (1 << 30) + (int)number;
	process->status_fd = eventfd(1, EFD_CLOEXEC);
	return 0;
}

int container_start(const struct plan *plan, const int *fds,
		    const struct container_streams *streams, struct container_process *process,
		    struct container **ret, struct error *err)
{
	static struct container container;
	(void)plan;
	(void)fds;
	int rc = play_process(streams, process, err);
	if (rc == 0)
		*ret = &container;
	return rc;
}

int container_exec(struct container *c, const struct plan *plan,
		   const struct container_streams *streams, struct container_process *process,
		   struct error *err)
{
	(void)plan;
	FUZZ_CHECK(c);
	return play_process(streams, process, err);
}

int work_start(struct session *s, struct session *all, const struct plan *plan,
	       const struct root_disks *disks, struct container *container, struct error *err)
{
	struct container_streams streams;
	(void)disks;
	(void)container;
	FUZZ_CHECK(all);
	int rc = session_open_streams(s, plan->streams.stdin_open, &streams, err);
	if (rc == 0)
		rc = play_process(&streams, &s->process, err);
	session_close_streams(&streams);
	return rc;
}

int container_process_check(struct container_process *p, struct error *err)
{
	if (!played.start_fails)
		return 0;
	p->exit_code = 126;
	return error_say(err, EACCES, "not executable");
}

void container_process_done(struct container_process *p)
{
	close_p(&p->status_fd);
	p->status_fd = -1;
}

int container_signal_all(struct container *c, int signal, struct error *err)
{
	(void)err;
	FUZZ_CHECK(c && signal >= 0 && signal <= 64);
	return 0;
}

int container_end(struct container *c, struct error *err)
{
	(void)err;
	FUZZ_CHECK(c);
	return 0;
}

uint64_t container_oom_kills(struct container *c)
{
	FUZZ_CHECK(c);
	return 0;
}

/* ---- The run ------------------------------------------------------------------------------------ */

static struct session *find(struct guest *g, uint32_t id)
{
	struct session *s = g->sessions;
	while (s && s->id != id)
		s = s->next;
	return s;
}

/* A plan that is right, whatever form plans have by now; plan-fuzz has the wrong ones. */
static const struct strbuf *whole_plan(void)
{
	static struct strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	struct error err;
	if (bytes.len > 0)
		return &bytes;
	auto_plan *plan = plan_new();
	*plan_add(plan, &plan->argv) = plan_text(plan, "true");
	plan->streams.stdin_open = true;
	FUZZ_CHECK(plan_encode(plan, &bytes, &err) == 0);
	return &bytes;
}

/* Something happens inside. */
static void happen(struct guest *g, uint8_t type, uint32_t id)
{
	struct session *s = find(g, id);
	int *output = s && s->process.pid > 0 ? &played.outputs[s->process.pid - (1 << 30)] : NULL;
	switch (type) {
	case GUEST_FAILED:
		played.start_fails = !played.start_fails;
		return;
	case GUEST_OUTPUT:
		if (output && *output >= 0)
			(void)!write(*output, PRINTED, sizeof(PRINTED));
		return;
	case GUEST_EXITED:
		if (!s || s->state != SESSION_RUNNING)
			return;
		s->state = SESSION_EXITED;
		if (output)
			close_p(output);
		if (output)
			*output = -1;
		return;
	default:
		return;
	}
}

static int serve(struct guest *g)
{
	for (struct session *s = g->sessions, *next; s; s = next) {
		next = s->next;
		int rc = s->state == SESSION_STARTING ? guest_check_start(g, s)
						      : session_move(s, &g->channel);
		if (rc < 0)
			return rc;
	}
	int rc = guest_tell_exits(g);
	return rc < 0 ? rc : channel_flush(&g->channel);
}

static void run(struct guest *g, int host, struct wire_reader *r)
{
	char words[65536];
	struct error err;
	for (int i = 0; i < MESSAGES_MAX && !r->bad && r->left > 0 && !g->power_off; i++) {
		struct frame f = { .type = wire_get_u8(r), .session = wire_get_u8(r) };
		f.len = wire_get_u16(r);
		f.len = f.len < r->left ? f.len : r->left;
		f.data = r->at;
		r->at += f.len;
		r->left -= f.len;
		if (f.type == GUEST_PLAN && f.len == 0) {
			f.data = whole_plan()->data;
			f.len = whole_plan()->len;
		}
		if (f.type >= GUEST_READY && f.type < GUEST_CREDIT)
			happen(g, (uint8_t)f.type, f.session);
		else if (guest_handle(g, &f, &err) < 0)
			return; /* the machine ends */
		if (serve(g) < 0)
			return;
		while (recv(host, words, sizeof(words), MSG_DONTWAIT) > 0)
			continue;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct boot_disks disks;
	static struct guest guest;
	struct wire_reader r;
	struct error err;
	int ends[2];
	FUZZ_CHECK(signals_ignore(SIGPIPE, &err) == 0);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	played.start_fails = false;
	played.next_pid = 0;
	for (size_t i = 0; i < ARRAY_SIZE(played.outputs); i++)
		played.outputs[i] = -1;
	guest_init(&guest, ends[0], &disks);
	wire_reader_init(&r, data, size);
	run(&guest, ends[1], &r);
	while (guest.sessions) {
		struct session *s = guest.sessions;
		guest.sessions = s->next;
		session_free(s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(played.outputs); i++)
		close_p(&played.outputs[i]);
	channel_done(&guest.channel);
	close_p(&ends[0]);
	close_p(&ends[1]);
	return 0;
}
