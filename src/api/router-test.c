/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include "base/test.h"

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/images/json", NULL },
	{ HTTP_GET, 0, "/images/{name*}/json", NULL },
	{ HTTP_DELETE, 0, "/images/{name*}", NULL },
	{ HTTP_GET, 0, "/containers/{id}/json", NULL },
	{ HTTP_POST, 0, "/containers/{id}/kill", NULL },
};

static enum route_result find(const char *target, enum http_method method,
			      const struct http_route **route, struct route_params *params)
{
	auto_uri u = { 0 };
	struct error err;

	assert_int_equal(uri_parse(target, &u, &err), 0);
	return route_find(routes, ARRAY_SIZE(routes), method, &u.segments, route, params);
}

static void names_with_slashes_are_one_parameter(void **state)
{
	auto_(route_params_done) struct route_params p;
	const struct http_route *r;

	(void)state;
	assert_int_equal(find("/images/localhost:5000/a/b:c/json", HTTP_GET, &r, &p), ROUTE_FOUND);
	assert_ptr_equal(r, &routes[1]);
	assert_string_equal(route_param(&p, "name"), "localhost:5000/a/b:c");
}

static void literal_patterns_win_over_parameters(void **state)
{
	auto_(route_params_done) struct route_params p;
	const struct http_route *r;

	(void)state;
	assert_int_equal(find("/images/json", HTTP_GET, &r, &p), ROUTE_FOUND);
	assert_ptr_equal(r, &routes[0]);
	assert_int_equal(p.count, 0);
}

static void single_parameters_take_one_segment(void **state)
{
	auto_(route_params_done) struct route_params p = { 0 };
	const struct http_route *r;

	(void)state;
	assert_int_equal(find("/containers/a/b/json", HTTP_GET, &r, &p), ROUTE_NOT_FOUND);
	assert_int_equal(find("/containers//json", HTTP_GET, &r, &p), ROUTE_NOT_FOUND);
	assert_int_equal(find("/containers/json", HTTP_GET, &r, &p), ROUTE_NOT_FOUND);
	assert_int_equal(find("/", HTTP_GET, &r, &p), ROUTE_NOT_FOUND);
	assert_int_equal(find("/containers/web/json", HTTP_GET, &r, &p), ROUTE_FOUND);
	assert_string_equal(route_param(&p, "id"), "web");
	assert_null(route_param(&p, "i"));
}

static void a_wrong_method_is_told_from_an_unknown_path(void **state)
{
	auto_(route_params_done) struct route_params p = { 0 };
	const struct http_route *r;

	(void)state;
	assert_int_equal(find("/containers/web/kill", HTTP_GET, &r, &p), ROUTE_WRONG_METHOD);
	assert_int_equal(find("/containers/web/kil", HTTP_GET, &r, &p), ROUTE_NOT_FOUND);
	assert_int_equal(find("/images/json", HTTP_HEAD, &r, &p), ROUTE_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_with_slashes_are_one_parameter),
		cmocka_unit_test(literal_patterns_win_over_parameters),
		cmocka_unit_test(single_parameters_take_one_segment),
		cmocka_unit_test(a_wrong_method_is_told_from_an_unknown_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
