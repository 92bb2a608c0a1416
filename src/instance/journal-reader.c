/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/journal-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/strv.h"

#define JOURNALCTL "/usr/bin/journalctl"
#define SYNC_MS 5000

/* One run of journalctl. */
struct run {
	pid_t pid; /* 0: none */
	int output;
};

static void run_end(struct run *run)
{
	if (run->pid > 0) {
		(void)kill(run->pid, SIGKILL);
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	close_p(&run->output);
}

static void add_instant(struct strv *argv, const char *option, int64_t ns)
{
	if (ns)
		strv_addf(argv, "--%s=@%lld.%06lld", option, ns / NSEC_PER_SEC,
			  ns % NSEC_PER_SEC / 1000);
}

/* @cursor: begin behind it; NULL: as the query says. */
static int run_begin(struct run *run, const char *id, const struct log_query *query, bool follow,
		     const char *cursor, struct error *err)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
					     NULL };
	auto_strv argv = {};
	int ends[2];

	strv_add(&argv, JOURNALCTL);
	strv_add(&argv, "--quiet");
	strv_add(&argv, "--no-pager");
	strv_add(&argv, "--all");
	strv_add(&argv, "--output=export");
	if (follow)
		strv_add(&argv, "--follow");
	if (cursor)
		strv_addf(&argv, "--after-cursor=%s", cursor);
	else
		add_instant(&argv, "since", query->since_ns);
	add_instant(&argv, "until", query->until_ns);
	if (!cursor && query->tail >= 0)
		strv_addf(&argv, "--lines=%" PRId64, query->tail);
	else if (follow)
		strv_add(&argv, "--no-tail");
	strv_addf(&argv, "_UID=%u", geteuid());
	strv_addf(&argv, "CONTAINER_ID_FULL=%s", id);

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "read the journal");
	auto_close int writer = ends[1];
	const struct process_fd fds[] = { { writer, 1 } };
	run->output = ends[0];
	int r = process_spawn(JOURNALCTL, argv.items, environment, fds, ARRAY_SIZE(fds), &run->pid,
			      err);
	if (r == -ENOENT)
		return error_say(err, EOPNOTSUPP,
				 "the log is in the journal, and this host has no " JOURNALCTL
				 " to read it");
	return r;
}

enum { READ_MORE = 1, READ_END = 0 };

/* Waits for output, or for what ends the walk: READ_MORE, READ_END or a negative errno. */
static int await_output(const struct run *run, const struct log_query *query, int ended_fd,
			struct error *err)
{
	/* one that does not follow comes to an end by itself */
	int timeout_ms = ended_fd < 0 ? -1 : log_query_timeout(query);
	struct pollfd fds[] = {
		{ .fd = run->output, .events = POLLIN },
		{ .fd = ended_fd, .events = POLLIN },
		{ .fd = query->cancel_fd, .events = POLLIN | POLLRDHUP },
	};
	int n;

	do
		n = poll(fds, ARRAY_SIZE(fds), timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, errno, "wait for the journal");
	if (fds[2].revents)
		return READ_END;
	return fds[0].revents ? READ_MORE : READ_END;
}

/* Reads to the run's end, or until @ended_fd (negative: never) or the client end it. */
static int read_run(const struct run *run, struct journal_parser *parser,
		    const struct log_query *query, int ended_fd, struct error *err)
{
	int result;

	while ((result = await_output(run, query, ended_fd, err)) == READ_MORE) {
		char data[16384];
		ssize_t n = read(run->output, data, sizeof(data));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read the journal");
		if (n == 0)
			return 0;
		result = journal_parser_feed(parser, data, (size_t)n, err);
		if (result != 0)
			return result;
	}
	return result;
}

static bool is_cancelled(const struct log_query *query)
{
	struct pollfd p = { .fd = query->cancel_fd, .events = POLLIN | POLLRDHUP };

	return query->cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* journald writes behind its clients' backs: asks it to come to an end with what it has. */
static void flush_journal(void)
{
	static char program[] = JOURNALCTL, option[] = "--sync";
	char *argv[] = { program, option, NULL };
	struct error err;

	(void)!process_run(argv, SYNC_MS, NULL, &err);
}

static int walk(const char *id, const struct log_query *query, bool follow, const char *cursor,
		struct journal_parser *parser, int ended_fd, struct error *err)
{
	auto_(run_end) struct run run = { .output = -1 };
	int r = run_begin(&run, id, query, follow, cursor, err);

	return r < 0 ? r : read_run(&run, parser, query, ended_fd, err);
}

int journal_read(const char *id, const struct log_query *query, int ended_fd, log_visit visit,
		 void *arg, struct error *err)
{
	auto_(journal_parser_freep) struct journal_parser *parser =
		journal_parser_new(query, visit, arg);
	int r = 0;

	if (query->follow && ended_fd >= 0) {
		r = walk(id, query, true, NULL, parser, ended_fd, err);
		if (r != 0 || is_cancelled(query))
			return r;
	}
	/* its end was told before journald had written the last of it */
	flush_journal();
	return walk(id, query, false, journal_parser_cursor(parser), parser, -1, err);
}
