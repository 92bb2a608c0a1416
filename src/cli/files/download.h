/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: Answers that are files
 *
 * What save, export and cp get from the engine goes to standard output, unless that is a terminal,
 * or to a file. The file appears under its name only when it is whole.
 */

/**
 * download() - GET @url and keep the answer
 * @path: file to make or replace; NULL = standard output
 */
must_check int download(const struct call *call, const char *url, const char *path,
			struct error *err);

/* Copies the rest of an answer to a descriptor. */
must_check int download_to(struct http *http, int fd, struct error *err);
