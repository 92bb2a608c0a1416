/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm-work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "container/plan/plan.h"
#include "instance/isolation-plan.h"
#include "instance/isolation-vm.h"
#include "instance/manager-internal.h"
#include "sys/mounts.h"
#include "sys/process-fd.h"

#define HEAD_TIMEOUT_NS (30 * NSEC_PER_SEC)
#define MACHINE_TIMEOUT_NS (120 * NSEC_PER_SEC)
/* How long nothing may come or be taken, and how long all of it may take while @verbs are held. */
#define IDLE_TIMEOUT_NS (60 * NSEC_PER_SEC)
#define WHOLE_TIMEOUT_NS (600 * NSEC_PER_SEC)
#define KEEPER_END_MS 15000
#define TOLD_NS (5 * NSEC_PER_SEC)
#define PIECE_MAX 65536u
#define STDOUT_STREAM 1

struct vm_work {
	struct keeper *k;           /* of the running instance; NULL: a machine of its own */
	struct keeper_exec process; /* in it */
	int control_fd;             /* of the machine's own keeper */
	int pidfd;
	int fd;           /* the client's end: frames come, input goes */
	struct strbuf in; /* records, as far as they have come */
	size_t data_left; /* bytes of the data record that comes */
	uint8_t piece[PIECE_MAX];
	int64_t deadline_ns; /* CLOCK_MONOTONIC: of the whole */
	bool ended;          /* the guest has said END, or its HEAD was a failure */
};

bool vm_work_is_exclusive(const struct vm_work *w)
{
	return !w->k;
}

/* ---- The end --------------------------------------------------------------------------------- */

/* The keeper of a machine that was started for the work; it has nothing to do any more. */
static void end_machine(struct vm_work *w)
{
	int code;
	int signal_number;

	close_p(&w->control_fd);
	if (w->pidfd < 0)
		return;
	if (!w->ended)
		(void)pidfd_signal(w->pidfd, SIGTERM);
	if (pidfd_wait_end(w->pidfd, KEEPER_END_MS) < 0) {
		(void)pidfd_signal(w->pidfd, SIGKILL);
		(void)pidfd_wait_end(w->pidfd, -1);
	}
	(void)pidfd_reap(w->pidfd, &code, &signal_number);
	close_p(&w->pidfd);
}

void vm_work_free(struct vm_work *w)
{
	if (!w)
		return;
	if (w->k && !w->ended && w->process.number)
		(void)!keeper_signal(w->k, w->process.number, SIGKILL, NULL);
	close_p(&w->fd);
	if (w->k)
		keeper_unwatch_exec(w->k, &w->process);
	else
		end_machine(w);
	keeper_unref(w->k);
	strbuf_done(&w->in);
	free(w);
}

/* ---- The start ------------------------------------------------------------------------------- */

static void fill_attach(struct keeper_attach *ret, uint32_t client)
{
	*ret = (struct keeper_attach){
		.client = client,
		.flags = KEEPER_ATTACH_STDIN | KEEPER_ATTACH_STDOUT | KEEPER_ATTACH_MULTIPLEX |
			 KEEPER_ATTACH_NO_DETACH,
	};
}

