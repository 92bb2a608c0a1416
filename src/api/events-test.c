/* SPDX-License-Identifier: Apache-2.0 */
#include "api/events.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

static bool is_readable(struct event_listener *l)
{
	struct pollfd p = { .fd = event_listener_fd(l), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void a_listener_hears_what_comes_after_it(void **state)
{
	auto_(event_hub_freep) struct event_hub *hub = event_hub_new();
	auto_(event_listener_freep) struct event_listener *l = NULL;
	auto_event e = { 0 };
	struct error err;

	(void)state;
	event_publish_image(hub, "pull", "sha256:1", "before");
	assert_int_equal(event_listen(hub, false, &l, &err), 0);
	assert_false(is_readable(l));
	assert_false(event_next(l, &e));
	event_publish_image(hub, "tag", "sha256:2", "after");
	assert_true(is_readable(l));
	assert_true(event_next(l, &e));
	assert_string_equal(e.action, "tag");
	event_done(&e);
	assert_false(event_next(l, &e));
	assert_false(is_readable(l));
}

static void the_past_is_told_on_request(void **state)
{
	auto_(event_hub_freep) struct event_hub *hub = event_hub_new();
	auto_(event_listener_freep) struct event_listener *l = NULL;
	auto_event e = { 0 };
	struct error err;

	(void)state;
	event_publish_image(hub, "pull", "sha256:1", "before");
	assert_int_equal(event_listen(hub, true, &l, &err), 0);
	assert_true(is_readable(l));
	assert_true(event_next(l, &e));
	assert_string_equal(env_get(&e.attributes, "name"), "before");
}

static void a_listener_that_never_reads_costs_nothing_but_what_is_kept(void **state)
{
	auto_(event_hub_freep) struct event_hub *hub = event_hub_new();
	auto_(event_listener_freep) struct event_listener *l = NULL;
	struct error err;
	size_t count = 0;

	(void)state;
	assert_int_equal(event_listen(hub, false, &l, &err), 0);
	for (int i = 0; i < 10 * EVENTS_KEPT; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%d", i);
		event_publish_image(hub, "tag", "sha256:1", name);
	}
	for (;; count++) {
		auto_event e = { 0 };
		if (!event_next(l, &e))
			break;
		assert_int_equal(atoi(env_get(&e.attributes, "name")),
				 9 * EVENTS_KEPT + (int)count);
	}
	assert_int_equal(count, EVENTS_KEPT);
}

static void attributes_are_limited(void **state)
{
	auto_(event_hub_freep) struct event_hub *hub = event_hub_new();
	auto_(event_listener_freep) struct event_listener *l = NULL;
	auto_free char *large = xcalloc(1, EVENT_ATTRIBUTES_MAX);
	auto_event e = { 0 };
	struct event given = { .type = "container",
			       .action = xstrdup("start"),
			       .id = xstrdup("1") };
	struct error err;

	(void)state;
	memset(large, 'x', EVENT_ATTRIBUTES_MAX - 1);
	strv_add(&given.attributes, "name=web");
	strv_add(&given.attributes, large);
	strv_add(&given.attributes, "image=debian");
	assert_int_equal(event_listen(hub, false, &l, &err), 0);
	event_publish(hub, &given);
	assert_true(event_next(l, &e));
	assert_int_equal(e.attributes.count, 2);
	assert_string_equal(env_get(&e.attributes, "image"), "debian");
}

static void an_event_has_dockers_keys_old_and_new(void **state)
{
	auto_event e = {
		.type = "container",
		.action = xstrdup("die"),
		.id = xstrdup("4f9c"),
		.time_ns = 1700000000123456789,
	};

	(void)state;
	strv_add(&e.attributes, "image=debian");
	strv_add(&e.attributes, "exitCode=3");
	auto_json *o = event_json(&e);
	auto_free char *text = json_text(o);
	assert_string_equal(text,
			    "{\"status\":\"die\",\"id\":\"4f9c\",\"from\":\"debian\","
			    "\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"4f9c\","
			    "\"Attributes\":{\"image\":\"debian\",\"exitCode\":\"3\"}},"
			    "\"scope\":\"local\",\"time\":1700000000,"
			    "\"timeNano\":1700000000123456789}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_hears_what_comes_after_it),
		cmocka_unit_test(the_past_is_told_on_request),
		cmocka_unit_test(a_listener_that_never_reads_costs_nothing_but_what_is_kept),
		cmocka_unit_test(attributes_are_limited),
		cmocka_unit_test(an_event_has_dockers_keys_old_and_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
