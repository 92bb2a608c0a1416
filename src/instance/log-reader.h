/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Reading an instance's log
 *
 * The keeper writes one record a line, in the text format of Kubernetes' CRI:
 *
 *	2026-11-20T23:24:29.012345678Z stdout F what the program wrote
 *
 * 'F' ends a line of the program's, 'P' is a part of one that goes on in the stream's next record.
 * The content is as the program wrote it and may hold any byte but a newline. A record that is not
 * of this form (a torn write after a power cut) is passed over. The writer only appends, so a
 * reader needs no lock; a record counts once its newline is there.
 *
 * The file is the engine's and the keeper's own; the content is the program's and not trusted.
 */

/* No record is longer; what exceeds it is passed over. */
#define LOG_RECORD_MAX 65536

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

/* One record. */
struct log_entry {
	enum log_stream stream;
	int64_t time_ns;  /* wall clock */
	bool partial;     /* the line goes on in the stream's next record */
	const char *data; /* without the line's end; valid during the visit */
	size_t len;
};

struct log_query {
	bool std_out, std_err;
	bool follow;
	int64_t since_ns, until_ns; /* wall clock; 0 = no limit */
	int64_t tail;               /* lines; negative = all */
	int cancel_fd; /* following ends when this hangs up or is readable; -1 = none */
};

typedef int (*log_visit)(const struct log_entry *entry, void *arg);

/**
 * log_record_parse() - take one record apart
 * @line: a record without its newline; its first space is overwritten
 *
 * Return: false where it is no record.
 */
bool log_record_parse(char *line, size_t len, struct log_entry *ret);

/**
 * log_read() - walk a log
 * @fd:       the log, readable; its position is not used
 * @query:    what to show
 * @ended_fd: becomes readable when no more will be written; only used when following, -1 = it has
 *            ended
 * @visit:    called for each record in order; a non-zero answer ends the walk and is returned
 *
 * Return: 0, @visit's answer, or a negative errno.
 */
must_check int log_read(int fd, const struct log_query *query, int ended_fd, log_visit visit,
			void *arg, struct error *err);
