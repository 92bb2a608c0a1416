/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: The records
 *
 * One SQLite file (berth.db, write-ahead log) holds the records of all parts: images, instances,
 * networks. Each part brings its own tables by db_migrate() under its own name, so that parts grow
 * independently.
 *
 * There is one connection, guarded by a recursive mutex: a statement holds the mutex from
 * db_prepare() to db_finish(), a transaction from db_tx_begin() to its end. Any thread may use the
 * database; hold neither while waiting for anything else.
 *
 * Durability is a property of the transaction. An ordinary one survives the death of the process; a
 * durable one has reached the disk when db_tx_commit() returns (and with it all earlier ones).
 */
struct db;
struct db_stmt;

struct db_tx {
	struct db *db; /* NULL once committed or rolled back */
};

/**
 * db_open() - open or make a database
 * @path: operator's path; its folder exists
 * @ret:  receives the database; released by db_close()
 */
must_check int db_open(const char *path, struct db **ret, struct error *err);
void db_close(struct db *db);
DEFINE_AUTO(struct db, db_close);
#define auto_db auto_(db_closep) struct db

/**
 * db_migrate() - bring one part's tables up to date
 * @part:  the part's name, such as "store"
 * @steps: SQL scripts; script i leads from version i to version i + 1
 * @count: how many; the version that this program knows
 *
 * Return: 0; -ENOTSUP where the file was written by a newer program.
 */
must_check int db_migrate(struct db *db, const char *part, const char *const steps[], size_t count,
			  struct error *err);

/* Runs SQL text without parameters and without rows. */
must_check int db_exec(struct db *db, const char *sql, struct error *err);

/**
 * db_run() - run one statement that gives no rows
 * @sql:   with one '?' for each value
 * @types: one letter a value: 's' const char * (NULL is allowed), 'i' int64_t, 'b' const void * and
 *         size_t
 *
 * Return: 0; -EEXIST where a uniqueness rule forbids it; -EBUSY where a reference does.
 */
must_check int db_run(struct db *db, struct error *err, const char *sql, const char *types, ...);

/* Rows that the last db_run() of this thread's transaction changed. */
int64_t db_changes(struct db *db);

/**
 * db_prepare() - start a statement that gives rows
 * @sql: constant text; compiled statements are kept by its content
 * @ret: receives the statement, which db_finish() gives back
 */
must_check int db_prepare(struct db *db, const char *sql, struct db_stmt **ret, struct error *err);
void db_finish(struct db_stmt *stmt);
DEFINE_AUTO(struct db_stmt, db_finish);
#define auto_db_stmt auto_(db_finishp) struct db_stmt

/* Parameters count from 1. Texts and blobs are copied. */
void db_bind_text(struct db_stmt *stmt, int at, const char *text);
void db_bind_int(struct db_stmt *stmt, int at, int64_t value);
void db_bind_blob(struct db_stmt *stmt, int at, const void *data, size_t len);

/* Return: 1 with a row, 0 at the end, or a negative errno. */
must_check int db_step(struct db_stmt *stmt, struct error *err);

/* Columns count from 0; pointers live until the next step. Text of a NULL value is NULL. */
const char *db_text(struct db_stmt *stmt, int column);
int64_t db_int(struct db_stmt *stmt, int column);
const void *db_blob(struct db_stmt *stmt, int column, size_t *ret_len);

/**
 * db_tx_begin() - start a transaction
 * @durable: whether it must have reached the disk when it is committed
 * @ret:     receives the transaction; db_tx_done() rolls it back unless it was committed
 *
 * Transactions do not nest.
 */
must_check int db_tx_begin(struct db *db, bool durable, struct db_tx *ret, struct error *err);
must_check int db_tx_commit(struct db_tx *tx, struct error *err);
void db_tx_done(struct db_tx *tx);
#define auto_db_tx auto_(db_tx_done) struct db_tx
