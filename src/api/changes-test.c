/* SPDX-License-Identifier: Apache-2.0 */
#include "api/changes.h"

#include <errno.h>

#include "base/test.h"

static void apply(struct image_settings *s, const char *line)
{
	struct error err;

	if (change_apply(s, line, &err) < 0)
		fail_msg("%s", err.text);
}

static void programs_are_lists_or_lines_for_the_shell(void **state)
{
	auto_image_settings s = { 0 };

	(void)state;
	apply(&s, "CMD [\"nginx\", \"-g\", \"daemon off;\"]");
	assert_int_equal(s.cmd.count, 3);
	assert_string_equal(s.cmd.items[2], "daemon off;");
	apply(&s, "entrypoint exec top -b");
	assert_int_equal(s.entrypoint.count, 3);
	assert_string_equal(s.entrypoint.items[2], "exec top -b");
}

static void variables_and_labels_have_two_forms_and_quotes(void **state)
{
	auto_image_settings s = { 0 };

	(void)state;
	apply(&s, "ENV A=1 B=\"two words\" C=it\\ is");
	apply(&s, "ENV D the rest of it");
	apply(&s, "ENV A=2");
	assert_string_equal(env_get(&s.env, "A"), "2");
	assert_string_equal(env_get(&s.env, "B"), "two words");
	assert_string_equal(env_get(&s.env, "C"), "it is");
	assert_string_equal(env_get(&s.env, "D"), "the rest of it");
	apply(&s, "LABEL org.test='a b'");
	assert_string_equal(map_get(s.labels, "org.test"), "a b");
}

static void the_other_changes_are_taken_as_they_are(void **state)
{
	auto_image_settings s = { 0 };

	(void)state;
	apply(&s, "EXPOSE 80 443/tcp 53/udp");
	assert_true(strv_contains(&s.exposed_ports, "80/tcp"));
	assert_true(strv_contains(&s.exposed_ports, "53/udp"));
	apply(&s, "VOLUME [\"/data\"]");
	apply(&s, "VOLUME /a /b");
	assert_int_equal(s.volumes.count, 3);
	apply(&s, "USER www-data:www-data");
	apply(&s, "WORKDIR /srv");
	apply(&s, "STOPSIGNAL SIGQUIT");
	assert_string_equal(s.user, "www-data:www-data");
	assert_string_equal(s.working_dir, "/srv");
	assert_string_equal(s.stop_signal, "SIGQUIT");
}

static void malformed_changes_are_refused(void **state)
{
	static const char *const bad[] = {
		"",          "CMD",       "RUN true",    "ENV",      "ENV A",        "ENV =1",
		"ENV A=1 B", "ENV A=\"1", "EXPOSE port", "EXPOSE 0", "EXPOSE 65536", "WORKDIR srv",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_image_settings s = { 0 };
		if (change_apply(&s, bad[i], &err) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_are_lists_or_lines_for_the_shell),
		cmocka_unit_test(variables_and_labels_have_two_forms_and_quotes),
		cmocka_unit_test(the_other_changes_are_taken_as_they_are),
		cmocka_unit_test(malformed_changes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
