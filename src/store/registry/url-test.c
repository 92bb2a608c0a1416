/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>

#include "store/registry/url.h"

static void origins_are_scheme_host_and_port(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *text;
		bool tls;
		uint16_t port;
	} cases[] = {
		{ "https://Ghcr.IO/v2/", "ghcr.io", true, 443 },
		{ "http://localhost:5000/x?y#z", "localhost:5000", false, 5000 },
		{ "https://h:80", "h:80", true, 80 },
		{ "http://[::1]:5000/", "[::1]:5000", false, 5000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct origin o;
		struct error err = {};
		if (url_origin(cases[i].url, &o, &err) < 0)
			fail_msg("%s", err.text);
		auto_free char *text = origin_text(&o);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(o.tls, cases[i].tls);
		assert_int_equal(o.port, cases[i].port);
	}
}

static void other_protocols_and_odd_urls_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"file:///etc/passwd",
		"ftp://h/x",
		"gopher://h/x",
		"dict://h",
		"/v2/",
		"h/v2",
		"http://",
		"http://user:password@h/",
		"http://user@h/",
		"http://h:0/",
		"http://h:70000/",
		"http://h/a b",
		"http://h/\r\nX: y",
		"javascript:x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct origin o;
		if (url_origin(bad[i], &o, NULL) != -EBADMSG)
			fail_msg("'%s' was taken", bad[i]);
	}
}

static void locations_are_resolved_against_the_request(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "/v2/x", "https://h:5000/v2/x" },
		{ "y?z=1", "https://h:5000/a/y?z=1" },
		{ "//other/x", "https://other/x" },
		{ "http://127.0.0.1/x#part", "http://127.0.0.1/x" },
		{ "../q", "https://h:5000/q" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *url = NULL;
		assert_int_equal(url_resolve("https://h:5000/a/b", cases[i][0], &url, NULL), 0);
		assert_string_equal(url, cases[i][1]);
	}
	auto_free char *url = NULL;
	assert_int_equal(url_resolve("https://h/", "http://u:p@h/", &url, NULL), -EBADMSG);
	assert_null(url);
}

static void query_parameters_are_escaped(void **state)
{
	(void)state;
	char *url = NULL;

	assert_int_equal(url_resolve("https://h/", "/token?a=b", &url, NULL), 0);
	assert_int_equal(url_add_query(&url, "scope", "repository:a/b:pull&x=y z", NULL), 0);
	assert_string_equal(url, "https://h/token?a=b&scope=repository%3aa%2fb%3apull%26x%3dy+z");
	free(url);
}

static void loopback_is_recognised_in_all_its_forms(void **state)
{
	(void)state;
	assert_true(host_is_loopback("localhost"));
	assert_true(host_is_loopback("127.0.0.1"));
	assert_true(host_is_loopback("127.9.9.9"));
	assert_true(host_is_loopback("[::1]"));
	assert_false(host_is_loopback("localhost.evil.org"));
	assert_false(host_is_loopback("127.0.0.1.evil.org"));
	assert_false(host_is_loopback("128.0.0.1"));
	assert_false(host_is_loopback("0.0.0.0"));
	assert_false(host_is_loopback("[::2]"));
	assert_false(host_is_loopback("[::ffff:127.0.0.1]"));
}

static void an_operators_list_names_hosts_ports_and_networks(void **state)
{
	(void)state;
	auto_strv list = {};
	strv_add(&list, "plain.local");
	strv_add(&list, "one.local:5000");
	strv_add(&list, "10.1.0.0/15");
	strv_add(&list, "fd00::/8");
	strv_add(&list, "10.9.0.0/99");

	assert_true(host_is_listed(&list, &(struct origin){ .host = "plain.local", .port = 1 }));
	assert_true(host_is_listed(&list, &(struct origin){ .host = "one.local", .port = 5000 }));
	assert_false(host_is_listed(&list, &(struct origin){ .host = "one.local", .port = 5001 }));
	assert_true(host_is_listed(&list, &(struct origin){ .host = "10.1.255.1", .port = 1 }));
	assert_false(host_is_listed(&list, &(struct origin){ .host = "10.2.0.1", .port = 1 }));
	assert_false(host_is_listed(&list, &(struct origin){ .host = "10.9.0.0", .port = 1 }));
	assert_true(host_is_listed(&list, &(struct origin){ .host = "[fd12::1]", .port = 1 }));
	assert_false(host_is_listed(&list, &(struct origin){ .host = "[fe80::1]", .port = 1 }));
}

static void sites_are_registrable_domains(void **state)
{
	(void)state;
	assert_true(host_same_site("registry-1.docker.io", "auth.docker.io"));
	assert_true(host_same_site("registry.gitlab.com", "gitlab.com"));
	assert_true(host_same_site("a.b.example.co.uk", "example.co.uk"));
	assert_false(host_same_site("a.co.uk", "b.co.uk"));
	assert_false(host_same_site("docker.io", "docker.io.evil.org"));
	assert_false(host_same_site("docker.io", "evildocker.io"));
	assert_false(host_same_site("127.0.0.1", "127.0.0.2"));
	assert_false(host_same_site("10.0.0.1", "9.0.0.1"));
	assert_false(host_same_site("localhost", "otherhost"));
	assert_false(host_same_site("io", "docker.io"));
	assert_true(host_same_site("localhost", "localhost"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_scheme_host_and_port),
		cmocka_unit_test(other_protocols_and_odd_urls_are_refused),
		cmocka_unit_test(locations_are_resolved_against_the_request),
		cmocka_unit_test(query_parameters_are_escaped),
		cmocka_unit_test(loopback_is_recognised_in_all_its_forms),
		cmocka_unit_test(an_operators_list_names_hosts_ports_and_networks),
		cmocka_unit_test(sites_are_registrable_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
