/* SPDX-License-Identifier: Apache-2.0 */
#include "api/frames.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"

void frame_header(enum frame_stream stream, size_t len, uint8_t ret[FRAME_HEADER])
{
	ret[0] = (uint8_t)stream;
	memset(ret + 1, 0, 3);
	for (int i = 0; i < 4; i++)
		ret[4 + i] = (uint8_t)(len >> (8 * (3 - i)));
}

int frame_send_control(int socket, struct json_object *take)
{
	auto_json *o = take;
	auto_free char *text = json_text(o);
	size_t len = strlen(text);
	auto_free uint8_t *frame = xmalloc(FRAME_HEADER + len);

	frame_header(FRAME_CONTROL, len, frame);
	memcpy(frame + FRAME_HEADER, text, len);
	return socket_send(socket, frame, FRAME_HEADER + len, FRAME_TIMEOUT_MS);
}
