/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: The log of an instance
 *
 * One line a record, in the text format of Kubernetes' CRI:
 *
 *	2026-11-20T23:24:29.012345678Z stdout F the program's line
 *
 * "F" ends a line of the program's, "P" is a part of one: what came without a newline is written at
 * once, as a part. A record is written whole or not at all: where the disk is full it is dropped.
 * Past a size the file is renamed to "log.1", that one to "log.2", and so on, up to a count.
 */
struct log_writer;

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

/**
 * log_writer_open() - open the log for appending
 * @dir_fd:    its folder; stays the caller's and must outlive the writer
 * @max_bytes: size at which the file is exchanged; 0: never
 * @max_files: files kept, the present one counted
 */
must_check int log_writer_open(int dir_fd, uint64_t max_bytes, uint32_t max_files,
			       struct log_writer **ret, struct error *err);
void log_writer_free(struct log_writer *w);

/* Writes what the program wrote at @now (wall clock). */
void log_write(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
	       int64_t now);
