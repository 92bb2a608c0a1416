/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/keeper-client.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/test.h"

/* The test plays the keeper at the other end of @peer. */
struct fixture {
	struct keeper *k;
	int peer;
	int exits, losses, ends, ooms, execs, releases;
	struct keeper_exit exit;
};

static void on_exited(struct keeper *k, const struct keeper_exit *exit, void *owner)
{
	struct fixture *f = owner;
	(void)k;
	f->exits += exit && !k->lost;
	f->losses += !exit;
	if (exit)
		f->exit = *exit;
}

static void on_ended(struct keeper *k, void *owner)
{
	(void)k;
	((struct fixture *)owner)->ends++;
}

static void on_oom(struct keeper *k, void *owner)
{
	(void)k;
	((struct fixture *)owner)->ooms++;
}

static void on_exec(struct keeper *k, const struct keeper_exec *exec, void *owner)
{
	(void)k;
	(void)exec;
	((struct fixture *)owner)->execs++;
}

static void on_released(void *owner)
{
	((struct fixture *)owner)->releases++;
}

static const struct keeper_callbacks callbacks = { on_exited, on_ended, on_oom, on_exec,
						   on_released };

static void open_fixture(struct fixture *f)
{
	int ends[2];
	*f = (struct fixture){};
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	f->peer = ends[1];
	f->k = keeper_new(ends[0], &callbacks, f);
}

static void close_fixture(struct fixture *f)
{
	keeper_unref(f->k);
	f->k = NULL;
	close_p(&f->peer);
}

#define auto_fixture auto_(close_fixture) struct fixture

static void say(struct fixture *f, uint32_t type, uint32_t serial, uint32_t exec,
		const void *payload, size_t len)
{
	char packet[4096];
	const struct keeper_header header = { type, serial, exec, (uint32_t)len };
	memcpy(packet, &header, sizeof(header));
	if (len > 0)
		memcpy(packet + sizeof(header), payload, len);
	assert_int_equal(fd_send(f->peer, packet, sizeof(header) + len, NULL, 0),
			 (ssize_t)(sizeof(header) + len));
}

static void a_start_is_told_with_its_phases(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	const struct keeper_started started = { .pid = 77, .phase_ns = { 5, 6 } };
	say(&f, KEEPER_STARTED, 0, 0, &started, sizeof(started));
	assert_int_equal(keeper_await(f.k, keeper_start_known, NULL, true, 0), 0);
	assert_int_equal(f.k->start, KEEPER_START_DONE);
	assert_int_equal(f.k->started.pid, 77);
	assert_int_equal(f.k->started.phase_ns[1], 6);
}

static void an_exit_is_told_once_and_the_end_after_it_is_no_loss(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	const struct keeper_exit exit = { .magic = KEEPER_EXIT_MAGIC, .exit_code = 3 };
	say(&f, KEEPER_EXITED, 0, 0, &exit, sizeof(exit));
	say(&f, KEEPER_EXITED, 0, 0, &exit, sizeof(exit));
	close_p(&f.peer);
	assert_false(keeper_read(f.k));
	assert_int_equal(f.exits, 1);
	assert_int_equal(f.losses, 0);
	assert_int_equal(f.ends, 1);
	assert_false(keeper_has_cleared(f.k));
	assert_int_equal(f.exit.exit_code, 3);
}

static void a_keeper_that_dies_without_a_word_is_lost(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	close_p(&f.peer);
	assert_false(keeper_read(f.k));
	assert_int_equal(f.losses, 1);
	assert_true(f.k->lost);
	assert_int_equal(keeper_await(f.k, keeper_start_known, NULL, true, 0), -ECONNRESET);
}

static void packets_of_a_wrong_length_or_type_change_nothing(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	const char junk[sizeof(struct keeper_exit) + 8] = { 1 };
	say(&f, KEEPER_EXITED, 0, 0, junk, sizeof(struct keeper_exit) - 1);
	say(&f, KEEPER_EXITED, 0, 0, junk, sizeof(struct keeper_exit) + 1);
	say(&f, 9999, 0, 0, junk, 8);
	say(&f, KEEPER_ATTACH, 0, 0, junk, 8);
	assert_int_equal(fd_send(f.peer, "x", 1, NULL, 0), 1);
	assert_true(keeper_read(f.k));
	assert_int_equal(f.exits + f.losses + f.ooms + f.execs, 0);
	say(&f, KEEPER_OOM, 0, 0, NULL, 0);
	assert_true(keeper_read(f.k));
	assert_int_equal(f.ooms, 1);
}

