/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "container/request/json.h"
#include "store/db.h"

#define REQUEST_MAX (8u << 20)

static const char *const migrations[] = {
	"CREATE TABLE instances ("
	" id TEXT PRIMARY KEY NOT NULL,"
	" name TEXT NOT NULL,"
	" request TEXT NOT NULL,"
	" image_id TEXT NOT NULL,"
	" path TEXT NOT NULL,"
	" args TEXT NOT NULL,"
	" labels TEXT NOT NULL,"
	" isolation TEXT NOT NULL,"
	" slot INTEGER NOT NULL,"
	" stop_signal INTEGER NOT NULL,"
	" created_ns INTEGER NOT NULL,"
	" state TEXT NOT NULL,"
	" started_ns INTEGER NOT NULL,"
	" finished_ns INTEGER NOT NULL,"
	" exit_code INTEGER NOT NULL,"
	" pid INTEGER NOT NULL,"
	" oom_killed INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" restart_count INTEGER NOT NULL,"
	" stopped_by_user INTEGER NOT NULL"
	") WITHOUT ROWID",
	"ALTER TABLE instances ADD COLUMN restart_delay_ns INTEGER NOT NULL DEFAULT 0",
};

int record_migrate(struct db *db, struct error *err)
{
	return db_migrate(db, "instance", migrations, ARRAY_SIZE(migrations), err);
}

static char *strings_text(const struct strv *strings)
{
	auto_json *array = json_object_new_array();

	for (size_t i = 0; i < strings->count; i++)
		(void)json_object_array_add(array, json_object_new_string(strings->items[i]));
	return json_text(array);
}

int record_insert(struct db *db, const struct record *r, struct error *err)
{
	auto_free char *args = strings_text(&r->args);
	auto_free char *labels = strings_text(&r->labels);

	return db_run(
		db, err, "INSERT INTO instances VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		"ssssssssiiisiiiiisiii", r->id, r->name, r->request_text,
		r->image_id ? r->image_id : "", r->path ? r->path : "", args, labels,
		r->vm ? "vm" : "container",
		r->slot == ID_SLOT_NONE ? (int64_t)-1 : (int64_t)r->slot, (int64_t)r->stop_signal,
		r->created_ns, state_name(r->state), r->started_ns, r->finished_ns,
		(int64_t)r->exit_code, (int64_t)r->pid, (int64_t)r->oom_killed, r->error,
		(int64_t)r->restart.count, (int64_t)r->restart.by_user, r->restart.delay_ns);
}

int record_update(struct db *db, const struct record *r, struct error *err)
{
	auto_free char *labels = strings_text(&r->labels);

	return db_run(db, err,
		      "UPDATE instances SET name=?, request=?, labels=?, state=?, started_ns=?,"
		      " finished_ns=?, exit_code=?, pid=?, oom_killed=?, error=?, restart_count=?,"
		      " stopped_by_user=?, restart_delay_ns=? WHERE id=?",
		      "ssssiiiiisiiis", r->name, r->request_text, labels, state_name(r->state),
		      r->started_ns, r->finished_ns, (int64_t)r->exit_code, (int64_t)r->pid,
		      (int64_t)r->oom_killed, r->error, (int64_t)r->restart.count,
		      (int64_t)r->restart.by_user, r->restart.delay_ns, r->id);
}

int record_delete(struct db *db, const struct record *r, struct error *err)
{
	return db_run(db, err, "DELETE FROM instances WHERE id=?", "s", r->id);
}

static int read_strings(const char *text, struct strv *ret, struct error *err)
{
	auto_free char *wrapped = xasprintf("{\"s\":%s}", text ? text : "[]");
	auto_json *document = NULL;
	int r = json_parse(wrapped, strlen(wrapped), REQUEST_MAX, "list", &document, err);
	return r < 0 ? r : json_get_strings(document, "s", ret, err);
}

static int read_request(const char *text, struct record *r, struct error *err)
{
	auto_json *document = NULL;
	int result = json_parse(text, strlen(text), REQUEST_MAX, "request", &document, err);
	if (result == 0)
		result = container_request_parse(document, &r->request, err);
	if (result == 0)
		r->request_text = xstrdup(text);
	return result;
}

static const char *text_of(struct db_stmt *stmt, int column)
{
	const char *text = db_text(stmt, column);
	return text ? text : "";
}

static int read_row(struct db_stmt *stmt, struct record *r, struct error *err)
{
	if (strlen(text_of(stmt, 0)) != INSTANCE_ID_LEN)
		return error_say(err, EBADMSG, "the id is malformed");
	memcpy(r->id, db_text(stmt, 0), INSTANCE_ID_LEN + 1);
	r->name = xstrdup(text_of(stmt, 1));
	int result = read_request(text_of(stmt, 2), r, err);
	if (result == 0)
		result = read_strings(db_text(stmt, 5), &r->args, err);
	if (result == 0)
		result = read_strings(db_text(stmt, 6), &r->labels, err);
	if (result < 0)
		return result;
	if (!state_parse(text_of(stmt, 11), &r->state))
		return error_say(err, EBADMSG, "the state '%s' is not known", text_of(stmt, 11));

	r->image_id = xstrdup(text_of(stmt, 3));
	r->path = xstrdup(text_of(stmt, 4));
	r->vm = strcmp(text_of(stmt, 7), "vm") == 0;
	int64_t slot = db_int(stmt, 8);
	r->slot = slot >= 0 && slot < ID_SLOTS ? (uint32_t)slot : ID_SLOT_NONE;
	r->stop_signal = (int)db_int(stmt, 9);
	r->created_ns = db_int(stmt, 10);
	r->started_ns = db_int(stmt, 12);
	r->finished_ns = db_int(stmt, 13);
	r->exit_code = (int)db_int(stmt, 14);
	r->pid = (int)db_int(stmt, 15);
	r->oom_killed = db_int(stmt, 16) != 0;
	(void)snprintf(r->error, sizeof(r->error), "%s", text_of(stmt, 17));
	r->restart.count = (int)db_int(stmt, 18);
	r->restart.by_user = db_int(stmt, 19) != 0;
	r->restart.delay_ns = db_int(stmt, 20);
	return 0;
}

int record_load(struct db *db, int (*visit)(struct record *r, void *arg),
		void (*damaged)(const char *id, const struct error *err, void *arg), void *arg,
		struct error *err)
{
	auto_db_stmt *stmt = NULL;
	int result =
		db_prepare(db,
			   "SELECT id, name, request, image_id, path, args, labels, isolation,"
			   " slot, stop_signal, created_ns, state, started_ns, finished_ns,"
			   " exit_code, pid, oom_killed, error, restart_count,"
			   " stopped_by_user, restart_delay_ns FROM instances ORDER BY created_ns",
			   &stmt, err);
	while (result == 0 && (result = db_step(stmt, err)) > 0) {
		struct error fault = {};
		auto_record *r = record_new();
		if (read_row(stmt, r, &fault) < 0) {
			damaged(text_of(stmt, 0), &fault, arg);
			result = 0;
			continue;
		}
		result = visit(take_ptr(r), arg);
	}
	return result;
}
