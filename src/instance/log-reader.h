/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "instance/log-files.h"

/**
 * DOC: Reading an instance's log
 *
 * Walks the files that log-files.h describes as one log, while a keeper writes and rotates them. A
 * reader holds one file open at a time; what is removed before it came there it does not see. A
 * record that is not of the form (a torn write after a power cut) is passed over, and one counts
 * once its newline is there.
 *
 * The files are the engine's and the keeper's own; their content is the program's and not trusted.
 */

/* No record is longer; what exceeds it is passed over. */
#define LOG_RECORD_MAX 65536

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

/* Milliseconds until nothing more can be within the query; -1: it has no end. */
int log_query_timeout(const struct log_query *query);

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
 * @dir_fd:   folder of the log
 * @query:    what to show; without @follow what is written after the call is not told
 * @ended_fd: becomes readable when no more will be written; only used when following, -1 = it has
 *            ended
 * @visit:    called for each record in order; a non-zero answer ends the walk and is returned
 *
 * Return: 0, @visit's answer, or a negative errno. A log that was never begun is an empty one.
 */
must_check int log_read(int dir_fd, const struct log_query *query, int ended_fd, log_visit visit,
			void *arg, struct error *err);
