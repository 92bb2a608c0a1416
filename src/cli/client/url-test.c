/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/url.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/test.h"
#include "cli/filter.h"

static void a_value_cannot_become_a_part_or_a_parameter(void **state)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	(void)state;
	url_start(&url, "/containers", "a/../b?x=1&y#z", "json");
	url_query(&url, "q", "1&admin=1");
	assert_string_equal(strbuf_text(&url),
			    "/containers/a%2F..%2Fb%3Fx%3D1%26y%23z/json?q=1%26admin%3D1");
}

static void an_images_name_keeps_its_slashes(void **state)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	(void)state;
	url_start(&url, "/images", "localhost:5000/a/b:1", "push");
	assert_string_equal(strbuf_text(&url), "/images/localhost:5000/a/b:1/push");
	url_start(&url, "/images", "x y?z", NULL);
	assert_string_equal(strbuf_text(&url), "/images/x%20y%3Fz");
}

static void parameters_are_joined(void **state)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	(void)state;
	url_start(&url, "/containers", "x", "logs");
	url_query(&url, "none", NULL);
	url_query_flag(&url, "off", false);
	url_query_flag(&url, "on", true);
	url_query_int(&url, "n", -5);
	url_query(&url, "empty", "");
	assert_string_equal(strbuf_text(&url), "/containers/x/logs?on=1&n=-5&empty=");
}

static void assert_filters(const char *const items[], const char *expected)
{
	auto_strv filters = {};
	auto_free char *got = NULL;
	struct error err = {};

	for (size_t i = 0; items[i]; i++)
		strv_add(&filters, items[i]);
	assert_int_equal(filter_json(&filters, &got, &err), 0);
	if (expected)
		assert_string_equal(got, expected);
	else
		assert_null(got);
}

static void filters_become_maps_of_values(void **state)
{
	(void)state;
	assert_filters((const char *const[]){ NULL }, NULL);
	assert_filters(
		(const char *const[]){ "status=exited", "Status=running", "label=a=b", NULL },
		"{\"status\":{\"exited\":true,\"running\":true},\"label\":{\"a=b\":true}}");
}

static void a_filter_needs_a_value(void **state)
{
	auto_strv filters = {};
	char *got = NULL;
	struct error err = {};

	(void)state;
	strv_add(&filters, "status");
	assert_int_equal(filter_json(&filters, &got, &err), -EINVAL);
	assert_null(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_cannot_become_a_part_or_a_parameter),
		cmocka_unit_test(an_images_name_keeps_its_slashes),
		cmocka_unit_test(parameters_are_joined),
		cmocka_unit_test(filters_become_maps_of_values),
		cmocka_unit_test(a_filter_needs_a_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
