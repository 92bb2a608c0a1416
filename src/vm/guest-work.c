/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest-work.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/printable.h"
#include "base/strv.h"
#include "container/plan/plan.h"
#include "vm/guest-protocol.h"
#include "vm/wire.h"

#define ERRNO_MAX 4095
#define NSEC_MAX 999999999LL

/* ---- A piece of work in a plan --------------------------------------------------------------- */

static const char *const kind_names[GUEST_WORK_COUNT] = {
	[GUEST_WORK_STAT] = "stat",           [GUEST_WORK_COPY_OUT] = "copy-out",
	[GUEST_WORK_EXPORT] = "export",       [GUEST_WORK_COPY_IN] = "copy-in",
	[GUEST_WORK_CHANGES] = "changes",     [GUEST_WORK_LAYER] = "layer",
	[GUEST_WORK_PROCESSES] = "processes", [GUEST_WORK_USAGE] = "usage",
	[GUEST_WORK_UPDATE] = "update",
};

enum argument { ARG_KIND, ARG_NAME, ARG_PATH, ARG_USER, ARG_KEEP_KINDS, ARG_FREEZE, ARG_COUNT };

void guest_work_to_plan(const struct guest_work *work, struct plan *plan)
{
	const char *const arguments[ARG_COUNT] = {
		[ARG_KIND] = kind_names[work->kind],
		[ARG_NAME] = work->name,
		[ARG_PATH] = work->path,
		[ARG_USER] = work->user,
		[ARG_KEEP_KINDS] = work->keep_kinds ? "yes" : NULL,
		[ARG_FREEZE] = work->freeze ? "yes" : NULL,
	};

	plan->own_work = true;
	for (size_t i = 0; i < ARG_COUNT; i++)
		*plan_add(plan, &plan->argv) = plan_text(plan, arguments[i] ? arguments[i] : "");
	plan->streams.stdin_open = work->kind == GUEST_WORK_COPY_IN;
	plan->streams.stdin_once = true;
}

int guest_work_of_plan(const struct plan *plan, struct guest_work *ret, struct error *err)
{
	if (!plan->own_work || plan->argv.count != ARG_COUNT)
		return error_say(err, EBADMSG, "the plan names no work");
	const char **arguments = plan->argv.items;
	for (size_t i = 0; i < GUEST_WORK_COUNT; i++) {
		if (strcmp(arguments[ARG_KIND], kind_names[i]) != 0)
			continue;
		*ret = (struct guest_work){
			.kind = (enum guest_work_kind)i,
			.name = arguments[ARG_NAME],
			.path = arguments[ARG_PATH],
			.user = *arguments[ARG_USER] ? arguments[ARG_USER] : NULL,
			.keep_kinds = *arguments[ARG_KEEP_KINDS] != '\0',
			.freeze = *arguments[ARG_FREEZE] != '\0',
		};
		return 0;
	}
	return error_say(err, EBADMSG, "there is no work '%.32s'", arguments[ARG_KIND]);
}

/* ---- Answers --------------------------------------------------------------------------------- */

void guest_answer_encode(const struct guest_answer *answer, struct strbuf *out)
{
	auto_strbuf body = STRBUF_INIT(GUEST_ANSWER_MAX);

	wire_put_u8(&body, answer->part);
	wire_put_u32(&body, (uint32_t)-answer->error.code);
	wire_put_text(&body, answer->error.code ? answer->error.text : "");
	wire_put_u64(&body, answer->size);
	wire_put_u32(&body, answer->mode);
	wire_put_u64(&body, (uint64_t)answer->mtime_ns);
	wire_put_text(&body, answer->link);
	wire_put_u8(out, GUEST_RECORD_ANSWER);
	wire_put_bytes(out, body.data, body.len);
}

void guest_data_header(size_t len, uint8_t ret[GUEST_RECORD_HEADER])
{
	uint32_t wire_len = htole32((uint32_t)len);

	ret[0] = GUEST_RECORD_DATA;
	memcpy(ret + 1, &wire_len, sizeof(wire_len));
}

static int bad(struct error *err, const char *what)
{
	return error_say(err, EBADMSG, "the guest broke the protocol: wrong %s", what);
}

static bool is_mode(uint32_t mode)
{
	static const uint32_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO,
					  S_IFCHR, S_IFBLK, S_IFSOCK };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & ~07777u) == types[i])
			return true;
	return mode == 0;
}

static int answer_decode(const void *data, size_t len, struct guest_answer *ret)
{
	struct wire_reader r;

	wire_reader_init(&r, data, len);
	ret->part = wire_get_u8(&r);
	uint32_t code = wire_get_u32(&r);
	wire_get_text(&r, ret->error.text, sizeof(ret->error.text));
	ret->size = wire_get_u64(&r);
	ret->mode = wire_get_u32(&r);
	ret->mtime_ns = (int64_t)wire_get_u64(&r);
	wire_get_text(&r, ret->link, sizeof(ret->link));
	if (!wire_end(&r) || ret->part >= GUEST_ANSWER_PARTS || code > ERRNO_MAX ||
	    ret->size > INT64_MAX || !is_mode(ret->mode))
		return -EBADMSG;
	ret->error.code = -(int)code;
	printable_make(ret->error.text, strlen(ret->error.text), "");
	return 0;
}

int guest_record_take(struct strbuf *in, struct guest_answer *ret, size_t *ret_len,
		      struct error *err)
{
	struct wire_reader r;

