/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "base/strbuf.h"
#include "base/strv.h"

/**
 * DOC: Columns
 *
 * Lines whose cells are parted by tabs, written so that cells stand below one another: each column
 * is as wide as its widest cell and three spaces, and at least ten. What stands behind a line's
 * last tab belongs to no column. Widths count characters, not bytes.
 */

#define TABLE_GAP 3
#define TABLE_WIDTH_MIN 10

/* Appends @lines as columns to @ret, each with a line end. */
void table_format(const struct strv *lines, int width_min, struct strbuf *ret);
