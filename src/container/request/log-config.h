/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Log drivers and their options
 *
 * HostConfig.LogConfig as Docker has it. "json-file" and "local" are both Berth's own files (the
 * names are kept so that scripts carry over), "journald" is the system's journal, "none" keeps
 * nothing. What a driver does not know is refused.
 */
struct container_log;

enum log_driver { LOG_DRIVER_FILE, LOG_DRIVER_JOURNALD, LOG_DRIVER_NONE };

struct log_config {
	enum log_driver driver;
	uint64_t max_bytes; /* of one file; 0: no limit */
	uint32_t max_files;
	/* Borrowed from the request; NULL where not asked for. */
	const char *tag;    /* a template */
	const char *labels; /* names, separated by commas */
	const char *env;
};

/**
 * log_config_read() - what a request says about its log
 * @log: of the request; checked by nobody yet
 *
 * Return: 0, or -EINVAL with Docker's text for an unknown driver or option or a wrong value.
 */
must_check int log_config_read(const struct container_log *log, struct log_config *ret,
			       struct error *err);

/* The driver's name as inspect shows it. */
const char *log_driver_name(const struct container_log *log);
