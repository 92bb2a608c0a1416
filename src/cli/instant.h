/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

/* Adds --since or --until to a request: seconds and nanoseconds since the epoch; NULL adds
 * nothing. */
must_check int instant_query(struct strbuf *url, const char *key, const char *text,
			     struct error *err);
