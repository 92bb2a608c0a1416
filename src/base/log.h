/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

/**
 * DOC: Log
 *
 * Only programs log (cli, engine, keeper, guest), once, at the edge; the other folders return
 * errors. A record is one line on standard error: time, level, message, then key=value fields:
 *
 *	2026-11-20T23:24:29.0Z info instance started id=4f9c0a pid=812
 *
 * Under systemd the time is left out and the level written as the journal's "<6>" prefix.
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Records above @level are dropped; the start is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Reads "error", "warning", "info" or "debug"; false where it is none of them. */
bool log_parse_level(const char *text, enum log_level *ret);

/**
 * log_event() - write one record
 * @level:   how much it matters
 * @message: constant text
 * @...:     pairs of strings, key and value, closed by NULL; values are quoted where needed
 */
void log_event(enum log_level level, const char *message, ...) __attribute__((sentinel));
