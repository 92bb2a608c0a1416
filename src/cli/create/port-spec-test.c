/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/port-spec.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "cli/ports.h"

static void assert_publishes(const char *text, const char *expected)
{
	auto_json *bindings = json_object_new_object();
	auto_json *exposed = json_object_new_object();
	struct error err = {};

	if (port_spec_publish(text, bindings, exposed, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	auto_free char *got = json_text(bindings);
	assert_string_equal(got, expected);
	assert_int_equal(json_object_object_length(bindings), json_object_object_length(exposed));
}

static void ports_are_published_in_all_of_dockers_forms(void **state)
{
	(void)state;
	assert_publishes("80", "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}");
	assert_publishes("8080:80/udp", "{\"80/udp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]}");
	assert_publishes("127.0.0.1::443",
			 "{\"443/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}");
	assert_publishes("[::1]:5:6", "{\"6/tcp\":[{\"HostIp\":\"::1\",\"HostPort\":\"5\"}]}");
	assert_publishes("90-91:70-71", "{\"70/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"90\"}],"
					"\"71/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"91\"}]}");
	assert_publishes("8000-8005:80",
			 "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8000-8005\"}]}");
	assert_publishes("target=80,published=8080,protocol=udp",
			 "{\"80/udp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]}");
}

static void bad_ports_are_refused(void **state)
{
	static const char *const bad[] = { "",        "x",     "80:",     "70000",   "1:2:3:4",
					   "::1:5:6", "80/ip", "5-4:7-6", "1-3:4-5", "a=b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_json *bindings = json_object_new_object();
		auto_json *exposed = json_object_new_object();
		struct error err = {};
		if (port_spec_publish(bad[i], bindings, exposed, &err) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
	}
}

static void ports_are_exposed_one_by_one(void **state)
{
	auto_json *exposed = json_object_new_object();
	struct error err = {};

	(void)state;
	assert_int_equal(port_spec_expose("10-12/udp", exposed, &err), 0);
	assert_int_equal(port_spec_expose("99", exposed, &err), 0);
	auto_free char *got = json_text(exposed);
	assert_string_equal(got, "{\"10/udp\":{},\"11/udp\":{},\"12/udp\":{},\"99/tcp\":{}}");
	assert_int_equal(port_spec_expose("80:80", exposed, &err), -EINVAL);
}

static void assert_shown(const char *json, const char *expected)
{
	auto_json *ports = NULL;
	auto_strbuf out = STRBUF_INIT(4096);
	struct error err = {};

	assert_int_equal(json_parse(json, strlen(json), 4096, "ports", &ports, &err), 0);
	ports_text(ports, &out);
	assert_string_equal(strbuf_text(&out), expected);
}

static void lists_show_ports_as_docker_does(void **state)
{
	(void)state;
	assert_shown("[]", "");
	assert_shown("[{\"PrivatePort\":443,\"Type\":\"tcp\"},"
		     "{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
		     "{\"IP\":\"::\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"}]",
		     "443/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
	assert_shown("[{\"IP\":\"0.0.0.0\",\"PrivatePort\":81,\"PublicPort\":81,\"Type\":\"tcp\"},"
		     "{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":80,\"Type\":\"tcp\"},"
		     "{\"PrivatePort\":9,\"Type\":\"udp\"},{\"PrivatePort\":10,\"Type\":\"udp\"}]",
		     "9-10/udp, 0.0.0.0:80-81->80-81/tcp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_published_in_all_of_dockers_forms),
		cmocka_unit_test(bad_ports_are_refused),
		cmocka_unit_test(ports_are_exposed_one_by_one),
		cmocka_unit_test(lists_show_ports_as_docker_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
