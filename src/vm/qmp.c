/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/qmp.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"

/* What the present call waits for. */
enum wanted { WANT_NOTHING, WANT_GREETING, WANT_ANSWER, WANT_EVENT };

struct qmp {
	int sock;
	void (*event)(const char *name, struct json_object *data, void *arg);
	void *arg;
	struct strbuf in;
	int64_t next_id;
	enum wanted wanted;
	const char *event_name;
	const char *event_key;
	const char *event_value;
	struct json_object *answer; /* the answer's whole object */
};

struct qmp *qmp_new(int sock, void (*event)(const char *name, struct json_object *data, void *arg),
		    void *arg)
{
	struct qmp *q = xnew(struct qmp);
	q->sock = sock;
	q->event = event;
	q->arg = arg;
	strbuf_init(&q->in, QMP_LINE_MAX);
	return q;
}

void qmp_set_arg(struct qmp *q, void *arg)
{
	q->arg = arg;
}

void qmp_free(struct qmp *q)
{
	if (!q)
		return;
	strbuf_done(&q->in);
	json_put_p(&q->answer);
	free(q);
}

/* Whether an event is the one that is waited for. */
static bool event_matches(const struct qmp *q, const char *name, struct json_object *data)
{
	if (q->wanted != WANT_EVENT || strcmp(q->event_name, name) != 0)
		return false;
	if (!q->event_key)
		return true;
	const char *value = NULL;
	return data && json_get_string(data, q->event_key, &value, NULL) == 0 && value &&
	       strcmp(value, q->event_value) == 0;
}

static int take_event(struct qmp *q, struct json_object *message, const char *name,
		      struct error *err)
{
	struct json_object *data = NULL;
	int rc = json_get_object(message, "data", &data, err);
	if (rc < 0)
		return rc;
	if (q->event)
		q->event(name, data, q->arg);
	if (event_matches(q, name, data))
		q->wanted = WANT_NOTHING;
	return 0;
}

static int take_message(struct qmp *q, struct json_object *message, struct error *err)
{
	const char *event = NULL;
	int rc = json_get_string(message, "event", &event, err);
	if (rc < 0)
		return rc;
	if (event)
		return take_event(q, message, event, err);

	if (q->wanted == WANT_GREETING && json_object_object_get_ex(message, "QMP", NULL)) {
		q->wanted = WANT_NOTHING;
		return 0;
	}
	int64_t id = -1;
	rc = json_get_int(message, "id", &id, err);
	if (rc < 0)
		return rc;
	if (q->wanted != WANT_ANSWER || id != q->next_id)
		return error_say(err, EBADMSG, "QEMU sent an answer that nobody asked for");
	q->wanted = WANT_NOTHING;
	q->answer = json_object_get(message);
	return 0;
}

/* Takes every whole line that was read, until what was waited for has come. */
static int take_lines(struct qmp *q, struct error *err)
{
	enum wanted before = q->wanted;
	char *end;
	while (q->in.len > 0 && (end = memchr(q->in.data, '\n', q->in.len))) {
		size_t len = (size_t)(end - q->in.data);
		auto_json *message = NULL;
		int rc = json_parse(q->in.data, len, QMP_LINE_MAX, "QEMU's message", &message, err);
		strbuf_consume(&q->in, len + 1);
		if (rc == 0 && !json_object_is_type(message, json_type_object))
			rc = error_say(err, EBADMSG, "QEMU's message is not an object");
		if (rc == 0)
			rc = take_message(q, message, err);
		if (rc < 0)
			return rc;
		if (before != WANT_NOTHING && q->wanted == WANT_NOTHING)
			break;
	}
	return 0;
}

static int read_some(struct qmp *q, struct error *err)
{
	if (!strbuf_reserve(&q->in, 4096))
		return error_say(err, EBADMSG, "QEMU sent a line without end");
	ssize_t n = read(q->sock, q->in.data + q->in.len, 4096);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return error_set(err, errno, "read from QEMU");
	if (n == 0)
		return error_say(err, ENODATA, "QEMU ended");
	q->in.len += (size_t)n;
	q->in.data[q->in.len] = '\0';
	return 1;
}

int qmp_pump(struct qmp *q, struct error *err)
{
	int rc;
	while ((rc = read_some(q, err)) > 0) {
		rc = take_lines(q, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int wait_for(struct qmp *q, int timeout_ms, struct error *err)
{
	int64_t deadline = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	for (;;) {
		int rc = take_lines(q, err);
		if (rc < 0 || q->wanted == WANT_NOTHING)
			return rc;
		int64_t left_ms = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		struct pollfd p = { .fd = q->sock, .events = POLLIN };
		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) == 0)
			return error_say(err, ETIMEDOUT, "QEMU did not answer within %d ms",
					 timeout_ms);
		rc = read_some(q, err);
		if (rc < 0)
			return rc;
	}
}

int qmp_negotiate(struct qmp *q, int timeout_ms, struct error *err)
{
	q->wanted = WANT_GREETING;
	int rc = wait_for(q, timeout_ms, err);
	if (rc < 0)
		return rc;
	return qmp_execute(q, "qmp_capabilities", NULL, -1, timeout_ms, NULL, err);
}

static int send_command(struct qmp *q, const char *command, const char *arguments, int fd,
			struct error *err)
{
	auto_free char *line =
		xasprintf("{\"execute\":\"%s\",\"arguments\":%s,\"id\":%lld}\n", command,
			  arguments ? arguments : "{}", (long long)++q->next_id);
	size_t len = strlen(line);
	ssize_t n = fd_send(q->sock, line, len, &fd, fd >= 0 ? 1 : 0);
	if (n < 0)
		return error_set(err, (int)n, "send %s to QEMU", command);
	return (size_t)n == len ? 0 : error_say(err, EAGAIN, "QEMU does not take commands");
}

int qmp_execute(struct qmp *q, const char *command, const char *arguments, int fd, int timeout_ms,
		struct json_object **ret, struct error *err)
{
	int rc = send_command(q, command, arguments, fd, err);
	if (rc < 0)
		return rc;
	q->wanted = WANT_ANSWER;
	rc = wait_for(q, timeout_ms, err);
	if (rc < 0)
		return error_prefix(err, "%s", command);

	auto_json *answer = take_ptr(q->answer);
	struct json_object *failed = NULL;
	rc = json_get_object(answer, "error", &failed, err);
	if (rc == 0 && failed) {
		const char *text = NULL;
		if (json_get_string(failed, "desc", &text, err) < 0 || !text)
			text = "failed";
		return error_say(err, EREMOTEIO, "QEMU: %s: %s", command, text);
	}
	if (rc == 0 && ret)
		*ret = json_object_get(json_object_object_get(answer, "return"));
	return rc;
}

int qmp_wait_event(struct qmp *q, const char *name, const char *key, const char *value,
		   int timeout_ms, struct error *err)
{
	q->wanted = WANT_EVENT;
	q->event_name = name;
	q->event_key = key;
	q->event_value = value;
	int rc = wait_for(q, timeout_ms, err);
	q->wanted = WANT_NOTHING;
	return rc < 0 ? error_prefix(err, "wait for %s", name) : 0;
}
