/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/test.h"
#include "instance/manager-internal.h"
#include "store/db.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* A manager over a private folder: what the last engine left is put there first. */
struct fixture {
	int dir;
	struct db *db;
	struct manager m;
	char *folder;
	int complaints;
};

static void complain(const char *id, const struct error *err, void *arg)
{
	(void)id;
	(void)err;
	((struct fixture *)arg)->complaints++;
}

static void open_fixture(struct fixture *f)
{
	*f = (struct fixture){ .dir = test_dir() };
	auto_free char *folder = xstrdup(test_dir_path(f->dir));
	auto_free char *path = xasprintf("%s/berth.db", folder);
	assert_int_equal(db_open(path, &f->db, NULL), 0);
	assert_int_equal(record_migrate(f->db, NULL), 0);
	f->folder = xstrdup(folder);
	f->m.options = (struct manager_options){
		.db = f->db, .state_dir = f->folder, .complain = complain, .complain_arg = f
	};
	f->m.state_dir = xasprintf("%s/state", folder);
	f->m.run_dir = xasprintf("%s/run", folder);
	f->m.state_fd = path_open_dir(f->m.state_dir, 0700, NULL);
	f->m.run_fd = path_open_dir(f->m.run_dir, 0700, NULL);
	auto_free char *removed = xasprintf("%s/removed", folder);
	f->m.removed_fd = path_open_dir(removed, 0700, NULL);
	assert_int_equal(spares_init(&f->m.spares, folder, NULL), 0);
	f->m.execs = map_new(NULL);
	roster_init(&f->m.roster);
	(void)pthread_mutex_init(&f->m.threads_lock, NULL);
	(void)pthread_cond_init(&f->m.threads_changed, NULL);
	assert_int_equal(watcher_new(&f->m.watcher, NULL), 0);
}

static void await_threads(struct manager *m)
{
	(void)pthread_mutex_lock(&m->threads_lock);
	while (m->threads > 0)
		(void)pthread_cond_wait(&m->threads_changed, &m->threads_lock);
	(void)pthread_mutex_unlock(&m->threads_lock);
}

static void close_fixture(struct fixture *f)
{
	await_threads(&f->m);
	watcher_free(f->m.watcher);
	roster_done(&f->m.roster);
	map_free(f->m.execs);
	map_free(f->m.damaged);
	close_p(&f->m.state_fd);
	close_p(&f->m.run_fd);
	close_p(&f->m.removed_fd);
	spares_done(&f->m.spares);
	free(f->folder);
	free(f->m.state_dir);
	free(f->m.run_dir);
	db_close(f->db);
	test_dir_done(&f->dir);
}

#define auto_fixture auto_(close_fixture) struct fixture

/* A row and the two folders of an instance, as an engine that was killed leaves them. */
static void leave(struct fixture *f, const char *id, const char *name, enum instance_state state,
		  const char *request)
{
	auto_record *r = record_new();
	(void)snprintf(r->id, sizeof(r->id), "%s", id);
	r->name = xstrdup(name);
	r->request_text = xstrdup(request);
	r->state = state;
	r->started_ns = 5;
	assert_int_equal(record_insert(f->db, r, NULL), 0);
	assert_int_equal(mkdirat(f->m.state_fd, id, 0700), 0);
	assert_int_equal(mkdirat(f->m.run_fd, id, 0700), 0);
}

static void leave_exit(struct fixture *f, const char *id, int exit_code)
{
	const struct keeper_exit exit = { .magic = KEEPER_EXIT_MAGIC,
					  .exit_code = exit_code,
					  .finished_ns = 99 };
	auto_free char *path = xasprintf("%s/%s", id, KEEPER_EXIT_NAME);
	assert_int_equal(write_file_at(f->m.run_fd, path, &exit, sizeof(exit), 0600, false, NULL),
			 0);
}

static bool is_there(int dir_fd, const char *name)
{
	struct stat st;
	return fstatat(dir_fd, name, &st, 0) == 0;
}

static struct record *recovered(struct fixture *f, const char *ref)
{
	struct record *r = NULL;
	assert_int_equal(roster_find(&f->m.roster, ref, &r, NULL), 0);
	record_unref(r); /* the roster holds another */
	return r;
}

static void recover(struct fixture *f)
{
	struct error err = {};
	if (manager_recover(&f->m, &err) < 0)
		fail_msg("%s", err.text);
}

static void an_exit_that_the_keeper_wrote_is_taken_over(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_RUNNING, "{\"Image\":\"x\"}");
	leave_exit(&f, ID_A, 42);
	recover(&f);
	const struct record *r = recovered(&f, "web");
	assert_int_equal(r->state, STATE_EXITED);
	assert_int_equal(r->exit_code, 42);
	assert_int_equal(r->finished_ns, 99);
	assert_string_equal(r->error, "");
}

