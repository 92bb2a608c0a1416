/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/test.h"
#include "instance/journal-reader.h"

static const char export[] = "__CURSOR=s=1;i=1\n"
			     "__REALTIME_TIMESTAMP=1700000000000001\n"
			     "PRIORITY=6\n"
			     "MESSAGE=one\n"
			     "\n"
			     "__CURSOR=s=1;i=2\n"
			     "__REALTIME_TIMESTAMP=1700000000000002\n"
			     "MESSAGE\n"
			     "\x03\0\0\0\0\0\0\0"
			     "t\no\n"
			     "PRIORITY=3\n"
			     "CONTAINER_PARTIAL_MESSAGE=true\n"
			     "SYSLOG_TIMESTAMP=2023-11-14T22:13:20.000000009Z\n"
			     "\n"
			     "__CURSOR=s=1;i=3\n"
			     "PRIORITY=6\n"
			     "\n";

static const struct log_query both = { .std_out = true, .std_err = true, .tail = -1 };

static int collect(const struct log_entry *entry, void *arg)
{
	strbuf_addf(arg, "%d%c%lld:%.*s|", entry->stream, entry->partial ? 'P' : 'F',
		    (long long)entry->time_ns, (int)entry->len, entry->data);
	return 0;
}

static void entries_are_read_however_they_are_cut(void **state)
{
	struct error err;

	(void)state;
	for (size_t piece = 1; piece < sizeof(export); piece++) {
		auto_strbuf out = STRBUF_INIT(4096);
		auto_(journal_parser_freep) struct journal_parser *p =
			journal_parser_new(&both, collect, &out);
		assert_null(journal_parser_cursor(p));
		for (size_t at = 0; at < sizeof(export) - 1; at += piece) {
			size_t left = sizeof(export) - 1 - at;
			assert_int_equal(journal_parser_feed(p, export + at,
							     left < piece ? left : piece, &err),
					 0);
		}
		assert_string_equal(strbuf_text(&out), "1F1700000000000001000:one|"
						       "2P1700000000000000009:t\no|");
		assert_string_equal(journal_parser_cursor(p), "s=1;i=3");
	}
}

static void one_stream_can_be_left_out(void **state)
{
	const struct log_query query = { .std_err = true, .tail = -1 };
	auto_strbuf out = STRBUF_INIT(4096);
	auto_(journal_parser_freep) struct journal_parser *p =
		journal_parser_new(&query, collect, &out);
	struct error err;

	(void)state;
	assert_int_equal(journal_parser_feed(p, export, sizeof(export) - 1, &err), 0);
	assert_string_equal(strbuf_text(&out), "2P1700000000000000009:t\no|");
}

static void what_is_no_journal_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{ "MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffx", 17 },
		{ "MESSAGE\n\x01\0\0\0\0\0\0\0xy", 18 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strbuf out = STRBUF_INIT(4096);
		auto_(journal_parser_freep) struct journal_parser *p =
			journal_parser_new(&both, collect, &out);
		struct error err;
		assert_int_equal(journal_parser_feed(p, cases[i].text, cases[i].len, &err),
				 -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read_however_they_are_cut),
		cmocka_unit_test(one_stream_can_be_left_out),
		cmocka_unit_test(what_is_no_journal_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
