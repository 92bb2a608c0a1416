/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "container/test-world.h"
#include "instance/keeper-protocol.h"
#include "sys/cgroup.h"
#include "sys/process-fd.h"

/*
 * Plays the engine: spawns the real keeper program with a real container, and speaks to it.
 */

#define OUTPUT_MAX 262144
#define WAIT_MS 10000

struct engine {
	struct world world;
	int run_dir;
	int control;
	int pidfd; /* of the keeper */
	pid_t keeper;
	int listen;
	int keeper_control; /* the keeper's end until it is spawned */
	uint32_t serial;
};

union payload {
	struct error error;
	struct keeper_started started;
	struct keeper_failed failed;
	struct keeper_exit exit;
	struct keeper_attach_done done;
	struct keeper_state state;
	struct keeper_present present;
};

/* The program lies in bin/ beside the test itself. */
static const char *keeper_program(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	assert_true(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, "bin/berth-keeper");
	return path;
}

static void engine_init(struct engine *e, const char *script)
{
	int pair[2];
	struct error err;
	*e = (struct engine){ .pidfd = -1, .listen = -1 };
	world_init(&e->world, script);
	assert_int_equal(mkdirat(e->world.dir, "run", 0700), 0);
	e->run_dir = openat(e->world.dir, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/run/" KEEPER_SOCKET_NAME,
		       test_dir_path(e->world.dir));
	e->listen = unix_listen(path, SOCK_SEQPACKET, 0600, &err);
	assert_true(e->listen >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	e->control = pair[0];
	e->keeper_control = pair[1];
	e->world.plan->streams.log = PLAN_LOG_FILE;
}

static void engine_done(struct engine *e)
{
	if (e->pidfd >= 0 && !pidfd_ended(e->pidfd))
		(void)pidfd_signal(e->pidfd, SIGKILL);
	close_p(&e->control);
	close_p(&e->listen);
	close_p(&e->run_dir);
	close_p(&e->keeper_control);
	if (e->pidfd >= 0) {
		int code, sig;
		assert_int_equal(pidfd_wait_end(e->pidfd, WAIT_MS), 0);
		assert_int_equal(pidfd_reap(e->pidfd, &code, &sig), 0);
		close_p(&e->pidfd);
	}
	world_done(&e->world);
}
#define auto_engine auto_(engine_done) struct engine

static int plan_memory(const struct plan *p)
{
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	struct error err = { 0 };
	if (plan_encode(p, &bytes, &err) < 0)
		fail_msg("%s", err.text);
	int fd = fd_memory("plan", bytes.data, bytes.len);
	assert_true(fd >= 0);
	return fd;
}

static void engine_spawn(struct engine *e)
{
	auto_close int plan_fd = plan_memory(e->world.plan);
	auto_close int log_dir = openat(e->world.dir, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process_fd fds[] = {
		{ 2, 2 },
		{ plan_fd, KEEPER_FD_PLAN },
		{ e->keeper_control, KEEPER_FD_CONTROL },
		{ e->listen, KEEPER_FD_LISTEN },
		{ e->run_dir, KEEPER_FD_RUN },
		{ log_dir, KEEPER_FD_LOG },
		{ e->world.fds[0], KEEPER_FD_FIRST },
		{ e->world.fds[1], KEEPER_FD_FIRST + 1 },
		{ e->world.fds[2], KEEPER_FD_FIRST + 2 },
		{ e->world.fds[0], KEEPER_FD_FIRST + 3 },
	};
	char name[] = "berth-keeper", id[] = "test";
	char *argv[] = { name, id, NULL };
	struct error err = { 0 };
	if (process_spawn(keeper_program(), argv, NULL, fds, ARRAY_SIZE(fds), &e->keeper, &err) < 0)
		fail_msg("%s", err.text);
	e->pidfd = pidfd_for(e->keeper);
	assert_true(e->pidfd >= 0);
	close_p(&e->keeper_control);
}

static void send_request(struct engine *e, uint32_t type, uint32_t exec, const void *payload,
			 size_t len, const int *fds, size_t fd_count)
{
	unsigned char packet[sizeof(struct keeper_header) + 4096];
	struct keeper_header head = { type, ++e->serial, exec, (uint32_t)len };
	memcpy(packet, &head, sizeof(head));
	if (len)
		memcpy(packet + sizeof(head), payload, len);
	assert_int_equal(fd_send(e->control, packet, sizeof(head) + len, fds, fd_count),
			 (ssize_t)(sizeof(head) + len));
}

/* Waits for a message of a type about a process; others are passed over. False at the end. */
static bool await_message(struct engine *e, uint32_t type, uint32_t exec, union payload *ret)
{
	for (;;) {
		unsigned char packet[sizeof(struct keeper_header) + sizeof(union payload)];
		struct pollfd p = { .fd = e->control, .events = POLLIN };
		size_t count = 0;
		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("the keeper does not say %u", type);
		ssize_t n = fd_recv(e->control, packet, sizeof(packet), NULL, 0, &count);
		if (n <= 0)
			return false;
		struct keeper_header head;
		memcpy(&head, packet, sizeof(head));
		assert_int_equal((size_t)n, sizeof(head) + head.length);
		if (type == KEEPER_STARTED && head.type == KEEPER_FAILED && head.exec == exec)
			return false;
		if (head.type != type || head.exec != exec)
			continue;
		memset(ret, 0, sizeof(*ret));
		memcpy(ret, packet + sizeof(head), head.length);
		return true;
	}
}

/* Shows why a start failed. */
static void expect_started(struct engine *e, uint32_t exec, union payload *ret)
{
	if (await_message(e, KEEPER_STARTED, exec, ret))
		return;
	struct error err;
	struct keeper_exit record;
	auto_strbuf text = STRBUF_INIT(4096);
	if (read_file_at(e->run_dir, KEEPER_EXIT_NAME, 4096, &text, &err) == 0 &&
	    text.len == sizeof(record)) {
		memcpy(&record, text.data, sizeof(record));
		fail_msg("%s", record.error.text);
	}
	fail_msg("the keeper has gone");
}

/* Sends a request and expects it to be done. */
static void ask(struct engine *e, uint32_t type, uint32_t exec, const void *payload, size_t len)
{
	union payload answer;
	send_request(e, type, exec, payload, len, NULL, 0);
	assert_true(await_message(e, KEEPER_REPLY, exec, &answer));
	if (answer.error.code)
		fail_msg("%s", answer.error.text);
}

/* Attaches a new client; the test's end of its socket. */
static int attach(struct engine *e, uint32_t exec, uint32_t flags, const char *sent)
{
	int pair[2];
	unsigned char payload[sizeof(struct keeper_attach) + 64] = { 0 };
	struct keeper_attach a = { .client = 7, .flags = flags };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	memcpy(payload, &a, sizeof(a));
	memcpy(payload + sizeof(a), sent, strlen(sent));
	send_request(e, KEEPER_ATTACH, exec, payload, sizeof(a) + strlen(sent), &pair[1], 1);
	(void)close(pair[1]);
	return pair[0];
}

/* Starts one more process with a client; the test's end of its socket. */
static int start_exec(struct engine *e, uint32_t exec, struct plan *plan, uint32_t flags)
{
	int pair[2];
	struct keeper_attach a = { .client = 9, .flags = flags };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	auto_close int plan_fd = plan_memory(plan);
	int fds[] = { plan_fd, pair[1] };
	send_request(e, KEEPER_EXEC, exec, &a, sizeof(a), fds, 2);
	(void)close(pair[1]);
	plan_free(plan);
	return pair[0];
}

#define BOTH (KEEPER_ATTACH_STDOUT | KEEPER_ATTACH_STDERR)

static void read_all(int fd, struct strbuf *ret)
{
	struct error err;
	assert_int_equal(read_file_fd(fd, "client", OUTPUT_MAX, ret, &err), 0);
}

/* Reads until a text has come. */
static void read_until(int fd, struct strbuf *ret, const char *text)
{
	while (!strstr(strbuf_text(ret), text)) {
		char data[512];
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("no '%s' after '%s'", text, strbuf_text(ret));
		ssize_t n = read(fd, data, sizeof(data));
		if (n <= 0)
			fail_msg("no '%s' at the end of '%s'", text, strbuf_text(ret));
		strbuf_add(ret, data, (size_t)n);
	}
}

/* Waits for the exit of the first process, acknowledges it, and sees the keeper end. */
static void finish(struct engine *e, struct keeper_exit *ret)
{
	union payload p;
	assert_true(await_message(e, KEEPER_EXITED, 0, &p));
	*ret = p.exit;
	send_request(e, KEEPER_ACK_EXIT, 0, NULL, 0, NULL, 0);
	assert_int_equal(pidfd_wait_end(e->pidfd, WAIT_MS), 0);
	assert_false(world_cgroup_left(e->world.cgroup));
}

static void the_log_the_exit_record_and_the_events_tell_the_same(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told, written;
	struct error err;
	auto_strbuf log = STRBUF_INIT(4096), record = STRBUF_INIT(4096);
	engine_init(&e, "echo out; echo err >&2; printf part; exit 3");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	assert_true(p.started.pid > 0);
	assert_true(p.started.phase_ns[KEEPER_PHASE_EXECUTED] >
		    p.started.phase_ns[KEEPER_PHASE_SPAWNED]);
	finish(&e, &told);
	assert_int_equal(told.exit_code, 3);

	assert_int_equal(read_file_at(e.run_dir, KEEPER_EXIT_NAME, 4096, &record, &err), 0);
	assert_int_equal(record.len, sizeof(written));
	memcpy(&written, record.data, sizeof(written));
	assert_memory_equal(&written, &told, sizeof(told));

	assert_int_equal(read_file_at(e.run_dir, "log", 4096, &log, &err), 0);
	assert_non_null(strstr(log.data, "Z stdout F out\n"));
	assert_non_null(strstr(log.data, "Z stderr F err\n"));
	assert_non_null(strstr(log.data, "Z stdout P part\n"));
}

static void a_client_attached_before_the_start_sees_every_byte_and_the_end(void **state)
{
	(void)state;
	auto_engine e;
	struct keeper_exit told;
	auto_strbuf out = STRBUF_INIT(OUTPUT_MAX);
	engine_init(&e, "cat; echo bye >&2");
	e.world.plan->streams.stdin_open = e.world.plan->streams.stdin_once = true;
	auto_close int client =
		attach(&e, 0, BOTH | KEEPER_ATTACH_STDIN | KEEPER_ATTACH_MULTIPLEX, "early ");
	engine_spawn(&e);
	assert_int_equal(write(client, "late\n", 5), 5);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	read_all(client, &out);
	/* Each piece has its header; cat may have read once or twice. */
	assert_non_null(memmem(out.data, out.len, "early ", 6));
	assert_non_null(memmem(out.data, out.len, "late\n", 5));
	assert_non_null(memmem(out.data, out.len, "\2\0\0\0\0\0\0\4bye\n", 12));
	assert_int_equal(out.data[0], 1);
	finish(&e, &told);
	assert_int_equal(told.exit_code, 0);
}

static void a_program_that_is_not_there_is_127_and_one_that_cannot_run_126(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int code;
	} cases[] = {
		{ "nosuch", 127 }, { "/no/such", 127 }, { "/etc/passwd", 126 }, { "/etc", 126 }
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_engine e;
		union payload p;
		engine_init(&e, "");
		world_args(e.world.plan, cases[i].name, NULL, NULL);
		engine_spawn(&e);
		assert_true(await_message(&e, KEEPER_FAILED, 0, &p));
		assert_int_equal(p.failed.exit_code, cases[i].code);
		assert_non_null(strstr(p.failed.error.text, cases[i].name));
		send_request(&e, KEEPER_ACK_EXIT, 0, NULL, 0, NULL, 0);
		assert_int_equal(pidfd_wait_end(e.pidfd, WAIT_MS), 0);
		assert_int_equal(faccessat(e.run_dir, KEEPER_EXIT_NAME, F_OK, 0), 0);
		assert_false(world_cgroup_left(e.world.cgroup));
	}
}

static void an_exec_has_its_own_streams_and_status(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	auto_strbuf out = STRBUF_INIT(OUTPUT_MAX);
	engine_init(&e, "sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	/* Process 1 is a shell that becomes the sleep in its own time. */
	struct plan *plan = world_exec_plan("cat; id -u; hostname; while read name </proc/1/comm; "
					    "[ $name != sleep ]; do :; done; echo $name; exit 5");
	plan->streams.stdin_open = true;
	plan->user.user = "user";
	auto_close int client = start_exec(&e, 1, plan, BOTH | KEEPER_ATTACH_STDIN);
	expect_started(&e, 1, &p);
	assert_int_equal(write(client, "hi\n", 3), 3);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	read_all(client, &out);
	assert_string_equal(strbuf_text(&out), "hi\n1000\nbox\nsleep\n");
	assert_true(await_message(&e, KEEPER_EXITED, 1, &p));
	assert_int_equal(p.exit.exit_code, 5);

	plan = world_exec_plan("");
	world_args(plan, "nosuch", NULL, NULL);
	auto_close int none = start_exec(&e, 2, plan, BOTH);
	assert_true(await_message(&e, KEEPER_FAILED, 2, &p));
	assert_int_equal(p.failed.exit_code, 127);

	struct keeper_signal kill = { .signal = SIGKILL };
	ask(&e, KEEPER_SIGNAL, 0, &kill, sizeof(kill));
	finish(&e, &told);
	assert_int_equal(told.exit_code, 137);
	assert_int_equal(told.signal, SIGKILL);
}

static void a_terminal_has_its_size_and_lets_go_of_a_client(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	auto_strbuf out = STRBUF_INIT(OUTPUT_MAX);
	engine_init(&e, "trap 'stty size; exit 4' WINCH; tty; stty size; echo ready; "
			"while :; do sleep 1; done");
	e.world.plan->streams.terminal = true;
	e.world.plan->streams.stdin_open = true;
	e.world.plan->streams.rows = 24;
	e.world.plan->streams.cols = 80;
	auto_close int client = attach(&e, 0, BOTH | KEEPER_ATTACH_STDIN, "");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	read_until(client, &out, "ready\r\n");
	assert_string_equal(strbuf_text(&out), "/dev/pts/0\r\n24 80\r\nready\r\n");
	assert_int_equal(write(client, "\x10\x11", 2), 2);
	assert_true(await_message(&e, KEEPER_ATTACH_DONE, 0, &p));
	assert_int_equal(p.done.client, 7);
	assert_int_equal(p.done.end, KEEPER_ATTACH_END_DETACHED);

	auto_close int again = attach(&e, 0, BOTH, "");
	struct keeper_resize size = { 30, 100 };
	ask(&e, KEEPER_RESIZE, 0, &size, sizeof(size));
	strbuf_clear(&out);
	read_until(again, &out, "30 100\r\n");
	finish(&e, &told);
	assert_int_equal(told.exit_code, 4);
}

static void a_killed_keeper_takes_its_container_along(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	engine_init(&e, "sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	auto_close int program = pidfd_for(p.started.pid);
	assert_true(program >= 0);
	assert_int_equal(pidfd_signal(e.pidfd, SIGKILL), 0);
	assert_int_equal(pidfd_wait_end(program, WAIT_MS), 0);

	/* What it could not remove, the next engine does. */
	auto_cgroup_layout layout = CGROUP_LAYOUT_NONE;
	auto_cgroup *cg = NULL;
	struct error err;
	assert_int_equal(cgroup_layout_probe(CGROUP_ROOT, &layout, &err), 0);
	assert_int_equal(cgroup_open(&layout, e.world.cgroup, &cg, &err), 0);
	assert_int_equal(cgroup_kill(cg, WAIT_MS, &err), 0);
	assert_int_equal(cgroup_remove(cg, &err), 0);
}

/* Another engine takes the place of the one that was. */
static void connect_again(struct engine *e)
{
	char path[PATH_MAX];
	struct error err;
	(void)snprintf(path, sizeof(path), "%s/run/" KEEPER_SOCKET_NAME,
		       test_dir_path(e->world.dir));
	close_p(&e->control);
	e->control = unix_connect(path, SOCK_SEQPACKET, &err);
	assert_true(e->control >= 0);
}

static void an_end_that_nobody_acknowledged_is_told_to_the_next_engine(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	engine_init(&e, "sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	struct keeper_signal kill = { .signal = SIGKILL, .all = 1 };
	ask(&e, KEEPER_SIGNAL, 0, &kill, sizeof(kill));
	assert_true(await_message(&e, KEEPER_EXITED, 0, &p));
	/* A keeper whose instance is over stays for as long as an engine is connected. */
	auto_close int first = take_fd(e.control);
	connect_again(&e);
	send_request(&e, KEEPER_HELLO, 0, NULL, 0, NULL, 0);
	assert_true(await_message(&e, KEEPER_STATE, 0, &p));
	assert_int_equal(p.state.running, 0);
	close_p(&first);
	finish(&e, &told);
	assert_int_equal(told.signal, SIGKILL);
}

static void a_keeper_outlives_its_engine_and_answers_the_next(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	engine_init(&e, "sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	int pid = p.started.pid;
	auto_close int client = start_exec(&e, 5, world_exec_plan("sleep 100"), BOTH);
	expect_started(&e, 5, &p);
	connect_again(&e);
	send_request(&e, KEEPER_HELLO, 0, NULL, 0, NULL, 0);
	assert_true(await_message(&e, KEEPER_PRESENT, 0, &p));
	assert_int_equal(p.present.exec_count, 1);
	assert_int_equal(p.present.execs[0], 5);
	assert_int_equal(p.present.client_count, 1);
	assert_int_equal(p.present.clients[0], 9);
	assert_true(await_message(&e, KEEPER_STATE, 0, &p));
	assert_int_equal(p.state.pid, pid);
	assert_int_equal(p.state.running, 1);

	/* Told to end, it asks the program; sh as process 1 has no handler, so SIGKILL follows. */
	e.world.plan->stop_timeout_ms = 0;
	assert_int_equal(pidfd_signal(e.pidfd, SIGTERM), 0);
	struct keeper_signal kill = { .signal = SIGKILL, .all = 1 };
	ask(&e, KEEPER_SIGNAL, 0, &kill, sizeof(kill));
	finish(&e, &told);
	assert_int_equal(told.signal, SIGKILL);
}

static void a_client_that_does_not_read_stops_the_program_and_costs_no_memory(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	auto_strbuf out = STRBUF_INIT(8u << 20);
	engine_init(&e, "head -c 4000000 /dev/zero; echo done >&2");
	e.world.plan->streams.log = PLAN_LOG_NONE;
	auto_close int client = attach(&e, 0, BOTH, "");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	/* The program can not have ended: nobody took its output. */
	send_request(&e, KEEPER_STATUS, 0, NULL, 0, NULL, 0);
	assert_true(await_message(&e, KEEPER_STATE, 0, &p));
	assert_int_equal(p.state.running, 1);
	struct error err;
	assert_int_equal(read_file_fd(client, "client", 8u << 20, &out, &err), 0);
	assert_int_equal(out.len, 4000005);
	finish(&e, &told);
	assert_int_equal(told.exit_code, 0);
}

static void a_paused_instance_stands_still_and_refuses_an_exec(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	engine_init(&e, "sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	ask(&e, KEEPER_PAUSE, 0, NULL, 0);
	auto_close int client = start_exec(&e, 1, world_exec_plan("true"), BOTH);
	assert_true(await_message(&e, KEEPER_REPLY, 1, &p));
	assert_int_equal(p.error.code, -EBUSY);
	ask(&e, KEEPER_RESUME, 0, NULL, 0);
	struct keeper_signal kill = { .signal = SIGKILL };
	ask(&e, KEEPER_SIGNAL, 0, &kill, sizeof(kill));
	finish(&e, &told);
	assert_int_equal(told.exit_code, 137);
}

static void no_answer_is_lost_on_an_engine_that_is_slow_to_read(void **state)
{
	(void)state;
	enum { REQUESTS = 250 }; /* more answers than fit into the socket */
	union payload p;
	auto_engine e;
	engine_init(&e, "/bin/busybox sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	for (int i = 0; i < REQUESTS; i++)
		send_request(&e, KEEPER_STATUS, 0, NULL, 0, NULL, 0);
	for (int i = 0; i < REQUESTS; i++)
		assert_true(await_message(&e, KEEPER_REPLY, 0, &p));
	ask(&e, KEEPER_STATUS, 0, NULL, 0);
}

static void a_wrong_request_is_refused_and_harms_nothing(void **state)
{
	(void)state;
	auto_engine e;
	union payload p;
	struct keeper_exit told;
	engine_init(&e, "sleep 100");
	engine_spawn(&e);
	expect_started(&e, 0, &p);
	static const uint32_t types[] = {
		0, KEEPER_ATTACH, KEEPER_EXEC, KEEPER_RESIZE, KEEPER_SIGNAL, KEEPER_UPDATE, 31, 1000
	};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		send_request(&e, types[i], 0, "x", 1, NULL, 0);
		assert_true(await_message(&e, KEEPER_REPLY, 0, &p));
		assert_true(p.error.code < 0);
	}
	struct keeper_header lie = { KEEPER_SIGNAL, 99, 0, 5000 };
	assert_int_equal(fd_send(e.control, &lie, sizeof(lie), NULL, 0), (ssize_t)sizeof(lie));
	assert_true(await_message(&e, KEEPER_REPLY, 0, &p));
	assert_int_equal(p.error.code, -EBADMSG);
	struct keeper_signal kill = { .signal = SIGKILL };
	ask(&e, KEEPER_SIGNAL, 0, &kill, sizeof(kill));
	finish(&e, &told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_the_exit_record_and_the_events_tell_the_same),
		cmocka_unit_test(a_client_attached_before_the_start_sees_every_byte_and_the_end),
		cmocka_unit_test(a_program_that_is_not_there_is_127_and_one_that_cannot_run_126),
		cmocka_unit_test(an_exec_has_its_own_streams_and_status),
		cmocka_unit_test(a_terminal_has_its_size_and_lets_go_of_a_client),
		cmocka_unit_test(a_killed_keeper_takes_its_container_along),
		cmocka_unit_test(a_keeper_outlives_its_engine_and_answers_the_next),
		cmocka_unit_test(an_end_that_nobody_acknowledged_is_told_to_the_next_engine),
		cmocka_unit_test(a_client_that_does_not_read_stops_the_program_and_costs_no_memory),
		cmocka_unit_test(a_paused_instance_stands_still_and_refuses_an_exec),
		cmocka_unit_test(no_answer_is_lost_on_an_engine_that_is_slow_to_read),
		cmocka_unit_test(a_wrong_request_is_refused_and_harms_nothing),
	};
	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
