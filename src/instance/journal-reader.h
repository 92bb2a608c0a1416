/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "instance/log-reader.h"

/**
 * DOC: Reading an instance's log back from the system's journal
 *
 * By journalctl in its export format (https://systemd.io/JOURNAL_EXPORT_FORMATS/): both are stable
 * interfaces, while the files are not. Only entries of this engine's user are taken, so that nobody
 * else can put lines into an instance's log.
 */

/**
 * journal_read() - walk an instance's entries
 * @id:       the instance's full id
 * @query:    as for log_read(); @tail counts entries
 * @ended_fd: as for log_read()
 * @visit:    as for log_read()
 *
 * Return: 0, @visit's answer, or a negative errno: -EOPNOTSUPP where the host has no journalctl.
 */
must_check int journal_read(const char *id, const struct log_query *query, int ended_fd,
			    log_visit visit, void *arg, struct error *err);

struct journal_parser;

/* Reads the export format piece by piece; @streams as the query wants them. */
struct journal_parser *journal_parser_new(const struct log_query *query, log_visit visit,
					  void *arg);
void journal_parser_free(struct journal_parser *p);
DEFINE_AUTO(struct journal_parser, journal_parser_free);

/* 0, a visit's answer, or -EBADMSG where it is not the format. */
must_check int journal_parser_feed(struct journal_parser *p, const char *data, size_t len,
				   struct error *err);

/* Where the last entry is, for journalctl; NULL before the first. */
const char *journal_parser_cursor(const struct journal_parser *p);
