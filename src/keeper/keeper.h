/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "instance/keeper-protocol.h"
#include "keeper/loop.h"

/**
 * DOC: The keeper of one instance
 *
 * Ties the parts together: the backend that isolates, the sessions, the engines that are connected.
 * The life of a keeper:
 *
 *	main ── requests that lie ready ── backend start ──► loop ── first process exits ──►
 *	        "exit" is written, engines are told, nothing is left of the instance
 *	        ── the engine has acknowledged, or there is none; clients have everything ──► end
 */
struct backend;
struct connection;
struct plan;
struct session;

struct keeper {
	struct loop *loop;
	struct backend *backend;
	struct session *sessions; /* the first process's is the last of the list */
	struct session *first;
	struct connection *connections;
	uint32_t connection_count;
	struct source listen;
	struct source signals;
	struct source deadline; /* timer: the program was asked to end, or clients to read */
	int run_fd;
	int log_fd;
	uint32_t given_fds; /* descriptors from KEEPER_FD_FIRST on */
	uint32_t stop_signal;
	uint32_t stop_timeout_ms;
	int64_t spawned_ns; /* CLOCK_MONOTONIC */
	int64_t planned_ns;
	bool paused;
	struct keeper_exit exit; /* once it has ended */
	bool ended;              /* the first process has, and the instance with it */
	bool acknowledged;       /* ... and the engine knows */
	bool cleared;            /* nothing of the instance is left in the kernel */
	bool oom;
	bool finished; /* leave the loop */
};

/* Sends an event to every connected engine. */
void keeper_tell(struct keeper *k, uint32_t type, uint32_t exec, const void *payload, size_t len);

/* A session's program runs, or its process has ended (@err: why it never ran, or broke). */
void keeper_started(struct keeper *k, struct session *s);
void keeper_ended(struct keeper *k, struct session *s, const struct error *err);

/*
 * Called after each turn of the loop: brings the sessions in order, frees those that are done, and
 * ends the loop where nothing is left to do.
 */
void keeper_settle(struct keeper *k);

/* The session of an exec's number; NULL where there is none. */
struct session *keeper_session(struct keeper *k, uint32_t exec);
