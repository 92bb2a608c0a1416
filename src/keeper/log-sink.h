/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "instance/log-files.h"

/**
 * DOC: Where a session's output is logged
 *
 * One struct of functions that each log driver fills: files (log-writer.c), the system's journal
 * (journal-writer.c). A sink that can not take more at the moment keeps what it was given and says
 * that it is behind; the session then reads no more output, as it does for a slow client.
 */
struct log_sink;

struct log_sink_ops {
	/* Takes what the program wrote at @now (wall clock). */
	void (*write)(struct log_sink *sink, enum log_stream stream, const char *data, size_t len,
		      int64_t now);
	/* The program writes no more: a line that has no end is one. NULL: nothing to do. */
	void (*finish)(struct log_sink *sink, int64_t now);
	/* True while something waits to be taken. NULL: never. */
	bool (*is_behind)(const struct log_sink *sink);
	void (*free)(struct log_sink *sink);
};

/* First member of each driver's own struct. */
struct log_sink {
	const struct log_sink_ops *ops;
};

static inline void log_sink_write(struct log_sink *sink, enum log_stream stream, const char *data,
				  size_t len, int64_t now)
{
	if (sink)
		sink->ops->write(sink, stream, data, len, now);
}

static inline void log_sink_finish(struct log_sink *sink, int64_t now)
{
	if (sink && sink->ops->finish)
		sink->ops->finish(sink, now);
}

static inline bool log_sink_is_behind(const struct log_sink *sink)
{
	return sink && sink->ops->is_behind && sink->ops->is_behind(sink);
}

static inline void log_sink_free(struct log_sink *sink)
{
	if (sink)
		sink->ops->free(sink);
}
DEFINE_AUTO(struct log_sink, log_sink_free);
