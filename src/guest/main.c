/* SPDX-License-Identifier: Apache-2.0 */
/* berth-guest: process 1 of a virtual machine that Berth started for an OCI image. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/boot.h"
#include "guest/guest.h"
#include "sys/signals.h"

#define POLLS_MAX (2 + GUEST_SESSIONS_MAX * SESSION_POLLS)
/* Output is not read while this much waits to be sent. */
#define QUEUE_MAX (512u * 1024)

/* Says on the console why the machine ends, and ends it: the kernel's panic would only hide it. */
static _Noreturn void give_up(const struct error *err)
{
	char line[ERROR_TEXT + 32];
	int n = snprintf(line, sizeof(line), "berth-guest: %s\n", err->text);
	int fd = open("/dev/console", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && n > 0)
		(void)write_full(fd, line, (size_t)n);
	(void)reboot(RB_AUTOBOOT);
	_exit(1);
}

/*
 * The host takes a guest that does not answer for dead: so the workload's hunger for processors must
 * not keep this process from one. What it starts is not favoured.
 */
static int come_first(struct error *err)
{
	const struct sched_param least = { .sched_priority = 1 };
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &least) < 0)
		return error_set(err, errno, "come before the workload");
	return 0;
}

static int say_ready(struct guest *g, struct error *err)
{
	struct guest_ready m = { .version = GUEST_PROTOCOL_VERSION };
	struct utsname name;
	if (uname(&name) < 0)
		return error_set(err, errno, "ask for the kernel's release");
	(void)snprintf(m.release, sizeof(m.release), "%s", name.release);
	auto_strbuf out = STRBUF_INIT(256);
	guest_ready_encode(&m, &out);
	int rc = channel_send(&g->channel, GUEST_READY, 0, out.data, out.len);
	return rc < 0 ? error_set(err, rc, "say READY") : 0;
}

static int watch_children(struct error *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_set(err, errno, "block SIGCHLD");
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_set(err, errno, "watch for children") : fd;
}

static int take_messages(struct guest *g, struct error *err)
{
	int rc = channel_receive(&g->channel);
	if (rc == -ENODATA)
		return 0; /* the host closed its end; the machine is about to be ended */
	if (rc < 0)
		return error_set(err, rc, "read from the host");
	struct frame frame;
	while ((rc = channel_next(&g->channel, &frame, err)) > 0) {
		rc = guest_handle(g, &frame, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int serve_sessions(struct guest *g, struct error *err)
{
	for (struct session *s = g->sessions, *next; s; s = next) {
		next = s->next;
		int rc = 0;
		if (s->state == SESSION_STARTING)
			rc = guest_check_start(g, s);
		else if (channel_queued(&g->channel) < QUEUE_MAX)
			rc = session_move(s, &g->channel);
		if (rc < 0)
			return error_set(err, rc, "serve a session");
	}
	return 0;
}

static int turn(struct guest *g, int children_fd, struct error *err)
{
	static struct pollfd polls[POLLS_MAX];
	size_t count = 0;
	bool queued = channel_queued(&g->channel) > 0;
	polls[count++] = (struct pollfd){ .fd = g->channel.fd,
					  .events = (short)(POLLIN | (queued ? POLLOUT : 0)) };
	polls[count++] = (struct pollfd){ .fd = children_fd, .events = POLLIN };
	bool may_send = channel_queued(&g->channel) < QUEUE_MAX;
	for (struct session *s = g->sessions; s; s = s->next)
		count += session_poll(s, may_send, polls + count);

	if (poll(polls, count, -1) < 0 && errno != EINTR)
		return error_set(err, errno, "wait");
	if (polls[1].revents) {
		struct signalfd_siginfo info;
		while (read(children_fd, &info, sizeof(info)) > 0)
			continue;
		guest_reap(g);
	}
	int rc = take_messages(g, err);
	if (rc == 0)
		rc = serve_sessions(g, err);
	if (rc == 0 && (rc = guest_tell_exits(g)) < 0)
		error_set(err, rc, "tell an exit");
	if (rc == 0 && (rc = channel_flush(&g->channel)) < 0)
		return error_set(err, rc, "write to the host");
	return rc < 0 ? rc : 0;
}

static _Noreturn void power_off(struct guest *g)
{
	root_sync(&g->root);
	if (channel_send(&g->channel, GUEST_BYE, 0, NULL, 0) == 0) {
		(void)fd_set_nonblock(g->channel.fd, false);
		(void)channel_flush(&g->channel);
	}
	(void)reboot(RB_POWER_OFF);
	_exit(0);
}

int main(void)
{
	static struct guest guest;
	struct error err = { 0 };
	struct boot_disks disks;

	int rc = signals_ignore(SIGPIPE, &err);
	if (rc == 0)
		rc = boot_prepare(&err);
	int port = rc < 0 ? rc : boot_open_port(&err);
	if (port < 0 || boot_find_disks(&disks, &err) < 0 || boot_switch_root(&err) < 0 ||
	    boot_loopback(&err) < 0 || come_first(&err) < 0)
		give_up(&err);
	int children_fd = watch_children(&err);
	if (children_fd < 0)
		give_up(&err);

	guest_init(&guest, port, &disks);
	if (say_ready(&guest, &err) < 0 || channel_flush(&guest.channel) < 0)
		give_up(&err);
	while (!guest.power_off)
		if (turn(&guest, children_fd, &err) < 0)
			give_up(&err);
	power_off(&guest);
}