	wire_reader_init(&r, in->data, in->len);
	uint8_t kind = wire_get_u8(&r);
	uint32_t len = wire_get_u32(&r);
	if (r.bad)
		return GUEST_RECORD_NONE;
	if (kind == GUEST_RECORD_DATA && len <= GUEST_DATA_MAX) {
		*ret_len = len;
		strbuf_consume(in, GUEST_RECORD_HEADER);
		return kind;
	}
	if (kind != GUEST_RECORD_ANSWER || len > GUEST_ANSWER_MAX)
		return bad(err, "record");
	if (r.left < len)
		return GUEST_RECORD_NONE;
	if (answer_decode(r.at, len, ret) < 0)
		return bad(err, "answer");
	strbuf_consume(in, GUEST_RECORD_HEADER + len);
	return kind;
}

/* ---- Changes --------------------------------------------------------------------------------- */

void guest_change_encode(const char *path, uint8_t kind, struct strbuf *out)
{
	strbuf_addc(out, (char)('0' + kind));
	strbuf_add(out, path, strlen(path) + 1);
}

/* Absolute, without empty parts, "." and "..". */
static bool is_clean(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *part = path; *part;) {
		part++;
		size_t len = strcspn(part, "/");
		if (len == 0 || (len <= 2 && strncmp(part, "..", len) == 0))
			return false;
		part += len;
	}
	return true;
}

int guest_change_take(struct strbuf *in, char *ret_path, uint8_t *ret_kind, struct error *err)
{
	size_t room = in->len < GUEST_PATH_MAX + 1 ? in->len : GUEST_PATH_MAX + 1;
	const char *end = room > 0 ? memchr(in->data, '\0', room) : NULL;

	if (!end)
		return room > GUEST_PATH_MAX ? bad(err, "path") : 0;
	if (in->data[0] < '0' || in->data[0] > '2' || !is_clean(in->data + 1))
		return bad(err, "change");
	size_t len = (size_t)(end - in->data) + 1;
	*ret_kind = (uint8_t)(in->data[0] - '0');
	memcpy(ret_path, in->data + 1, len - 1);
	strbuf_consume(in, len);
	return 1;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

void guest_row_encode(const struct strv *cells, struct strbuf *out)
{
	auto_strbuf body = STRBUF_INIT(GUEST_CELL_BYTES_MAX);

	wire_put_u32(&body, (uint32_t)cells->count);
	for (size_t i = 0; i < cells->count; i++)
		wire_put_text(&body, cells->items[i]);
	if (!body.overflow)
		wire_put_bytes(out, body.data, body.len);
}

static int row_decode(const void *data, size_t len, struct strv *ret)
{
	struct wire_reader r;

	wire_reader_init(&r, data, len);
	uint32_t count = wire_get_u32(&r);
	if (count > GUEST_CELLS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++) {
		size_t cell_len = 0;
		const char *cell = wire_get_bytes(&r, GUEST_CELL_BYTES_MAX, &cell_len);
		if (!cell || memchr(cell, '\0', cell_len))
			return -EBADMSG;
		strv_addf(ret, "%.*s", (int)cell_len, cell);
		printable_make(ret->items[ret->count - 1], cell_len, "");
	}
	return wire_end(&r) ? 0 : -EBADMSG;
}

int guest_row_take(struct strbuf *in, struct strv *ret, struct error *err)
{
	struct wire_reader r;

	wire_reader_init(&r, in->data, in->len);
	uint32_t len = wire_get_u32(&r);
	if (!r.bad && len > GUEST_CELL_BYTES_MAX)
		return bad(err, "row");
	if (r.bad || r.left < len)
		return 0;
	if (row_decode(r.at, len, ret) < 0)
		return bad(err, "row");
	strbuf_consume(in, sizeof(len) + len);
	return 1;
}

/* ---- Usage ----------------------------------------------------------------------------------- */

/* What of it concerns the inside: what the machine costs, its host knows. */
static const size_t usage_fields[] = {
	offsetof(struct cgroup_usage, memory_bytes),
	offsetof(struct cgroup_usage, memory_max_bytes),
	offsetof(struct cgroup_usage, memory_limit_bytes),
	offsetof(struct cgroup_usage, inactive_file_bytes),
	offsetof(struct cgroup_usage, active_file_bytes),
	offsetof(struct cgroup_usage, anon_bytes),
	offsetof(struct cgroup_usage, page_faults),
	offsetof(struct cgroup_usage, processes),
	offsetof(struct cgroup_usage, process_limit),
};

_Static_assert(ARRAY_SIZE(usage_fields) * sizeof(uint64_t) <= GUEST_USAGE_BYTES, "they fit");

void guest_usage_encode(const struct cgroup_usage *usage, struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(usage_fields); i++) {
		uint64_t value;
		memcpy(&value, (const char *)usage + usage_fields[i], sizeof(value));
		wire_put_u64(out, value);
	}
}

int guest_usage_decode(const void *data, size_t len, struct cgroup_usage *ret, struct error *err)
{
	struct wire_reader r;

	wire_reader_init(&r, data, len);
	for (size_t i = 0; i < ARRAY_SIZE(usage_fields); i++) {
		uint64_t value = wire_get_u64(&r);
		memcpy((char *)ret + usage_fields[i], &value, sizeof(value));
	}
	return wire_end(&r) ? 0 : bad(err, "usage");
}
