/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "instance/log-reader.h"

/**
 * DOC: What the files of the log reader share
 *
 *	log-reader.c  records, and the walk forward
 *	log-tail.c    the walk backward that finds where the last lines begin
 */

/* Room for one record and then some, so that most reads bring many. */
#define LOG_BUFFER_SIZE (2 * LOG_RECORD_MAX)

struct log_reader {
	int dir_fd;
	int fd;          /* the file that is read; -1: the one behind @number is not there yet */
	uint64_t number; /* its number, or the one that it will get; 0: none yet */
	bool rotated;    /* nothing is written to it any more */
	const struct log_query *query;
	log_visit visit;
	void *arg;
	char *buffer;  /* LOG_BUFFER_SIZE bytes */
	size_t held;   /* bytes in it that are not visited yet */
	off_t at;      /* where the file goes on behind them */
	bool skipping; /* within a record that is too long */
	bool past;     /* a record behind the query's end was seen */
};

/* True where the query asks for records of this stream. */
bool log_query_wants(const struct log_query *query, enum log_stream stream);

/* Opens a rotated file: 1, 0 where it is not there any more, or a negative errno. */
must_check int log_reader_open(struct log_reader *r, uint64_t number, struct error *err);

/**
 * log_reader_find_tail() - go to where the last lines of the query begin
 * @r: at the file that is written at present; afterwards at the file and place to go on from
 */
must_check int log_reader_find_tail(struct log_reader *r, struct error *err);
