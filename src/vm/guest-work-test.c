/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest-work.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strv.h"
#include "base/test.h"
#include "container/plan/plan.h"
#include "vm/wire.h"

static void work_comes_back_out_of_its_plan(void **state)
{
	(void)state;
	const struct guest_work work = {
		.kind = GUEST_WORK_COPY_IN,
		.name = "web",
		.path = "/srv",
		.user = "www",
		.keep_kinds = true,
	};
	auto_plan *plan = plan_new();
	struct guest_work back;
	struct error err;

	guest_work_to_plan(&work, plan);
	assert_true(plan->streams.stdin_open);
	assert_int_equal(guest_work_of_plan(plan, &back, &err), 0);
	assert_int_equal(back.kind, GUEST_WORK_COPY_IN);
	assert_string_equal(back.name, "web");
	assert_string_equal(back.path, "/srv");
	assert_string_equal(back.user, "www");
	assert_true(back.keep_kinds);
	assert_false(back.freeze);
}

static void a_plan_of_a_program_is_no_work(void **state)
{
	(void)state;
	auto_plan *plan = plan_new();
	struct guest_work back;
	struct error err;

	*plan_add(plan, &plan->argv) = "stat";
	assert_int_equal(guest_work_of_plan(plan, &back, &err), -EBADMSG);
	plan->own_work = true;
	assert_int_equal(guest_work_of_plan(plan, &back, &err), -EBADMSG);
	while (plan->argv.count < 6)
		*plan_add(plan, &plan->argv) = "";
	assert_int_equal(guest_work_of_plan(plan, &back, &err), 0);
	plan->argv.items[0] = "format-the-disk";
	assert_int_equal(guest_work_of_plan(plan, &back, &err), -EBADMSG);
}

static void an_answer_is_taken_once_it_is_whole(void **state)
{
	(void)state;
	static struct guest_answer a = {
		.part = GUEST_ANSWER_HEAD,
		.size = 7,
		.mode = S_IFLNK | 0777,
		.mtime_ns = 5,
		.link = "/etc",
	};
	static struct guest_answer back;
	auto_strbuf whole = STRBUF_INIT(65536);
	auto_strbuf in = STRBUF_INIT(65536);
	struct error err;
	size_t len;

	guest_answer_encode(&a, &whole);
	for (size_t i = 0; i < whole.len; i++) {
		assert_int_equal(guest_record_take(&in, &back, &len, &err), GUEST_RECORD_NONE);
		strbuf_addc(&in, whole.data[i]);
	}
	assert_int_equal(guest_record_take(&in, &back, &len, &err), GUEST_RECORD_ANSWER);
	assert_int_equal(back.mode, a.mode);
	assert_int_equal(back.size, 7);
	assert_string_equal(back.link, "/etc");
	assert_int_equal(in.len, 0);
}

static void an_errors_text_can_not_steer_a_terminal(void **state)
{
	(void)state;
	static struct guest_answer a = {
		.part = GUEST_ANSWER_END,
		.error = { .code = -ENOENT, .text = "no\033[31m file\n" },
	};
	static struct guest_answer back;
	auto_strbuf in = STRBUF_INIT(65536);
	struct error err;
	size_t len;

	guest_answer_encode(&a, &in);
	assert_int_equal(guest_record_take(&in, &back, &len, &err), GUEST_RECORD_ANSWER);
	assert_int_equal(back.error.code, -ENOENT);
	assert_string_equal(back.error.text, "no?[31m file?");
}

static void expect_bad_answer(const struct guest_answer *a)
{
	static struct guest_answer back;
	auto_strbuf in = STRBUF_INIT(65536);
	struct error err;
	size_t len;

	guest_answer_encode(a, &in);
	assert_int_equal(guest_record_take(&in, &back, &len, &err), -EBADMSG);
}

static void answers_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static struct guest_answer back;
	auto_strbuf in = STRBUF_INIT(65536);
	struct error err;
	size_t len;

	expect_bad_answer(&(struct guest_answer){ .part = GUEST_ANSWER_PARTS });
	expect_bad_answer(&(struct guest_answer){ .mode = 0777 });
	expect_bad_answer(&(struct guest_answer){ .size = UINT64_MAX });
	expect_bad_answer(&(struct guest_answer){ .error = { .code = -100000 } });
	wire_put_u8(&in, GUEST_RECORD_ANSWER);
	wire_put_u32(&in, GUEST_ANSWER_MAX + 1);
	assert_int_equal(guest_record_take(&in, &back, &len, &err), -EBADMSG);
}

