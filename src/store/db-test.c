/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

static const char *const first_steps[] = {
	"CREATE TABLE thing (name TEXT PRIMARY KEY, size INTEGER NOT NULL, data BLOB) STRICT",
};
static const char *const more_steps[] = {
	"CREATE TABLE thing (name TEXT PRIMARY KEY, size INTEGER NOT NULL, data BLOB) STRICT",
	"ALTER TABLE thing ADD COLUMN color TEXT",
};

static struct db *open_db(int dir)
{
	struct error err = { 0 };
	struct db *db = NULL;
	auto_free char *path = xasprintf("%s/t.db", test_dir_path(dir));

	if (db_open(path, &db, &err) < 0)
		fail_msg("%s", err.text);
	return db;
}

static int64_t count_things(struct db *db)
{
	auto_db_stmt *stmt = NULL;
	struct error err = { 0 };

	assert_int_equal(db_prepare(db, "SELECT count(*) FROM thing", &stmt, &err), 0);
	assert_int_equal(db_step(stmt, &err), 1);
	return db_int(stmt, 0);
}

static void values_come_back_as_they_went_in(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_db *db = open_db(dir);
	struct error err = { 0 };
	size_t len = 0;

	(void)state;
	assert_int_equal(db_migrate(db, "t", first_steps, 1, &err), 0);
	assert_int_equal(db_run(db, &err, "INSERT INTO thing VALUES (?, ?, ?)", "sib", "a",
				INT64_MAX, "x\0y", (size_t)3),
			 0);
	auto_db_stmt *stmt = NULL;
	assert_int_equal(
		db_prepare(db, "SELECT name, size, data FROM thing WHERE name = ?", &stmt, &err),
		0);
	db_bind_text(stmt, 1, "a");
	assert_int_equal(db_step(stmt, &err), 1);
	assert_string_equal(db_text(stmt, 0), "a");
	assert_int_equal(db_int(stmt, 1), INT64_MAX);
	assert_memory_equal(db_blob(stmt, 2, &len), "x\0y", 3);
	assert_int_equal(len, 3);
	assert_int_equal(db_step(stmt, &err), 0);
}

static void a_transaction_that_is_not_committed_leaves_nothing(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_db *db = open_db(dir);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(db_migrate(db, "t", first_steps, 1, &err), 0);
	{
		auto_db_tx tx = { 0 };
		assert_int_equal(db_tx_begin(db, true, &tx, &err), 0);
		assert_int_equal(db_run(db, &err, "INSERT INTO thing VALUES ('a', 1, NULL)", ""),
				 0);
	}
	assert_int_equal(count_things(db), 0);
	{
		auto_db_tx tx = { 0 };
		assert_int_equal(db_tx_begin(db, false, &tx, &err), 0);
		assert_int_equal(db_run(db, &err, "INSERT INTO thing VALUES ('a', 1, NULL)", ""),
				 0);
		assert_int_equal(db_tx_commit(&tx, &err), 0);
	}
	assert_int_equal(count_things(db), 1);
}

static void a_repeated_key_is_refused_by_name(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_db *db = open_db(dir);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(db_migrate(db, "t", first_steps, 1, &err), 0);
	assert_int_equal(db_run(db, &err, "INSERT INTO thing VALUES ('a', 1, NULL)", ""), 0);
	assert_int_equal(db_run(db, &err, "INSERT INTO thing VALUES ('a', 1, NULL)", ""), -EEXIST);
	assert_non_null(strstr(err.text, "UNIQUE"));
}

static void tables_grow_from_version_to_version(void **state)
{
	auto_test_dir int dir = test_dir();
	struct error err = { 0 };
	struct db *db = open_db(dir);

	(void)state;
	assert_int_equal(db_migrate(db, "t", first_steps, 1, &err), 0);
	assert_int_equal(db_run(db, &err, "INSERT INTO thing VALUES ('a', 1, NULL)", ""), 0);
	db_close(db);
	db = open_db(dir);
	assert_int_equal(db_migrate(db, "t", more_steps, 2, &err), 0);
	assert_int_equal(db_migrate(db, "t", more_steps, 2, &err), 0);
	assert_int_equal(db_run(db, &err, "UPDATE thing SET color = 'red'", ""), 0);
	assert_int_equal(count_things(db), 1);
	assert_int_equal(db_migrate(db, "t", first_steps, 1, &err), -ENOTSUP);
	db_close(db);
}

static void *insert_many(void *argument)
{
	struct db *db = argument;
	struct error err = { 0 };

	for (int64_t i = 0; i < 200; i++) {
		auto_free char *name =
			xasprintf("%lx-%lld", (unsigned long)pthread_self(), (long long)i);
		if (db_run(db, &err, "INSERT INTO thing VALUES (?, ?, NULL)", "si", name, i) < 0)
			return argument;
	}
	return NULL;
}

static void threads_share_one_database(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_db *db = open_db(dir);
	struct error err = { 0 };
	pthread_t threads[4];

	(void)state;
	assert_int_equal(db_migrate(db, "t", first_steps, 1, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, insert_many, db), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *result = NULL;
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(count_things(db), 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_went_in),
		cmocka_unit_test(a_transaction_that_is_not_committed_leaves_nothing),
		cmocka_unit_test(a_repeated_key_is_refused_by_name),
		cmocka_unit_test(tables_grow_from_version_to_version),
		cmocka_unit_test(threads_share_one_database),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
