/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "container/plan/plan.h"
#include "fuzz.h"
#include "keeper/backend.h"
#include "keeper/keeper.h"
#include "keeper/session.h"
#include "keeper/vm-spare.h"
#include "vm/guest-protocol.h"
#include "vm/wire.h"

/*
 * What a guest says, in any order, to the keeper of its machine. The input is a list of
 *
 *	type, session, length, payload...
 *
 * whose headers are made right here, so that each reaches the state machine; guest-channel-fuzz has
 * the headers. A type of the host's side is an act of the host: an exec, a signal, a window's size.
 */

#define TURNS_MAX 64
#define EXECS_MAX 4u

struct world {
	struct keeper keeper;
	int guest; /* the guest's end of the channel */
	uint32_t sequence;
};

static char run_path[] = "/tmp/berth-fuzz-XXXXXX";

static void remove_run_dir(void)
{
	struct error ignored;
	(void)!path_remove_tree_at(AT_FDCWD, run_path, &ignored);
}

/* Where the exit is written down, once for the whole run. */
static int run_dir(void)
{
	static int fd = -1;
	if (fd < 0) {
		FUZZ_CHECK(mkdtemp(run_path) != NULL);
		fd = open(run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(remove_run_dir);
	}
	return fd;
}

static void turn(struct world *w)
{
	struct error err;
	char host_words[65536];
	for (int i = 0; i < TURNS_MAX; i++) {
		FUZZ_CHECK(loop_turn(w->keeper.loop, 0, &err) == 0);
		keeper_settle(&w->keeper);
		if (recv(w->guest, host_words, sizeof(host_words), MSG_DONTWAIT) < 0 && i > 0)
			return;
	}
}

static struct session *new_session(struct world *w, uint32_t exec, bool terminal)
{
	struct session *s = session_new(&w->keeper, exec);
	s->terminal = terminal;
	s->stdin_open = true;
	s->next = w->keeper.sessions;
	w->keeper.sessions = s;
	return s;
}

static void open_world(struct world *w, const struct plan *plan, bool terminal)
{
	int ends[2];
	struct error err;
	struct vm_spare *spare = xnew(struct vm_spare);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	*w = (struct world){ .keeper = { .run_fd = run_dir(), .deadline.fd = -1 },
			     .guest = ends[1] };
	spare->process = (struct vm_process)VM_PROCESS_NONE;
	spare->process.channel_fd = ends[0];
	spare->process.pidfd = eventfd(0, EFD_CLOEXEC);
	spare->process.qmp_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	spare->process.console_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	spare->process.qmp = qmp_new(spare->process.qmp_fd, NULL, NULL);
	machine_init(&spare->machine);
	/* Nothing waits for the guest to write its disk back. */
	spare->machine.is_volatile = true;
	channel_init(&spare->channel, ends[0], 8u << 20);

	w->keeper.loop = loop_new(&err);
	w->keeper.backend = vm_spare_backend(&w->keeper, spare);
	w->keeper.first = new_session(w, 0, terminal);
	FUZZ_CHECK(w->keeper.backend->ops->start(w->keeper.backend, plan, NULL, w->keeper.first,
						 &err) == 0);
}

static void close_world(struct world *w)
{
	while (w->keeper.sessions) {
		struct session *s = w->keeper.sessions;
		w->keeper.sessions = s->next;
		w->keeper.backend->ops->forget(w->keeper.backend, s);
		session_free(s);
	}
	w->keeper.backend->ops->free(w->keeper.backend);
	loop_free(w->keeper.loop);
	close_p(&w->guest);
}

static void say(struct world *w, uint16_t type, uint32_t session, const void *payload, size_t len)
{
	auto_strbuf out = STRBUF_INIT(CHANNEL_HEADER + CHANNEL_PAYLOAD_MAX);
	wire_put_u32(&out, (uint32_t)len);
	wire_put_u16(&out, type);
	wire_put_u16(&out, 0);
	wire_put_u32(&out, session);
	wire_put_u32(&out, w->sequence++);
	strbuf_add(&out, payload, len);
	(void)send(w->guest, out.data, out.len, MSG_NOSIGNAL);
}

static void host_acts(struct world *w, uint16_t type, uint32_t session, const struct plan *plan)
{
	const struct backend_ops *ops = w->keeper.backend->ops;
	struct backend *b = w->keeper.backend;
	struct session *s = keeper_session(&w->keeper, session);
	struct error err = { 0 };
	if (w->keeper.ended)
		return;
	if (type == GUEST_EXEC && !s && session <= EXECS_MAX) {
		s = new_session(w, session, session % 2 == 1);
		/* The program's order: the first process's session is the last of the list. */
		if (ops->exec(b, plan, s, &err) < 0)
			session_failed(s, 126, &err);
	} else if (type == GUEST_SIGNAL && s) {
		(void)ops->signal(b, s, SIGKILL, false, &err);
	} else if (type == GUEST_RESIZE && s && s->terminal && s->state == SESSION_RUNNING) {
		(void)ops->resize(b, s, 24, 80, &err);
	} else if (type == GUEST_INPUT && s) {
		(void)session_write_input(s, "input", 5);
	}
}

static struct plan *make_plan(void)
{
	struct plan *plan = plan_new();
	*plan_add(plan, &plan->argv) = plan_text(plan, "true");
	return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader r;
	struct world w;
	static struct plan *plan;
	if (!plan)
		plan = make_plan();
	wire_reader_init(&r, data, size);
	open_world(&w, plan, wire_get_u8(&r) % 2 == 1);
	while (!r.bad && r.left > 0) {
		uint8_t type = wire_get_u8(&r), session = wire_get_u8(&r);
		size_t len = wire_get_u16(&r);
		len = len < r.left ? len : r.left;
		const uint8_t *payload = r.at;
		r.at += len;
		r.left -= len;
		if (type < GUEST_READY)
			host_acts(&w, type, session, plan);
		else
			say(&w, type, session, payload, len);
		turn(&w);
	}
	close_world(&w);
	return 0;
}
