/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/test.h"

#define GREETING "{\"QMP\":{\"version\":{},\"capabilities\":[\"oob\"]}}\r\n"
#define SHORT_MS 200

static char last_event[64];

static void note(const char *name, struct json_object *data, void *arg)
{
	(void)data;
	(void)arg;
	(void)snprintf(last_event, sizeof(last_event), "%s", name);
}

/* A client whose QEMU has said @text already. */
static struct qmp *client_of(const char *text, int fds[2])
{
	last_event[0] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	assert_int_equal(write_full(fds[1], text, strlen(text)), 0);
	return qmp_new(fds[0], note, NULL);
}

static void done(struct qmp *q, int fds[2])
{
	qmp_free(q);
	close_p(&fds[0]);
	close_p(&fds[1]);
}

static void a_command_gets_its_answer_past_events(void **state)
{
	(void)state;
	int fds[2];
	struct error err = { 0 };
	auto_json *answer = NULL;
	struct qmp *q = client_of(GREETING "{\"return\":{},\"id\":1}\n"
					   "{\"event\":\"RESUME\",\"timestamp\":{}}\n"
					   "{\"return\":{\"running\":true},\"id\":2}\n",
				  fds);

	assert_int_equal(qmp_negotiate(q, SHORT_MS, &err), 0);
	assert_int_equal(qmp_execute(q, "query-status", NULL, -1, SHORT_MS, &answer, &err), 0);
	bool running = false;
	assert_int_equal(json_get_bool(answer, "running", &running, &err), 0);
	assert_true(running);
	assert_string_equal(last_event, "RESUME");

	char sent[512];
	ssize_t n = read(fds[1], sent, sizeof(sent) - 1);
	assert_true(n > 0);
	sent[n] = '\0';
	assert_string_equal(sent, "{\"execute\":\"qmp_capabilities\",\"arguments\":{},\"id\":1}\n"
				  "{\"execute\":\"query-status\",\"arguments\":{},\"id\":2}\n");
	done(q, fds);
}

static void a_refusal_has_qemus_own_text(void **state)
{
	(void)state;
	int fds[2];
	struct error err = { 0 };
	struct qmp *q = client_of("{\"error\":{\"class\":\"GenericError\",\"desc\":\"no such "
				  "device\"},\"id\":1}\n",
				  fds);

	assert_int_equal(qmp_execute(q, "device_del", NULL, -1, SHORT_MS, NULL, &err), -EREMOTEIO);
	assert_string_equal(err.text, "QEMU: device_del: no such device");
	done(q, fds);
}

static void silence_has_a_deadline(void **state)
{
	(void)state;
	int fds[2];
	struct error err = { 0 };
	struct qmp *q = client_of("", fds);

	assert_int_equal(qmp_negotiate(q, 20, &err), -ETIMEDOUT);
	done(q, fds);
}

static void what_is_no_answer_ends_the_talk(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"{\"return\":{},\"id\":7}\n",
		"[]\n",
		"hello\n",
		"{\"return\":{},\"return\":1,\"id\":1}\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int fds[2];
		struct error err = { 0 };
		struct qmp *q = client_of(wrong[i], fds);
		assert_int_equal(qmp_execute(q, "stop", NULL, -1, SHORT_MS, NULL, &err), -EBADMSG);
		done(q, fds);
	}
}

static void an_event_is_awaited_with_its_data(void **state)
{
	(void)state;
	int fds[2];
	struct error err = { 0 };
	struct qmp *q = client_of("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"setup\"}}\n"
				  "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}\n",
				  fds);

	assert_int_equal(qmp_wait_event(q, "MIGRATION", "status", "completed", SHORT_MS, &err), 0);
	assert_int_equal(qmp_wait_event(q, "MIGRATION", "status", "failed", 20, &err), -ETIMEDOUT);
	done(q, fds);
}

static void the_end_of_qemu_is_told(void **state)
{
	(void)state;
	int fds[2];
	struct error err = { 0 };
	struct qmp *q = client_of(GREETING, fds);

	close_p(&fds[1]);
	fds[1] = -1;
	assert_true(qmp_negotiate(q, SHORT_MS, &err) < 0);
	done(q, fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_gets_its_answer_past_events),
		cmocka_unit_test(a_refusal_has_qemus_own_text),
		cmocka_unit_test(silence_has_a_deadline),
		cmocka_unit_test(what_is_no_answer_ends_the_talk),
		cmocka_unit_test(an_event_is_awaited_with_its_data),
		cmocka_unit_test(the_end_of_qemu_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
