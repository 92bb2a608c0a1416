/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/client/frames.h"
#include "cli/client/http.h"
#include "fuzz.h"

/*
 * What an engine may answer to the command line: the head, a body of any framing, and behind an
 * upgrade the frames of a stream.
 */

/* Less than a socket's buffer holds, so that one thread can be both sides. */
#define INPUT_MAX 65536

static void read_frames(const char *data, size_t len)
{
	struct frame_reader frames = {};
	struct frame_piece piece;
	size_t used;

	while (frame_next(&frames, data, len, &used, &piece)) {
		FUZZ_CHECK(used <= len && piece.len <= len && piece.len > 0);
		data += used;
		len -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_request request = { .method = "GET", .target = "/", .timeout_ms = 1000 };
	struct http_response response;
	struct error err;
	char value[64];
	bool stale;
	int ends[2];

	if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return 0;
	auto_close int server = ends[1];
	auto_http *http = http_new(ends[0], "fuzz");
	(void)!write_full(server, data, size);
	(void)shutdown(server, SHUT_WR);
	if (http_send(http, &request, &response, &stale, &err) < 0)
		return 0;
	(void)http_header(&response, "Content-Type", value, sizeof(value));
	auto_strbuf body = STRBUF_INIT(INPUT_MAX);
	if (response.upgraded) {
		auto_close int fd = http_take_socket(http, &body);
		read_frames(strbuf_text(&body), body.len);
	} else {
		(void)!http_read_all(http, &body, &err);
	}
	return 0;
}
