/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/frames.h"

#include <string.h>

#include "base/strbuf.h"
#include "base/test.h"

static void add_frame(struct strbuf *out, int stream, const char *text)
{
	size_t len = strlen(text);
	const char head[] = {
		(char)stream,     0,        0, 0, (char)(len >> 24), (char)(len >> 16),
		(char)(len >> 8), (char)len
	};

	strbuf_add(out, head, sizeof(head));
	strbuf_adds(out, text);
}

/* Reads @in in pieces of @step bytes and writes "1:text;" for each frame. */
static void read_by(const struct strbuf *in, size_t step, struct strbuf *out,
		    struct frame_reader *f)
{
	bool open = false;

	for (size_t at = 0; at < in->len; at += step) {
		const char *data = in->data + at;
		size_t len = in->len - at < step ? in->len - at : step;
		struct frame_piece piece;
		size_t used;
		while (frame_next(f, data, len, &used, &piece)) {
			if (!open)
				strbuf_addf(out, "%d:", piece.stream);
			strbuf_add(out, piece.data, piece.len);
			open = !piece.last;
			if (piece.last)
				strbuf_addc(out, ';');
			data += used;
			len -= used;
		}
	}
}

static void frames_come_out_the_same_however_they_are_cut(void **state)
{
	auto_strbuf in = STRBUF_INIT(65536);

	(void)state;
	add_frame(&in, FRAME_OUTPUT, "hello");
	add_frame(&in, FRAME_ERRORS, "");
	add_frame(&in, FRAME_ERRORS, "oh");
	add_frame(&in, FRAME_CONTROL, "{}");
	for (size_t step = 1; step <= in.len; step++) {
		auto_strbuf out = STRBUF_INIT(65536);
		struct frame_reader f = {};
		read_by(&in, step, &out, &f);
		assert_string_equal(strbuf_text(&out), "1:hello;2:oh;3:{};");
		assert_true(frame_at_start(&f));
	}
}

static void a_frame_that_is_cut_off_is_noticed(void **state)
{
	auto_strbuf in = STRBUF_INIT(65536);
	auto_strbuf out = STRBUF_INIT(65536);
	struct frame_reader f = {};

	(void)state;
	add_frame(&in, FRAME_OUTPUT, "hello");
	in.len -= 2;
	read_by(&in, in.len, &out, &f);
	assert_string_equal(strbuf_text(&out), "1:hel");
	assert_false(frame_at_start(&f));
}

static void the_largest_frame_needs_no_memory(void **state)
{
	const unsigned char head[] = { 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 'x' };
	struct frame_reader f = {};
	struct frame_piece piece;
	size_t used;

	(void)state;
	assert_true(frame_next(&f, (const char *)head, sizeof(head), &used, &piece));
	assert_int_equal(used, sizeof(head));
	assert_int_equal(piece.len, 1);
	assert_false(piece.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_the_same_however_they_are_cut),
		cmocka_unit_test(a_frame_that_is_cut_off_is_noticed),
		cmocka_unit_test(the_largest_frame_needs_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
