/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: The files of an instance's log
 *
 * What is written goes to "log". At a rotation that file is renamed to "log.N", where N is one more
 * than that of any before it, and a new "log" is made; the lowest numbers are removed. So a name
 * with a number means one file for good, the numbers are the order of time, and a reader needs no
 * lock: the file that is written now comes behind all numbers that there are, and will get the next.
 *
 * A record is one line, in the text format of Kubernetes' CRI:
 *
 *	2026-11-20T23:24:29.012345678Z stdout F what the program wrote
 *
 * 'F' ends a line of the program's, 'P' is a part of one that goes on in the stream's next record.
 * The content is as the program wrote it and may hold any byte but a newline. Records are written
 * whole, so each lies in one file.
 */

#define LOG_PRESENT_NAME "log"
#define LOG_FILE_NAME_ROOM 32

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

/* The name of a rotated file. */
void log_file_name(uint64_t number, char ret[LOG_FILE_NAME_ROOM]);

struct log_range {
	uint64_t first, last; /* 0: none */
};

/**
 * log_files_find() - the lowest and the highest number of the rotated files
 * @dir_fd: folder of the log
 * @above:  only higher numbers; 0: all
 * @below:  only lower ones; 0: all
 */
must_check int log_files_find(int dir_fd, uint64_t above, uint64_t below, struct log_range *ret,
			      struct error *err);
