/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Writing an instance's log into files
 *
 * The log driver of files; they are those of instance/log-files.h. What came without a newline is written at once, as a
 * part. Records are written whole or not at all: where the disk is full they are dropped. Past a
 * size the file is exchanged, and no more than a count of files is kept.
 */
struct log_sink;

/**
 * log_writer_open() - open the log for appending
 * @dir_fd:    its folder; stays the caller's and must outlive the writer
 * @max_bytes: size at which the file is exchanged; 0: never
 * @max_files: files kept, the present one counted; 0 means 1
 *
 * Return: 0, or a negative errno where the file cannot be opened.
 */
must_check int log_writer_open(int dir_fd, uint64_t max_bytes, uint32_t max_files,
			       struct log_sink **ret, struct error *err);
