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
	auto_strbuf frame = STRBUF_INIT(SIZE_MAX);
	uint8_t header[FRAME_HEADER] = { 0 };

	strbuf_add(&frame, header, sizeof(header));
	json_print(o, &frame);
	frame_header(FRAME_CONTROL, frame.len - FRAME_HEADER, (uint8_t *)frame.data);
	return socket_send(socket, frame.data, frame.len, FRAME_TIMEOUT_MS);
}
