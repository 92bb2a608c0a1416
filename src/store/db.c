/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

struct db {
	sqlite3 *handle;
	pthread_mutex_t lock; /* recursive; guards everything */
	struct map *idle;     /* SQL text -> struct db_stmt not in use */
	bool durable;         /* what the connection is set to */
};

struct db_stmt {
	struct db *db;
	sqlite3_stmt *handle;
	char *sql;
};

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return code == SQLITE_CONSTRAINT_FOREIGNKEY ? EBUSY : EEXIST;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EAGAIN;
	case SQLITE_CANTOPEN:
		return ENOENT;
	default:
		return EIO;
	}
}

static int fail(struct db *db, const char *act, struct error *err)
{
	int code = sqlite3_extended_errcode(db->handle);
	return error_say(err, errno_of(code), "%s: %s", act, sqlite3_errmsg(db->handle));
}

static void stmt_free(void *value)
{
	struct db_stmt *stmt = value;

	if (!stmt)
		return;
	sqlite3_finalize(stmt->handle);
	free(stmt->sql);
	free(stmt);
}

static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

int db_open(const char *path, struct db **ret, struct error *err)
{
	static const char settings[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
				       "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
				       "PRAGMA trusted_schema=OFF;";
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	auto_db *db = xnew(struct db);

	lock_init(&db->lock);
	db->idle = map_new(stmt_free);
	int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_EXRESCODE, NULL);
	if (!db->handle)
		return error_say(err, ENOMEM, "open database '%s'", path);
	if (code != SQLITE_OK) {
		fail(db, "open database", err);
		return error_prefix(err, "'%s'", path);
	}
	sqlite3_busy_timeout(db->handle, 10000);

	int r = db_exec(db, settings, err);
	if (r == 0)
		r = db_exec(db,
			    "CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY,"
			    " version INTEGER NOT NULL) STRICT",
			    err);
	if (r < 0)
		return error_prefix(err, "open database '%s'", path);
	*ret = take_ptr(db);
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	map_free(db->idle);
	sqlite3_close(db->handle);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

static int part_version(struct db *db, const char *part, int64_t *ret, struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(db, "SELECT version FROM part WHERE name = ?", &stmt, err);
	if (r < 0)
		return r;
	db_bind_text(stmt, 1, part);
	r = db_step(stmt, err);
	if (r < 0)
		return r;
	*ret = r > 0 ? db_int(stmt, 0) : 0;
	return 0;
}

int db_migrate(struct db *db, const char *part, const char *const steps[], size_t count,
	       struct error *err)
{
	auto_db_tx tx = { 0 };
	int64_t version = 0;

	int r = db_tx_begin(db, true, &tx, err);
	if (r == 0)
		r = part_version(db, part, &version, err);
	if (r < 0)
		return r;
	if (version > (int64_t)count)
		return error_say(err, ENOTSUP,
				 "records of '%s' have version %lld, this program knows %zu", part,
				 (long long)version, count);

	for (size_t i = (size_t)version; i < count && r == 0; i++)
		r = db_exec(db, steps[i], err);
	if (r == 0)
		r = db_run(db, err, "REPLACE INTO part (name, version) VALUES (?, ?)", "si", part,
			   (int64_t)count);
	if (r < 0)
		return error_prefix(err, "bring the records of '%s' up to date", part);
	return db_tx_commit(&tx, err);
}

int db_exec(struct db *db, const char *sql, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&db->lock);
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		r = fail(db, "database", err);
	pthread_mutex_unlock(&db->lock);
	return r;
}

int db_run(struct db *db, struct error *err, const char *sql, const char *types, ...)
{
	auto_db_stmt *stmt = NULL;
	va_list args;

	int r = db_prepare(db, sql, &stmt, err);
	if (r < 0)
		return r;

	va_start(args, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 's') {
			db_bind_text(stmt, i + 1, va_arg(args, const char *));
		} else if (types[i] == 'i') {
			db_bind_int(stmt, i + 1, va_arg(args, int64_t));
		} else {
			const void *data = va_arg(args, const void *);
			db_bind_blob(stmt, i + 1, data, va_arg(args, size_t));
		}
	}
	va_end(args);

	do
		r = db_step(stmt, err);
	while (r > 0);
	return r;
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int db_prepare(struct db *db, const char *sql, struct db_stmt **ret, struct error *err)
{
	pthread_mutex_lock(&db->lock);
	struct db_stmt *stmt = map_take(db->idle, sql);
	if (!stmt) {
		sqlite3_stmt *handle = NULL;
		if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle,
				       NULL) != SQLITE_OK) {
			int r = fail(db, "database", err);
			pthread_mutex_unlock(&db->lock);
			return r;
		}
		stmt = xnew(struct db_stmt);
		stmt->db = db;
		stmt->handle = handle;
		stmt->sql = xstrdup(sql);
	}
	*ret = stmt;
	return 0;
}

void db_finish(struct db_stmt *stmt)
{
	if (!stmt)
		return;
	struct db *db = stmt->db;

	sqlite3_reset(stmt->handle);
	sqlite3_clear_bindings(stmt->handle);
	map_set(db->idle, stmt->sql, stmt);
	pthread_mutex_unlock(&db->lock);
}

void db_bind_text(struct db_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt->handle, at, text, -1, SQLITE_TRANSIENT);
}

void db_bind_int(struct db_stmt *stmt, int at, int64_t value)
{
	sqlite3_bind_int64(stmt->handle, at, value);
}

void db_bind_blob(struct db_stmt *stmt, int at, const void *data, size_t len)
{
	sqlite3_bind_blob64(stmt->handle, at, data, len, SQLITE_TRANSIENT);
}

int db_step(struct db_stmt *stmt, struct error *err)
{
	int code = sqlite3_step(stmt->handle);
	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return fail(stmt->db, "database", err);
}

const char *db_text(struct db_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt->handle, column);
}

int64_t db_int(struct db_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->handle, column);
}

const void *db_blob(struct db_stmt *stmt, int column, size_t *ret_len)
{
	const void *data = sqlite3_column_blob(stmt->handle, column);

	*ret_len = (size_t)sqlite3_column_bytes(stmt->handle, column);
	return data;
}

/* Changing the level within a transaction is ignored by SQLite, so it is set before each. */
static int set_durable(struct db *db, bool durable, struct error *err)
{
	if (db->durable == durable)
		return 0;

	int r = db_exec(db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
	if (r == 0)
		db->durable = durable;
	return r;
}

int db_tx_begin(struct db *db, bool durable, struct db_tx *ret, struct error *err)
{
	pthread_mutex_lock(&db->lock);
	int r = set_durable(db, durable, err);
	if (r == 0)
		r = db_run(db, err, "BEGIN IMMEDIATE", "");
	if (r < 0) {
		pthread_mutex_unlock(&db->lock);
		return r;
	}
	ret->db = db;
	return 0;
}

int db_tx_commit(struct db_tx *tx, struct error *err)
{
	struct db *db = tx->db;

	int r = db_run(db, err, "COMMIT", "");
	if (r < 0)
		return r;
	tx->db = NULL;
	/* it is done, and a statement outside of a transaction is an ordinary one */
	(void)!set_durable(db, false, NULL);
	pthread_mutex_unlock(&db->lock);
	return 0;
}

void db_tx_done(struct db_tx *tx)
{
	if (!tx->db)
		return;
	struct db *db = take_ptr(tx->db);

	/* Some failures have already rolled it back; then this one fails and nothing is lost. */
	sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	(void)!set_durable(db, false, NULL);
	pthread_mutex_unlock(&db->lock);
}