static void an_instance_whose_keeper_is_gone_is_told_to_be_killed(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_STOPPING, "{\"Image\":\"x\"}");
	recover(&f);
	const struct record *r = recovered(&f, "web");
	assert_int_equal(r->state, STATE_EXITED);
	assert_int_equal(r->exit_code, 137);
	assert_non_null(strstr(r->error, "keeper"));
}

static void what_ran_before_a_restart_of_the_host_is_told_so(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_PAUSED, "{\"Image\":\"x\"}");
	leave(&f, ID_B, "db", STATE_RUNNING, "{\"Image\":\"x\"}");
	leave_exit(&f, ID_B, 5);
	test_write(f.dir, "boot-id", "another\n");
	recover(&f);
	const struct record *r = recovered(&f, "web");
	assert_int_equal(r->state, STATE_EXITED);
	assert_int_equal(r->exit_code, 255);
	assert_int_equal(r->pid, 0);
	assert_non_null(strstr(r->error, "host was restarted"));
	assert_int_equal(recovered(&f, "db")->exit_code, 5);
}

static void the_same_host_is_recognised_at_the_next_start(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	recover(&f);
	roster_done(&f.m.roster);
	roster_init(&f.m.roster);
	map_free(f.m.damaged);
	leave(&f, ID_A, "web", STATE_RUNNING, "{\"Image\":\"x\"}");
	recover(&f);
	assert_int_equal(recovered(&f, "web")->exit_code, 137);
}

static void an_exit_file_that_is_cut_short_is_not_believed(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_RUNNING, "{\"Image\":\"x\"}");
	test_write(f.m.run_fd, ID_A "/" KEEPER_EXIT_NAME, "BEXT");
	recover(&f);
	assert_int_equal(recovered(&f, "web")->exit_code, 137);
}

static void what_was_recovered_is_in_the_database_for_the_next_engine(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_RUNNING, "{\"Image\":\"x\"}");
	leave_exit(&f, ID_A, 7);
	recover(&f);
	auto_db_stmt *stmt = NULL;
	assert_int_equal(db_prepare(f.db, "SELECT state, exit_code FROM instances", &stmt, NULL),
			 0);
	assert_int_equal(db_step(stmt, NULL), 1);
	assert_string_equal(db_text(stmt, 0), "exited");
	assert_int_equal(db_int(stmt, 1), 7);
}

static void a_removal_that_was_begun_is_finished(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_REMOVING, "{\"Image\":\"x\"}");
	test_write(f.m.state_fd, ID_A "/upper/etc/file", "x");
	recover(&f);
	assert_int_equal(map_count(f.m.roster.by_id), 0);
	assert_false(is_there(f.m.state_fd, ID_A));
	assert_false(is_there(f.m.run_fd, ID_A));
	await_threads(&f.m);
	assert_false(is_there(f.m.removed_fd, ID_A));
}

static void a_removal_that_failed_is_tried_again(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_DEAD, "{\"Image\":\"x\"}");
	recover(&f);
	assert_int_equal(map_count(f.m.roster.by_id), 0);
	assert_false(is_there(f.m.state_fd, ID_A));
}

static void an_instance_to_be_removed_at_its_end_is_removed_when_it_ended_meanwhile(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "once", STATE_STARTING,
	      "{\"Image\":\"x\",\"HostConfig\":{\"AutoRemove\":true}}");
	leave_exit(&f, ID_A, 0);
	leave(&f, ID_B, "never", STATE_CREATED,
	      "{\"Image\":\"x\",\"HostConfig\":{\"AutoRemove\":true}}");
	recover(&f);
	assert_int_equal(map_count(f.m.roster.by_id), 1);
	assert_false(is_there(f.m.state_fd, ID_A));
	assert_int_equal(recovered(&f, "never")->state, STATE_CREATED);
}

static void what_was_removed_but_not_yet_off_the_disk_goes(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	test_write(f.m.removed_fd, ID_A "/upper/half", "gone");
	recover(&f);
	await_threads(&f.m);
	assert_false(is_there(f.m.removed_fd, ID_A));
}

static void folders_that_no_record_names_are_removed_and_others_kept(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_EXITED, "{\"Image\":\"x\"}");
	test_write(f.m.state_fd, ID_A "/log", "line\n");
	test_write(f.m.state_fd, ID_B "/upper/half", "made");
	test_write(f.m.run_fd, ID_B "/pid", "1");
	recover(&f);
	assert_true(is_there(f.m.state_fd, ID_A "/log"));
	assert_false(is_there(f.m.state_fd, ID_B));
	assert_false(is_there(f.m.run_fd, ID_B));
}

