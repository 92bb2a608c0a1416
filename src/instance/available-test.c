/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/available.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"
#include "container/request/json.h"
#include "container/request/request.h"

static int check(const char *text, struct error *err)
{
	auto_container_request request = {};
	auto_json *document = NULL;

	assert_int_equal(json_parse(text, strlen(text), SIZE_MAX, "request", &document, err), 0);
	container_request_fold(document);
	assert_int_equal(container_request_parse(document, &request, err), 0);
	return available_check(&request, document, err);
}

static void what_the_engine_does_not_have_is_named(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"80\"}]}}}",
		  "80/tcp" },
		{ "{\"HostConfig\":{\"PublishAllPorts\":true}}", "PublishAllPorts" },
		{ "{\"HostConfig\":{\"NetworkMode\":\"bridge\"}}", "network bridge" },
		{ "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"mine\":{}}}}", "network mine" },
		{ "{\"networkingconfig\":{\"endpointsConfig\":{\"none\":{\"Aliases\":[\"a\"]}}}}",
		  "Aliases of network none" },
		{ "{\"MacAddress\":\"02:42:ac:11:00:02\"}", "MacAddress" },
		{ "{\"HostConfig\":{\"Binds\":[\"data:/srv\"]}}", "the volume at /srv" },
		{ "{\"Volumes\":{\"/srv\":{}}}", "the volume at /srv" },
		{ "{\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/srv\"}]}}",
		  "the volume at /srv" },
		{ "{\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}", "Healthcheck" },
		{ "{\"HostConfig\":{\"IpcMode\":\"container:web\"}}", "IpcMode" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {};
		if (check(cases[i].text, &err) != -ENOTSUP || !strstr(err.text, cases[i].said))
			fail_msg("%s: '%s'", cases[i].text, err.text);
	}
}

static void more_processors_than_there_are_are_refused(void **state)
{
	(void)state;
	assert_int_equal(check("{\"HostConfig\":{\"NanoCpus\":9000000000000000}}", NULL), -EINVAL);
	assert_int_equal(check("{\"HostConfig\":{\"NanoCpus\":500000000}}", NULL), 0);
}

static void what_clients_send_beside_it_is_taken(void **state)
{
	static const char *const good[] = {
		"{}",
		"{\"HostConfig\":{\"NetworkMode\":\"default\",\"PortBindings\":{}}}",
		"{\"HostConfig\":{\"NetworkMode\":\"host\",\"PidMode\":\"container:web\"}}",
		"{\"HostConfig\":{\"NetworkMode\":\"container:web\"}}",
		"{\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{},\"MacAddress\":\"\"}",
		"{\"HostConfig\":{\"Binds\":[\"/srv:/srv\"],\"Tmpfs\":{\"/tmp\":\"\"}}}",
		"{\"Healthcheck\":{\"Test\":[\"NONE\"]}}",
		"{\"NetworkingConfig\":{\"EndpointsConfig\":{\"default\":{\"IPAMConfig\":null,"
		"\"Links\":null,\"Aliases\":[],\"MacAddress\":\"\",\"GwPriority\":0}}}}",
		"{\"NetworkingConfig\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error err = {};
		if (check(good[i], &err) != 0)
			fail_msg("%s: '%s'", good[i], err.text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_engine_does_not_have_is_named),
		cmocka_unit_test(more_processors_than_there_are_are_refused),
		cmocka_unit_test(what_clients_send_beside_it_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
