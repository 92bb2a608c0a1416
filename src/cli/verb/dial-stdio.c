/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/context/context.h"
#include "cli/verbs.h"

/* Passes on what one side sent; 0 at its end, which the other side is told. */
static int pass(int from, int to)
{
	char data[65536];
	ssize_t n = read(from, data, sizeof(data));

	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0)
		return 0;
	return write_full(to, data, (size_t)n) < 0 ? 0 : 1;
}

/* Until the engine has closed: a client that has sent all may still wait for answers. */
static void relay(int engine)
{
	bool input = true;

	for (;;) {
		struct pollfd polls[] = {
			{ .fd = engine, .events = POLLIN },
			{ .fd = input ? STDIN_FILENO : -1, .events = POLLIN },
		};
		if (poll(polls, ARRAY_SIZE(polls), -1) < 0 && errno != EINTR)
			return;
		if (polls[1].revents && pass(STDIN_FILENO, engine) == 0) {
			(void)shutdown(engine, SHUT_WR);
			input = false;
		}
		if (polls[0].revents && pass(engine, STDOUT_FILENO) == 0)
			return;
	}
}

static int run(struct call *call)
{
	struct endpoint endpoint = {};
	struct error err = {};
	const char *host;

	int r = context_endpoint(call->globals, &endpoint, &err);
	auto_close int fd = r < 0 ? -1 : engine_connect(&endpoint, &host, &err);
	endpoint_done(&endpoint);
	if (fd < 0)
		return call_fail(call, NULL, &err);
	relay(fd);
	return 0;
}

const struct verb verb_dial_stdio = {
	.names = (const char *const[]){ "system dial-stdio", NULL },
	.help = "Connect standard input and output with the engine, for ssh:// addresses",
	.hidden = true,
	.local = true,
	.run = run,
};