static void a_text_that_is_not_terminated_is_cut(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	struct keeper_failed failed = { .exit_code = 127 };
	memset(failed.error.text, 'x', sizeof(failed.error.text));
	say(&f, KEEPER_FAILED, 0, 0, &failed, sizeof(failed));
	assert_true(keeper_read(f.k));
	assert_int_equal(f.k->start, KEEPER_START_FAILED);
	assert_int_equal(strlen(f.k->failed.error.text), ERROR_TEXT - 1);
}

static void *answer_request(void *arg)
{
	struct fixture *f = arg;
	char packet[4096];
	struct keeper_header header;
	struct error refusal = {};
	ssize_t n = fd_recv(f->peer, packet, sizeof(packet), NULL, 0, NULL);
	assert_int_equal(n, sizeof(header) + sizeof(struct keeper_signal));
	memcpy(&header, packet, sizeof(header));
	(void)error_say(&refusal, ESRCH, "no such process");
	say(f, KEEPER_REPLY, header.serial + 1000, 0, &(struct error){}, sizeof(refusal));
	say(f, KEEPER_REPLY, header.serial, 0, &refusal, sizeof(refusal));
	(void)keeper_read(f->k);
	return NULL;
}

static void a_request_gets_the_reply_of_its_own_serial(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, answer_request, &f), 0);
	struct error err = {};
	assert_int_equal(keeper_signal(f.k, 0, SIGTERM, &err), -ESRCH);
	assert_string_equal(err.text, "no such process");
	pthread_join(thread, NULL);
}

static void a_client_that_is_waited_for_is_told_to_have_left(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	struct keeper_client client = { .number = keeper_next_client(f.k) };
	keeper_watch_client(f.k, &client);
	const struct keeper_attach_done other = { client.number + 1, KEEPER_ATTACH_END_EOF };
	const struct keeper_attach_done done = { client.number, KEEPER_ATTACH_END_DETACHED };
	say(&f, KEEPER_ATTACH_DONE, 0, 0, &other, sizeof(other));
	assert_true(keeper_read(f.k));
	assert_false(client.done);
	say(&f, KEEPER_ATTACH_DONE, 0, 0, &done, sizeof(done));
	assert_true(keeper_read(f.k));
	assert_true(client.done);
	assert_int_equal(client.end, KEEPER_ATTACH_END_DETACHED);
	keeper_unwatch_client(f.k, &client);
}

static void an_additional_process_is_followed_by_its_number(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	struct keeper_exec exec = { .number = keeper_next_exec(f.k) };
	struct keeper_exec copy;
	keeper_watch_exec(f.k, &exec);
	say(&f, KEEPER_STARTED, 0, exec.number, &(struct keeper_started){ .pid = 5 },
	    sizeof(struct keeper_started));
	assert_true(keeper_read(f.k));
	keeper_exec_get(f.k, &exec, &copy);
	assert_int_equal(copy.start, KEEPER_START_DONE);
	assert_int_equal(f.k->start, KEEPER_START_PENDING);
	close_p(&f.peer);
	assert_false(keeper_read(f.k));
	keeper_exec_get(f.k, &exec, &copy);
	assert_true(copy.exited);
	assert_int_equal(copy.exit.exit_code, 137);
	keeper_unwatch_exec(f.k, &exec);
}

/* Lets the keeper listen at @dir, and breaks the connection. */
static int break_connection(struct fixture *f, int dir)
{
	f->k->path = xasprintf("%s/" KEEPER_SOCKET_NAME, test_dir_path(dir));
	f->k->start = KEEPER_START_DONE;
	int listen_fd = unix_listen(f->k->path, SOCK_SEQPACKET, 0600, NULL);
	assert_true(listen_fd >= 0);
	close_p(&f->peer);
	return listen_fd;
}

/* The engine is back, and asks first of all what it missed. */
static void accept_again(struct fixture *f, int listen_fd)
{
	struct keeper_header header;
	f->peer = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f->peer >= 0);
	assert_int_equal(fd_recv(f->peer, &header, sizeof(header), NULL, 0, NULL), sizeof(header));
	assert_int_equal(header.type, KEEPER_HELLO);
}

static void a_connection_that_breaks_is_made_anew_while_the_keeper_listens(void **state)
{
	(void)state;
	auto_fixture f;
	auto_test_dir int dir = test_dir();
	open_fixture(&f);
	int fd = f.k->fd;
	auto_close int listen_fd = break_connection(&f, dir);
	assert_int_equal(keeper_read(f.k), KEEPER_LINK_RENEWED);
	assert_int_equal(f.k->fd, fd);
	assert_int_equal(f.losses, 0);
	accept_again(&f, listen_fd);
	const struct keeper_exit exit = { .magic = KEEPER_EXIT_MAGIC, .exit_code = 3 };
	say(&f, KEEPER_EXITED, 0, 0, &exit, sizeof(exit));
	assert_int_equal(keeper_read(f.k), KEEPER_LINK_OPEN);
	assert_int_equal(f.exit.exit_code, 3);
}

