/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "instance/keeper-protocol.h"

/**
 * DOC: The engine's side of a keeper
 *
 * A `struct keeper` is one connection to one keeper. Any thread may send requests; exactly one
 * thread at a time reads: the one that starts or runs the instance in the foreground as long as it
 * waits for it anyway (no other thread has to be woken), and the watcher otherwise. What is read is
 * kept here and told to the owner's callbacks, in the reading thread; who waits for it does so by
 * keeper_await().
 *
 * It is reference-counted: the record, the watcher and who waits hold one each.
 *
 * A connection that ends without an EXITED before it is made anew where the keeper still listens at
 * @path: the descriptor keeps its number, requests under way fail with -ECONNRESET, and processes and
 * clients of which the keeper knows no more count as ended. Where nobody listens the keeper died.
 * @pidfd is the keeper's process where it is a child of this engine, to be reaped by the watcher.
 */

struct keeper;
struct keeper_exec;

/* All are called without the keeper's lock. */
struct keeper_callbacks {
	/* The first process ended; or, with NULL, the keeper is gone and said nothing of it. Once.
	 */
	void (*exited)(struct keeper *k, const struct keeper_exit *exit, void *owner);
	/* The connection ended, some time after @exited told of an exit. Once. */
	void (*ended)(struct keeper *k, void *owner);
	void (*oom)(struct keeper *k, void *owner);
	/* An additional process started, failed to start or ended: see @exec. */
	void (*exec)(struct keeper *k, const struct keeper_exec *exec, void *owner);
	/* The last reference to the keeper went. */
	void (*released)(void *owner);
};

enum keeper_start {
	KEEPER_START_PENDING,
	KEEPER_START_DONE,
	KEEPER_START_FAILED,
};

/* A client whose end somebody waits for. */
struct keeper_client {
	uint32_t number;
	bool done;
	uint32_t end;  /* enum keeper_attach_end */
	bool doubtful; /* its end may have been told to a connection that broke */
	struct keeper_client *next;
};

/* An additional process; guarded by the keeper's lock. */
struct keeper_exec {
	uint32_t number;
	enum keeper_start start;
	struct keeper_started started; /* once @start is DONE */
	struct keeper_failed failed;   /* once @start is FAILED */
	bool exited;
	bool doubtful; /* as that of a client */
	struct keeper_exit exit;
	struct keeper_exec *next;
};

struct keeper {
	int refs; /* atomic */
	int fd;   /* SOCK_SEQPACKET */
	int pidfd;
	pid_t pid; /* of the keeper, a child of ours; 0 where another engine started it */
	const struct keeper_callbacks *callbacks;
	void *owner;
	char *path;      /* where it listens; owned, NULL: a connection that ends is not renewed */
	int renewals;    /* of the connection, since the keeper said something; the reader's */
	bool foreground; /* the reading thread itself goes on from the exit; set by it alone */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	uint32_t generation; /* of the connection */
	uint32_t last_serial, last_client, last_exec;
	struct keeper_pending *pending;
	struct keeper_client *clients;
	struct keeper_exec *execs;
	enum keeper_start start;
	struct keeper_started started;
	struct keeper_failed failed;
	struct keeper_state state; /* once @state_known: the last that was told */
	bool state_known;
	bool exited; /* the first process, or the keeper itself */
	bool lost;   /* without a word */
	struct keeper_exit exit;
	bool closed;
	bool cleared;  /* nothing of the instance is left in the kernel */
	bool finished; /* the owner has recorded the exit */
};

/* How the connection is after keeper_read(). */
enum keeper_link {
	KEEPER_LINK_ENDED, /* for good */
	KEEPER_LINK_OPEN,
	KEEPER_LINK_RENEWED, /* another socket at the same number: epoll must be told */
};

/* Takes over @fd; the caller sets @path, and @pid and @pidfd where it started the keeper. */
struct keeper *keeper_new(int fd, const struct keeper_callbacks *callbacks, void *owner);
struct keeper *keeper_ref(struct keeper *k);
void keeper_unref(struct keeper *k);
DEFINE_AUTO(struct keeper, keeper_unref);
#define auto_keeper auto_(keeper_unrefp) struct keeper

/* Numbers for what the engine names in requests; never 0. */
uint32_t keeper_next_client(struct keeper *k);
uint32_t keeper_next_exec(struct keeper *k);

/**
 * keeper_send() - send a request without waiting for its reply
 * @payload: @len bytes, then @more bytes of @more_len
 *
 * Return: 0 or a negative errno.
 */
must_check int keeper_send(struct keeper *k, enum keeper_message_type type, uint32_t exec,
			   const void *payload, size_t len, const void *more, size_t more_len,
			   const int *fds, size_t fd_count, struct error *err);

/* The same and wait for the reply; the keeper's refusal becomes the result. */
must_check int keeper_request(struct keeper *k, enum keeper_message_type type, uint32_t exec,
			      const void *payload, size_t len, const void *more, size_t more_len,
			      const int *fds, size_t fd_count, struct error *err);

/* Verbs that a keeper carries out by itself; @exec 0 is the first process. */
must_check int keeper_signal(struct keeper *k, uint32_t exec, int signal, struct error *err);
must_check int keeper_resize(struct keeper *k, uint32_t exec, uint16_t rows, uint16_t cols,
			     struct error *err);
must_check int keeper_pause(struct keeper *k, struct error *err);
must_check int keeper_resume(struct keeper *k, struct error *err);

/* Register interest in a client's end before its attach is sent; until keeper_unwatch_client(). */
void keeper_watch_client(struct keeper *k, struct keeper_client *client);
void keeper_unwatch_client(struct keeper *k, struct keeper_client *client);

/* The same for an additional process, before its KEEPER_EXEC is sent. */
void keeper_watch_exec(struct keeper *k, struct keeper_exec *exec);
void keeper_unwatch_exec(struct keeper *k, struct keeper_exec *exec);
/* Stops following it; it counts as killed where its end was not told. Wakes who waits for it. */
void keeper_end_exec(struct keeper *k, struct keeper_exec *exec);
/* Copies @exec's present state. */
void keeper_exec_get(struct keeper *k, const struct keeper_exec *exec, struct keeper_exec *ret);

/**
 * keeper_read() - read what has come, tell the callbacks, wake who waits
 *
 * By the reading thread only; does not block.
 */
enum keeper_link keeper_read(struct keeper *k);

/**
 * keeper_await() - wait until something is so
 * @done:        asked with the keeper's lock held
 * @reader:      whether the calling thread is the one that reads
 * @deadline_ns: CLOCK_MONOTONIC; 0 = none
 *
 * Return: 0 when it is so; -ETIMEDOUT; -ECONNRESET when the connection ended and it is not so.
 */
int keeper_await(struct keeper *k, bool (*done)(const struct keeper *k, const void *arg),
		 const void *arg, bool reader, int64_t deadline_ns);

/* Marks the exit as recorded and wakes who waits for that; tells the keeper that it may end. */
void keeper_finish(struct keeper *k);

bool keeper_has_closed(struct keeper *k);
bool keeper_has_cleared(struct keeper *k);

/* Answers for keeper_await(). */
bool keeper_start_known(const struct keeper *k, const void *unused);
bool keeper_is_finished(const struct keeper *k, const void *unused);
