/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

/**
 * DOC: QEMU's monitor
 *
 * A small client of QMP (https://www.qemu.org/docs/master/interop/qmp-spec.html): one command at a
 * time, each with an id and a deadline, events told to a function as they come. QEMU is not trusted
 * more than the guest that may have broken out into it: lines have a cap, JSON is parsed strictly,
 * an answer with another id ends the connection, and a flood of events counts against the deadline.
 *
 * Commands are text that Berth's own code puts together from constants and numbers; qmp_execute()
 * takes the arguments as a JSON object where they hold more.
 */

struct qmp;

#define QMP_LINE_MAX (256u * 1024)
#define QMP_TIMEOUT_MS 10000

/**
 * qmp_new() - talk to a monitor
 * @sock:  stream socket, non-blocking; stays the caller's
 * @event: called with the name and the "data" (or NULL) of each event; NULL drops them
 *
 * Nothing is sent or awaited yet.
 */
struct qmp *qmp_new(int sock, void (*event)(const char *name, struct json_object *data, void *arg),
		    void *arg);
void qmp_free(struct qmp *q);
/* Events go to another object from now on. */
void qmp_set_arg(struct qmp *q, void *arg);
DEFINE_AUTO(struct qmp, qmp_free);
#define auto_qmp auto_(qmp_freep) struct qmp

/* Takes the greeting and leaves the negotiation mode. */
must_check int qmp_negotiate(struct qmp *q, int timeout_ms, struct error *err);

/**
 * qmp_execute() - send a command and wait for its answer
 * @command:   its name
 * @arguments: JSON text of an object, or NULL
 * @fd:        descriptor passed along, or -1
 * @ret:       receives what it returned, json_object_put(); NULL drops it
 *
 * Return: 0; -EREMOTEIO with QEMU's own text where it refused; -ETIMEDOUT; -ENODATA where QEMU
 *         ended; -EBADMSG where it sent what is no QMP.
 */
must_check int qmp_execute(struct qmp *q, const char *command, const char *arguments, int fd,
			   int timeout_ms, struct json_object **ret, struct error *err);

/**
 * qmp_wait_event() - wait for an event
 * @name: of the event
 * @key, @value: where not NULL, its data must have this string
 */
must_check int qmp_wait_event(struct qmp *q, const char *name, const char *key, const char *value,
			      int timeout_ms, struct error *err);

/* Reads what has come and tells events; for the caller's loop. 0, or as qmp_execute(). */
must_check int qmp_pump(struct qmp *q, struct error *err);
