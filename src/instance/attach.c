/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

#define WAITING_MAX 64
#define ANNOUNCED_MS 1000
#define REPLAY_TIMEOUT_MS 30000

/* A client that attached before the start. */
struct pending_attach {
	struct attach attach; /* with an own socket */
	struct pending_attach *next;
};

static int detach_key_parse(const char *text, size_t len)
{
	if (len == 1)
		return (unsigned char)text[0];
	if (len != 6 || memcmp(text, "ctrl-", 5) != 0)
		return -EINVAL;
	char c = text[5];
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	if (c == '@')
		return 0;
	const char *rest = "[\\]^_";
	const char *at = strchr(rest, c);
	return at && c ? 27 + (int)(at - rest) : -EINVAL;
}

int detach_keys_parse(const char *text, uint8_t ret[KEEPER_DETACH_KEYS_MAX], struct error *err)
{
	int count = 0;

	for (const char *at = text; at && *at;) {
		/* a comma is the separator, and a key where another comma follows */
		size_t len = *at == ',' ? 1 : strcspn(at, ",");
		int key = detach_key_parse(at, len);
		if (key < 0 || count == KEEPER_DETACH_KEYS_MAX)
			return error_say(err, EINVAL, "Invalid escape keys (%s) provided", text);
		ret[count++] = (uint8_t)key;
		at += len;
		if (*at == ',')
			at++;
	}
	return count;
}

int manager_check_detach_keys(const char *keys, struct error *err)
{
	uint8_t parsed[KEEPER_DETACH_KEYS_MAX];
	int count = detach_keys_parse(keys, parsed, err);

	return count < 0 ? count : 0;
}

int attach_encode(const struct attach *attach, bool terminal, uint32_t client, bool keep_open,
		  struct keeper_attach *ret, struct error *err)
{
	bool frames = attach->multiplex || (!terminal && !attach->raw);
	struct keeper_attach encoded = {
		.client = client,
		.flags = (attach->std_in ? KEEPER_ATTACH_STDIN : 0u) |
			 (attach->std_out ? KEEPER_ATTACH_STDOUT : 0u) |
			 (attach->std_err ? KEEPER_ATTACH_STDERR : 0u) |
			 (frames ? KEEPER_ATTACH_MULTIPLEX : 0u) |
			 (terminal ? 0u : KEEPER_ATTACH_NO_DETACH) |
			 (keep_open ? KEEPER_ATTACH_KEEP_OPEN : 0u),
		.rows = attach->rows,
		.cols = attach->cols,
	};
	int count = detach_keys_parse(attach->detach_keys, encoded.detach_keys, err);
	if (count < 0)
		return count;
	encoded.detach_len = (uint8_t)count;
	*ret = encoded;
	return 0;
}

static void pending_free(struct pending_attach *p)
{
	close_p(&p->attach.socket);
	free((void *)p->attach.detach_keys);
	free((void *)p->attach.pending);
	free(p);
}

static int send_attach(struct keeper *k, const struct attach *attach, bool terminal,
		       struct error *err)
{
	struct keeper_attach encoded;
	int r = attach_encode(attach, terminal, keeper_next_client(k), false, &encoded, err);
	if (r < 0)
		return r;
	return keeper_send(k, KEEPER_ATTACH, 0, &encoded, sizeof(encoded), attach->pending,
			   attach->pending_len, &attach->socket, 1, err);
}

void attaches_deliver(struct manager *m, struct record *r, struct keeper *k)
{
	struct pending_attach *p;
	{
		auto_roster held = roster_lock(&m->roster);
		p = r->attaches;
		r->attaches = NULL;
	}
	while (p) {
		struct pending_attach *next = p->next;
		if (k)
			(void)send_attach(k, &p->attach, r->request.tty, NULL);
		pending_free(p);
		p = next;
	}
}

/* Keeps a client for the next start, behind those that wait already. */
static int keep_waiting(struct manager *m, struct record *r, const struct attach *attach,
			struct error *err)
{
	struct pending_attach *p = xnew(struct pending_attach);

