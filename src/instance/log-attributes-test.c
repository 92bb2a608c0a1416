/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log-attributes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "container/request/log-config.h"
#include "instance/record.h"
#include "oci/image-config.h"

static struct record *make_record(void)
{
	struct record *r = record_new();

	memset(r->id, 'a', INSTANCE_ID_LEN);
	r->name = xstrdup("web");
	r->image_id = xstrdup("sha256:0123456789abcdef");
	r->request.image = xstrdup("debian:trixie");
	strv_add(&r->labels, "com.example.owner=the team");
	strv_add(&r->labels, "message=forged");
	strv_add(&r->labels, "note=two\nlines");
	strv_add(&r->request.env, "STAGE=test");
	return r;
}

static void chosen_labels_and_variables_come_in_order_with_the_tag(void **state)
{
	auto_record *r = make_record();
	struct image_config image = {};
	const struct log_config config = {
		.tag = "{{.Name}}/{{.ID}}/{{.ImageID}}!",
		.labels = "com.example.owner,absent",
		.env = "STAGE,PATH",
	};
	auto_strv told = {};

	(void)state;
	strv_add(&image.settings.env, "PATH=/bin");
	strv_add(&image.settings.env, "STAGE=image");
	log_attributes(r, &config, &image, &told);
	assert_int_equal(told.count, 4);
	assert_string_equal(told.items[0], "PATH=/bin");
	assert_string_equal(told.items[1], "STAGE=test");
	assert_string_equal(told.items[2], "com.example.owner=the team");
	assert_string_equal(told.items[3], "tag=web/aaaaaaaaaaaa/0123456789ab!");
	strv_done(&image.settings.env);
}

static void the_journal_gets_fields_and_no_forged_ones(void **state)
{
	auto_record *r = make_record();
	const struct log_config config = {
		.driver = LOG_DRIVER_JOURNALD,
		.labels = "com.example.owner,message,note",
	};
	auto_strbuf fields = STRBUF_INIT(65536);
	static const char expected[] = "CONTAINER_TAG=aaaaaaaaaaaa\n"
				       "IMAGE_NAME=debian:trixie\n"
				       "SYSLOG_IDENTIFIER=aaaaaaaaaaaa\n"
				       "COM_EXAMPLE_OWNER=the team\n"
				       "NOTE\n"
				       "\x09\0\0\0\0\0\0\0two\nlines\n";
	static const char begin[] = "CONTAINER_ID=aaaaaaaaaaaa\nCONTAINER_ID_FULL=aaaaaaaaaaaaaaaa";

	(void)state;
	log_journal_fields(r, &config, NULL, &fields);
	assert_true(fields.len > sizeof(expected));
	assert_memory_equal(fields.data, begin, sizeof(begin) - 1);
	assert_non_null(strstr(fields.data, "\nCONTAINER_NAME=web\n"));
	assert_memory_equal(fields.data + fields.len - (sizeof(expected) - 1), expected,
			    sizeof(expected) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_labels_and_variables_come_in_order_with_the_tag),
		cmocka_unit_test(the_journal_gets_fields_and_no_forged_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