static int make_client(struct vm_work *w, int *ret_theirs, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	w->fd = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

static int ask_keeper(struct vm_work *w, int plan_fd, struct error *err)
{
	auto_close int theirs = -1;
	struct keeper_attach attach;

	int r = make_client(w, &theirs, err);
	if (r < 0)
		return r;
	w->process.number = keeper_next_exec(w->k);
	keeper_watch_exec(w->k, &w->process);
	fill_attach(&attach, keeper_next_client(w->k));
	const int fds[] = { plan_fd, theirs };
	return keeper_request(w->k, KEEPER_EXEC, w->process.number, &attach, sizeof(attach), NULL,
			      0, fds, ARRAY_SIZE(fds), err);
}

/* The client is given before the keeper starts, so it sees every byte. */
static int send_client(int control_fd, int client_fd, struct error *err)
{
	struct {
		struct keeper_header header;
		struct keeper_attach attach;
	} packet = {
		.header = { .type = KEEPER_ATTACH, .serial = 1, .length = sizeof(packet.attach) },
	};

	fill_attach(&packet.attach, 1);
	ssize_t n = fd_send(control_fd, &packet, sizeof(packet), &client_fd, 1);
	return n < 0 ? error_set(err, (int)n, "tell the keeper of its client") : 0;
}

/*
 * A keeper that nobody else will ever look for: its run folder is a file system without a name, and what
 * should listen never hears anything.
 */
static int spawn_keeper(struct manager *m, struct record *r, const struct launch *launch,
			int control_fd, int *ret_pidfd, struct error *err)
{
	static const char *const options[] = { "mode=700", "size=64k" };
	auto_close int run = mount_new("tmpfs", options, ARRAY_SIZE(options), 0, err);
	auto_close int silence = eventfd(0, EFD_CLOEXEC);
	char *const argv[] = { (char *)"berth-keeper", r->id, (char *)KEEPER_ARG_VM, NULL };
	pid_t pid;

	if (run < 0 || silence < 0)
		return run < 0 ? run : error_set(err, errno, "make a descriptor");
	const int places[] = { launch->plan_fd, control_fd, silence, run, run };
	int result = launch_spawn(m, launch, argv, places, &pid, err);
	if (result < 0)
		return result;
	*ret_pidfd = pidfd_for(pid);
	return *ret_pidfd < 0 ? error_set(err, *ret_pidfd, "open the keeper's process") : 0;
}

static int start_machine(struct manager *m, struct record *r, struct vm_work *w, int plan_fd,
			 struct error *err)
{
	auto_launch launch = LAUNCH_INIT;
	auto_close int theirs = -1;
	int ends[2];

	int result = make_client(w, &theirs, err);
	if (result == 0)
		result = vm_launch_for_work(m, r, &launch, err);
	if (result < 0)
		return result;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make the connection to the keeper");
	w->control_fd = ends[0];
	auto_close int keepers = ends[1];
	launch.plan_fd = fcntl(plan_fd, F_DUPFD_CLOEXEC, 0);
	result = send_client(w->control_fd, theirs, err);
	return result < 0 ? result : spawn_keeper(m, r, &launch, keepers, &w->pidfd, err);
}

/* ---- What the guest says --------------------------------------------------------------------- */

/* Waits until the client's end can be read or written. */
static int await(struct vm_work *w, short events, int64_t limit_ns, struct error *err)
{
	int64_t now = clock_monotonic();
	int64_t until = now + limit_ns < w->deadline_ns ? now + limit_ns : w->deadline_ns;
	struct pollfd p = { .fd = w->fd, .events = events };

	int n = until > now ? poll(&p, 1, (int)((until - now) / NSEC_PER_MSEC) + 1) : 0;
	if (n < 0 && errno != EINTR)
		return error_set(err, errno, "wait for the guest");
	if (n == 0)
		return error_say(err, ETIMEDOUT, "the guest does not answer in time");
	return 0;
}

static int read_exactly(struct vm_work *w, void *to, size_t len, int64_t limit_ns,
			struct error *err)
{
	for (size_t at = 0; at < len;) {
		int r = await(w, POLLIN, limit_ns, err);
		if (r < 0)
			return r;
		ssize_t n = recv(w->fd, (char *)to + at, len - at, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0 || (n == 0 && at > 0))
			return error_set(err, n < 0 ? errno : EPIPE, "read from the keeper");
		if (n == 0)
			return 0;
		at += (size_t)n;
	}
	return 1;
}

/* The next frame of standard output, its bytes in @w->piece: 1; 0 at the end. */
static int next_piece(struct vm_work *w, size_t *ret_len, int64_t limit_ns, struct error *err)
{
	struct {
		uint8_t stream;
		uint8_t zero[3];
		uint32_t length; /* big-endian */
	} header;

	int r = read_exactly(w, &header, sizeof(header), limit_ns, err);
	if (r <= 0)
		return r;
	size_t len = ntohl(header.length);
	if (len > PIECE_MAX || header.stream != STDOUT_STREAM)
		return error_say(err, EBADMSG, "the keeper sent a wrong frame");
	r = len ? read_exactly(w, w->piece, len, IDLE_TIMEOUT_NS, err) : 1;
	if (r == 0)
		return error_say(err, EPIPE, "the keeper's answer is cut short");
	*ret_len = len;
	return r;
}

static bool exec_is_over(const struct keeper *k, const void *arg)
{
	const struct keeper_exec *process = arg;

	(void)k;
	return process->start == KEEPER_START_FAILED || process->exited;
}

/* The keeper's last words of a machine that was started for the work. */
static void read_last_words(struct vm_work *w, struct error *ret)
{
	struct {
		struct keeper_header header;
		union {
			struct keeper_failed failed;
			struct keeper_exit exit;
		};
	} packet = {};
	struct pollfd p = { .fd = w->control_fd, .events = POLLIN };

	while (!ret->code && poll(&p, 1, (int)(TOLD_NS / NSEC_PER_MSEC)) > 0) {
		ssize_t n = recv(w->control_fd, &packet, sizeof(packet), MSG_DONTWAIT);
		if (n <= 0)
			return;
		size_t len = (size_t)n - sizeof(packet.header);
		if (packet.header.type == KEEPER_FAILED && len == sizeof(packet.failed))
			*ret = packet.failed.error;
		else if (packet.header.type == KEEPER_EXITED && len == sizeof(packet.exit))
			*ret = packet.exit.error;
	}
}

/* Why the work ended without a word of its own. */
static int explain(struct vm_work *w, struct error *err)
{
	struct error why = {};

	if (w->k) {
		struct keeper_exec process;
		(void)keeper_await(w->k, exec_is_over, &w->process, false,
				   clock_monotonic() + TOLD_NS);
		keeper_exec_get(w->k, &w->process, &process);
		why = process.start == KEEPER_START_FAILED ? process.failed.error
							   : process.exit.error;
	} else {
		read_last_words(w, &why);
	}
	why.text[sizeof(why.text) - 1] = '\0';
	return why.code ? error_say(err, EIO, "%s", why.text)
			: error_say(err, ECONNRESET, "the machine ended meanwhile");
}

/* One more piece of what the guest says. */
static int fill(struct vm_work *w, int64_t limit_ns, struct error *err)
{
	size_t len = 0;
	int r = next_piece(w, &len, limit_ns, err);

	if (r <= 0)
		return r < 0 ? r : explain(w, err);
	strbuf_add(&w->in, w->piece, len);
	return 0;
}

/* Hands on what has come of a data record. */
static int pass_on(struct vm_work *w, tar_sink_fn sink, void *context, struct error *err)
{
	size_t len = w->in.len < w->data_left ? w->in.len : w->data_left;

	if (!sink)
		return error_say(err, EBADMSG, "the guest sends what was not asked for");
	int r = len ? sink(context, w->in.data, len, err) : 0;
	strbuf_consume(&w->in, len);
	w->data_left -= len;
	return r;
}

/* Reads until the next answer has come. */
static int next_answer(struct vm_work *w, tar_sink_fn sink, void *context, int64_t limit_ns,
		       struct guest_answer *ret, struct error *err)
{
	for (;;) {
		int r = w->data_left ? GUEST_RECORD_DATA
				     : guest_record_take(&w->in, ret, &w->data_left, err);
		if (r < 0 || r == GUEST_RECORD_ANSWER)
			return r < 0 ? r : 0;
		if (r == GUEST_RECORD_DATA && w->in.len > 0)
			r = pass_on(w, sink, context, err);
		else
			r = fill(w, limit_ns, err);
		if (r != 0)
			return r;
	}
}

/* As a result: the guest's error is this call's. */
static int result_of(struct vm_work *w, const struct guest_answer *a, struct error *err)
{
	w->ended = w->ended || a->part == GUEST_ANSWER_END || a->error.code != 0;
	return a->error.code ? error_say(err, -a->error.code, "%s", a->error.text) : 0;
}

static int await_head(struct vm_work *w, struct guest_answer *ret, struct error *err)
{
	auto_free struct guest_answer *head = xnew(struct guest_answer);

	int r = next_answer(w, NULL, NULL, w->k ? HEAD_TIMEOUT_NS : MACHINE_TIMEOUT_NS, head, err);
	if (r == 0 && head->part != GUEST_ANSWER_HEAD)
		r = error_say(err, EBADMSG, "the guest ended what it had not begun");
	if (r == 0)
		r = result_of(w, head, err);
	if (r == 0 && ret)
		*ret = *head;
	return r;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int make_plan(const struct record *r, const struct guest_work *work,
		     const struct plan *limits, int *ret_fd, struct error *err)
{
	auto_plan *plan = plan_new();

	plan->id = plan_text(plan, r->id);
	guest_work_to_plan(work, plan);
	if (limits)
		plan->cgroup = limits->cgroup;
	return isolation_seal_plan(plan, ret_fd, err);
}

int vm_work_begin(struct manager *m, struct record *r, const struct guest_work *work,
		  const struct plan *limits, struct guest_answer *head, struct vm_work **ret,
		  struct error *err)
{
	auto_close int plan_fd = -1;

	if (r->state == STATE_PAUSED)
		return error_say(err, EBUSY,
				 "the machine of container %s is paused: only its guest knows "
				 "its files and processes; unpause it first",
				 r->name);
	int result = make_plan(r, work, limits, &plan_fd, err);
	if (result < 0)
		return result;
	auto_vm_work *w = xnew(struct vm_work);
	w->control_fd = w->pidfd = w->fd = -1;
	w->deadline_ns = clock_monotonic() + WHOLE_TIMEOUT_NS;
	strbuf_init(&w->in, GUEST_ANSWER_MAX + GUEST_RECORD_HEADER + PIECE_MAX);
	w->k = record_keeper(m, r);
	result = w->k ? ask_keeper(w, plan_fd, err) : start_machine(m, r, w, plan_fd, err);
	if (result == 0)
		result = await_head(w, head, err);
	if (result == 0)
		*ret = take_ptr(w);
	return result;
}

static int await_end(struct vm_work *w, tar_sink_fn sink, void *context, struct error *err)
{
	auto_free struct guest_answer *end = xnew(struct guest_answer);

	int r = next_answer(w, sink, context, IDLE_TIMEOUT_NS, end, err);
	if (r == 0 && end->part != GUEST_ANSWER_END)
		r = error_say(err, EBADMSG, "the guest began twice");
	return r < 0 ? r : result_of(w, end, err);
}

int vm_work_read(struct vm_work *w, tar_sink_fn sink, void *context, struct error *err)
{
	return await_end(w, sink, context, err);
}

int vm_work_write(struct vm_work *w, const void *data, size_t len, struct error *err)
{
	const char *at = data;

	while (len > 0) {
		int r = await(w, POLLOUT, IDLE_TIMEOUT_NS, err);
		if (r < 0)
			return r;
		ssize_t n = send(w->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0) { /* the guest says why */
			r = await_end(w, NULL, NULL, err);
			return r < 0 ? r : error_say(err, EPIPE, "the guest takes no more");
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int vm_work_finish(struct vm_work *w, struct error *err)
{
	(void)shutdown(w->fd, SHUT_WR);
	return await_end(w, NULL, NULL, err);
}