static void a_row_that_can_not_be_read_is_told_and_its_files_are_kept(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_EXITED, "{\"Image\":");
	leave(&f, ID_B, "db", STATE_EXITED, "{\"Image\":\"x\"}");
	recover(&f);
	assert_int_equal(f.complaints, 1);
	assert_true(is_there(f.m.state_fd, ID_A));
	assert_int_equal(map_count(f.m.roster.by_id), 1);
}

/* Plays a keeper that survived the engine: tells its state, then that its program ended. */
struct survivor {
	int listen_fd;
	bool exits;
};

static void *survive(void *arg)
{
	const struct survivor *s = arg;
	struct {
		struct keeper_header header;
		struct keeper_state state;
	} answer = { { KEEPER_STATE, 0, 0, sizeof(struct keeper_state) },
		     { .pid = 4711, .running = 1, .started_ns = 33 } };
	struct {
		struct keeper_header header;
		struct keeper_exit exit;
	} end = { { KEEPER_EXITED, 0, 0, sizeof(struct keeper_exit) },
		  { .magic = KEEPER_EXIT_MAGIC, .exit_code = 9 } };
	char request[256];

	auto_close int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	(void)fd_recv(fd, request, sizeof(request), NULL, 0, NULL);
	if (s->exits)
		(void)fd_send(fd, &end, sizeof(end), NULL, 0);
	else
		(void)fd_send(fd, &answer, sizeof(answer), NULL, 0);
	(void)fd_recv(fd, request, sizeof(request), NULL, 0, NULL); /* acknowledgement or end */
	return NULL;
}

static void listen_as_keeper(struct fixture *f, struct survivor *s, pthread_t *thread)
{
	auto_free char *path = xasprintf("%s/%s/%s", f->m.run_dir, ID_A, KEEPER_SOCKET_NAME);
	s->listen_fd = unix_listen(path, SOCK_SEQPACKET, 0600, NULL);
	assert_true(s->listen_fd >= 0);
	assert_int_equal(pthread_create(thread, NULL, survive, s), 0);
}

static void a_keeper_that_answers_is_taken_back(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_STARTING, "{\"Image\":\"x\"}");
	struct survivor s = {};
	pthread_t thread;
	listen_as_keeper(&f, &s, &thread);
	recover(&f);
	struct record *r = recovered(&f, "web");
	assert_int_equal(r->state, STATE_RUNNING);
	assert_int_equal(r->pid, 4711);
	assert_int_equal(r->started_ns, 33);
	assert_non_null(r->keeper);

	watcher_free(f.m.watcher);
	f.m.watcher = NULL;
	(void)shutdown(r->keeper->fd, SHUT_RDWR);
	(void)pthread_join(thread, NULL);
	keeper_unref(r->keeper);
	close_p(&s.listen_fd);
}

static void a_keeper_that_ends_just_then_gives_its_exit_status(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	leave(&f, ID_A, "web", STATE_RUNNING, "{\"Image\":\"x\"}");
	struct survivor s = { .exits = true };
	pthread_t thread;
	listen_as_keeper(&f, &s, &thread);
	recover(&f);
	assert_int_equal(recovered(&f, "web")->state, STATE_EXITED);
	assert_int_equal(recovered(&f, "web")->exit_code, 9);
	(void)pthread_join(thread, NULL);
	close_p(&s.listen_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exit_that_the_keeper_wrote_is_taken_over),
		cmocka_unit_test(an_instance_whose_keeper_is_gone_is_told_to_be_killed),
		cmocka_unit_test(what_ran_before_a_restart_of_the_host_is_told_so),
		cmocka_unit_test(the_same_host_is_recognised_at_the_next_start),
		cmocka_unit_test(a_removal_that_failed_is_tried_again),
		cmocka_unit_test(an_exit_file_that_is_cut_short_is_not_believed),
		cmocka_unit_test(what_was_recovered_is_in_the_database_for_the_next_engine),
		cmocka_unit_test(a_removal_that_was_begun_is_finished),
		cmocka_unit_test(
			an_instance_to_be_removed_at_its_end_is_removed_when_it_ended_meanwhile),
		cmocka_unit_test(what_was_removed_but_not_yet_off_the_disk_goes),
		cmocka_unit_test(folders_that_no_record_names_are_removed_and_others_kept),
		cmocka_unit_test(a_row_that_can_not_be_read_is_told_and_its_files_are_kept),
		cmocka_unit_test(a_keeper_that_answers_is_taken_back),
		cmocka_unit_test(a_keeper_that_ends_just_then_gives_its_exit_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
