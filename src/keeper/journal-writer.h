/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Writing an instance's log into the system's journal
 *
 * The log driver "journald": each line of the program's is one datagram to journald's socket, in
 * the native journal protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): MESSAGE, PRIORITY (6
 * for standard output, 3 for standard error), SYSLOG_TIMESTAMP (when it was written) and the fields
 * that the plan gives. A line above JOURNAL_LINE_MAX bytes comes in pieces of that length; all but
 * the last have CONTAINER_PARTIAL_MESSAGE=true. A message too large for a datagram travels in a
 * sealed memory file.
 *
 * While journald takes nothing, lines are kept and the sink is behind, so that the program waits.
 * Where journald is gone and does not come back, lines are dropped.
 */
struct log_sink;
struct loop;

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_LINE_MAX 16384

/**
 * journal_writer_open() - connect to the journal
 * @loop:       where it waits for journald
 * @path:       JOURNAL_SOCKET, or a test's own
 * @fields:     added to each message, encoded as the protocol says; copied
 * @fields_len: bytes
 *
 * Return: 0, or a negative errno where nobody listens at @path.
 */
must_check int journal_writer_open(struct loop *loop, const char *path, const void *fields,
				   size_t fields_len, struct log_sink **ret, struct error *err);