static void what_the_keeper_does_not_list_any_more_ended_meanwhile(void **state)
{
	(void)state;
	auto_fixture f;
	auto_test_dir int dir = test_dir();
	open_fixture(&f);
	struct keeper_exec gone = { .number = 1, .start = KEEPER_START_DONE };
	struct keeper_exec lives = { .number = 2, .start = KEEPER_START_DONE };
	struct keeper_exec unheard = { .number = 3 };
	struct keeper_client left = { .number = 1 };
	struct keeper_client stays = { .number = 2 };
	keeper_watch_exec(f.k, &gone);
	keeper_watch_exec(f.k, &lives);
	keeper_watch_exec(f.k, &unheard);
	keeper_watch_client(f.k, &left);
	keeper_watch_client(f.k, &stays);
	auto_close int listen_fd = break_connection(&f, dir);
	assert_int_equal(keeper_read(f.k), KEEPER_LINK_RENEWED);
	accept_again(&f, listen_fd);
	const struct keeper_present present = {
		.exec_count = 2, .execs = { 2, 40 }, .client_count = 2, .clients = { 2, 50 }
	};
	say(&f, KEEPER_PRESENT, 0, 0, &present, sizeof(present));
	assert_int_equal(keeper_read(f.k), KEEPER_LINK_OPEN);
	assert_true(gone.exited);
	assert_false(lives.exited);
	assert_int_equal(unheard.start, KEEPER_START_FAILED);
	assert_true(left.done);
	assert_false(stays.done);
	/* another engine's numbers are not given again */
	assert_int_equal(keeper_next_exec(f.k), 41);
	assert_int_equal(keeper_next_client(f.k), 51);
}

static void a_keeper_whose_listener_is_gone_is_lost(void **state)
{
	(void)state;
	auto_fixture f;
	auto_test_dir int dir = test_dir();
	open_fixture(&f);
	int listen_fd = break_connection(&f, dir);
	close_p(&listen_fd);
	assert_int_equal(keeper_read(f.k), KEEPER_LINK_ENDED);
	assert_int_equal(f.losses, 1);
}

static void a_keeper_that_hangs_up_again_and_again_is_lost(void **state)
{
	(void)state;
	auto_fixture f;
	auto_test_dir int dir = test_dir();
	open_fixture(&f);
	auto_close int listen_fd = break_connection(&f, dir);
	int renewed = 0;
	while (keeper_read(f.k) == KEEPER_LINK_RENEWED) {
		accept_again(&f, listen_fd);
		close_p(&f.peer);
		assert_true(++renewed < 1000);
	}
	assert_true(renewed > 1);
	assert_int_equal(f.losses, 1);
}

static void waiting_ends_at_its_deadline(void **state)
{
	(void)state;
	auto_fixture f;
	open_fixture(&f);
	int64_t deadline = clock_monotonic() + 5 * NSEC_PER_MSEC;
	assert_int_equal(keeper_await(f.k, keeper_start_known, NULL, true, deadline), -ETIMEDOUT);
	assert_int_equal(keeper_await(f.k, keeper_start_known, NULL, false, deadline), -ETIMEDOUT);
}

static void the_last_reference_releases_the_owner(void **state)
{
	(void)state;
	struct fixture f;
	open_fixture(&f);
	struct keeper *second = keeper_ref(f.k);
	close_fixture(&f);
	assert_int_equal(f.releases, 0);
	keeper_unref(second);
	assert_int_equal(f.releases, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_is_told_with_its_phases),
		cmocka_unit_test(an_exit_is_told_once_and_the_end_after_it_is_no_loss),
		cmocka_unit_test(a_keeper_that_dies_without_a_word_is_lost),
		cmocka_unit_test(packets_of_a_wrong_length_or_type_change_nothing),
		cmocka_unit_test(a_text_that_is_not_terminated_is_cut),
		cmocka_unit_test(a_request_gets_the_reply_of_its_own_serial),
		cmocka_unit_test(a_client_that_is_waited_for_is_told_to_have_left),
		cmocka_unit_test(an_additional_process_is_followed_by_its_number),
		cmocka_unit_test(a_connection_that_breaks_is_made_anew_while_the_keeper_listens),
		cmocka_unit_test(what_the_keeper_does_not_list_any_more_ended_meanwhile),
		cmocka_unit_test(a_keeper_whose_listener_is_gone_is_lost),
		cmocka_unit_test(a_keeper_that_hangs_up_again_and_again_is_lost),
		cmocka_unit_test(waiting_ends_at_its_deadline),
		cmocka_unit_test(the_last_reference_releases_the_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