	p->attach = *attach;
	p->attach.socket = fcntl(attach->socket, F_DUPFD_CLOEXEC, 0);
	p->attach.detach_keys = xstrdup_or_null(attach->detach_keys);
	p->attach.pending =
		attach->pending_len ? xmemdup(attach->pending, attach->pending_len) : NULL;
	if (p->attach.socket < 0) {
		int saved = errno;
		pending_free(p);
		return error_set(err, saved, "keep the client");
	}

	auto_roster held = roster_lock(&m->roster);
	struct pending_attach **at = &r->attaches;
	size_t count = 0;
	for (; *at; at = &(*at)->next)
		count++;
	if (count >= WAITING_MAX) {
		pending_free(p);
		return error_say(err, EBUSY, "too many clients wait for the start of container %s",
				 r->name);
	}
	*at = p;
	return 0;
}

struct replay {
	int socket;
	bool multiplex;
};

static int replay_entry(const struct log_entry *entry, void *arg)
{
	const struct replay *replay = arg;
	auto_strbuf frame = STRBUF_INIT(LOG_RECORD_MAX + 16);

	if (replay->multiplex) {
		uint32_t len = htonl((uint32_t)(entry->len + !entry->partial));
		const char head[4] = { (char)entry->stream };
		strbuf_add(&frame, head, sizeof(head));
		strbuf_add(&frame, &len, sizeof(len));
	}
	strbuf_add(&frame, entry->data, entry->len);
	if (!entry->partial)
		strbuf_addc(&frame, '\n');
	return socket_send(replay->socket, strbuf_text(&frame), frame.len, REPLAY_TIMEOUT_MS);
}

static int replay_log(struct manager *m, struct record *r, const struct attach *attach,
		      struct error *err)
{
	const struct log_query query = {
		.std_out = attach->std_out,
		.std_err = attach->std_err,
		.tail = -1,
		.cancel_fd = -1,
	};
	struct replay replay = { attach->socket, attach->multiplex || !r->request.tty };

	return log_walk(m, r, &query, -1, replay_entry, &replay, err);
}

int manager_attach(struct manager *m, const char *ref, const struct attach *attach,
		   struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = verb_check(m, r, VERB_ATTACH, err);
	if (result == 0 && attach->logs)
		result = replay_log(m, r, attach, err);
	if (result < 0 || !attach->stream)
		return result;

	auto_verbs struct record *held = record_lock(r);
	result = verb_check(m, r, VERB_ATTACH, err);
	if (result < 0)
		return result;
	auto_keeper *k = record_keeper(m, r);
	return k ? send_attach(k, attach, r->request.tty, err) : keep_waiting(m, r, attach, err);
}

/* ---- Clients that are on their way ---------------------------------------------------------- */

struct attach_announcement {
	struct manager *m;
	struct record *r;
};

int manager_attach_announce(struct manager *m, const char *ref, struct attach_announcement **ret,
			    struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = verb_check(m, r, VERB_ATTACH, err);
	if (result < 0)
		return result;

	struct attach_announcement *a = xnew(struct attach_announcement);
	*a = (struct attach_announcement){ m, take_ptr(r) };
	auto_roster held = roster_lock(&m->roster);
	a->r->announced++;
	*ret = a;
	return 0;
}

void manager_attach_arrived(struct attach_announcement *a)
{
	if (!a)
		return;
	{
		auto_roster held = roster_lock(&a->m->roster);
		a->r->announced--;
		(void)pthread_cond_broadcast(&a->m->roster.arrived);
	}
	record_unref(a->r);
	free(a);
}

void attaches_await(struct manager *m, struct record *r)
{
	int64_t end = clock_monotonic() + ANNOUNCED_MS * NSEC_PER_MSEC;
	const struct timespec until = { end / NSEC_PER_SEC, end % NSEC_PER_SEC };
	int failed = 0;

	auto_roster held = roster_lock(&m->roster);
	while (r->announced > 0 && failed == 0)
		failed = pthread_cond_timedwait(&m->roster.arrived, &m->roster.lock, &until);
}
