/* SPDX-License-Identifier: Apache-2.0 */
#include "api/frames.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"

void frame_header(enum frame_stream stream, size_t len, uint8_t ret[FRAME_HEADER])
{
	ret[0] = (uint8_t)stream;
	memset(ret + 1, 0, 3);
	for (int i = 0; i < 4; i++)
		ret[4 + i] = (uint8_t)(len >> (8 * (3 - i)));
}

int socket_send(int socket, const void *data, size_t len)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = send(socket, from, len, MSG_NOSIGNAL);
		struct pollfd p = { .fd = socket, .events = POLLOUT };

		if (n >= 0) {
			from += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int ready = poll(&p, 1, SOCKET_SEND_TIMEOUT_MS);
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

int frame_send_control(int socket, struct json_object *take)
{
	auto_json *o = take;
	auto_free char *text = json_text(o);
	size_t len = strlen(text);
	auto_free uint8_t *frame = xmalloc(FRAME_HEADER + len);

	frame_header(FRAME_CONTROL, len, frame);
	memcpy(frame + FRAME_HEADER, text, len);
	return socket_send(socket, frame, FRAME_HEADER + len);
}