static void data_is_told_by_its_length(void **state)
{
	(void)state;
	static struct guest_answer back;
	auto_strbuf in = STRBUF_INIT(65536);
	uint8_t header[GUEST_RECORD_HEADER];
	struct error err;
	size_t len = 0;

	guest_data_header(GUEST_DATA_MAX, header);
	strbuf_add(&in, header, sizeof(header));
	strbuf_adds(&in, "data");
	assert_int_equal(guest_record_take(&in, &back, &len, &err), GUEST_RECORD_DATA);
	assert_int_equal(len, GUEST_DATA_MAX);
	assert_int_equal(in.len, 4);
	guest_data_header(GUEST_DATA_MAX + 1, header);
	auto_strbuf endless = STRBUF_INIT(65536);
	strbuf_add(&endless, header, sizeof(header));
	assert_int_equal(guest_record_take(&endless, &back, &len, &err), -EBADMSG);
}

static void changes_come_back_as_they_were_told(void **state)
{
	(void)state;
	auto_strbuf in = STRBUF_INIT(65536);
	char path[GUEST_PATH_MAX];
	uint8_t kind = 9;
	struct error err;

	guest_change_encode("/etc/passwd", 0, &in);
	guest_change_encode("/new..", 1, &in);
	strbuf_adds(&in, "2/half");
	assert_int_equal(guest_change_take(&in, path, &kind, &err), 1);
	assert_string_equal(path, "/etc/passwd");
	assert_int_equal(kind, 0);
	assert_int_equal(guest_change_take(&in, path, &kind, &err), 1);
	assert_string_equal(path, "/new..");
	assert_int_equal(guest_change_take(&in, path, &kind, &err), 0);
}

static void changes_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"3/x", "0x", "0", "0/../x", "0/a/./b", "0/a//b", "0/"
	};
	char path[GUEST_PATH_MAX];
	uint8_t kind;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		auto_strbuf in = STRBUF_INIT(65536);
		strbuf_add(&in, wrong[i], strlen(wrong[i]) + 1);
		assert_int_equal(guest_change_take(&in, path, &kind, &err), -EBADMSG);
	}
	auto_strbuf endless = STRBUF_INIT(65536);
	strbuf_adds(&endless, "0/");
	while (endless.len <= GUEST_PATH_MAX)
		strbuf_addc(&endless, 'x');
	assert_int_equal(guest_change_take(&endless, path, &kind, &err), -EBADMSG);
}

static void rows_keep_their_cells_and_lose_control_characters(void **state)
{
	(void)state;
	auto_strv cells = {};
	auto_strv back = {};
	auto_strbuf in = STRBUF_INIT(65536);
	struct error err;

	strv_add(&cells, "1");
	strv_add(&cells, "");
	strv_add(&cells, "sh\033c");
	guest_row_encode(&cells, &in);
	assert_int_equal(guest_row_take(&in, &back, &err), 1);
	assert_int_equal(back.count, 3);
	assert_string_equal(back.items[1], "");
	assert_string_equal(back.items[2], "sh?c");
	assert_int_equal(guest_row_take(&in, &back, &err), 0);
}

static void a_row_with_more_cells_than_bytes_is_refused(void **state)
{
	(void)state;
	auto_strv back = {};
	auto_strbuf in = STRBUF_INIT(65536);
	struct error err;

	wire_put_u32(&in, 4);
	wire_put_u32(&in, UINT32_MAX);
	assert_int_equal(guest_row_take(&in, &back, &err), -EBADMSG);
}

static void usage_keeps_what_is_counted_inside(void **state)
{
	(void)state;
	static struct cgroup_usage usage = { .memory_bytes = 5, .processes = 3, .cpu_ns = 9 };
	static struct cgroup_usage back = { .cpu_ns = 77 };
	auto_strbuf in = STRBUF_INIT(GUEST_USAGE_BYTES);
	struct error err;

	guest_usage_encode(&usage, &in);
	assert_int_equal(guest_usage_decode(in.data, in.len, &back, &err), 0);
	assert_int_equal(back.memory_bytes, 5);
	assert_int_equal(back.processes, 3);
	assert_int_equal(back.cpu_ns, 77);
	assert_int_equal(guest_usage_decode(in.data, in.len - 1, &back, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_comes_back_out_of_its_plan),
		cmocka_unit_test(a_plan_of_a_program_is_no_work),
		cmocka_unit_test(an_answer_is_taken_once_it_is_whole),
		cmocka_unit_test(an_errors_text_can_not_steer_a_terminal),
		cmocka_unit_test(answers_that_make_no_sense_are_refused),
		cmocka_unit_test(data_is_told_by_its_length),
		cmocka_unit_test(changes_come_back_as_they_were_told),
		cmocka_unit_test(changes_that_are_none_are_refused),
		cmocka_unit_test(rows_keep_their_cells_and_lose_control_characters),
		cmocka_unit_test(a_row_with_more_cells_than_bytes_is_refused),
		cmocka_unit_test(usage_keeps_what_is_counted_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
