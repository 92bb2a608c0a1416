/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/printable.h"
#include "cli/text.h"

static ssize_t write_printable(void *cookie, const char *data, size_t len)
{
	auto_free char *text = xmemdup(data, len);

	printable_make(text, len, "\n\t");
	int r = write_full((int)(intptr_t)cookie, text, len);
	if (r < 0)
		errno = -r;
	return r < 0 ? 0 : (ssize_t)len;
}

static void guard(FILE **stream, int fd, int buffering)
{
	const cookie_io_functions_t functions = { .write = write_printable };

	if (!text_is_terminal(fd))
		return;
	FILE *guarded = fopencookie((void *)(intptr_t)fd, "w", functions);
	if (!guarded)
		return;
	(void)setvbuf(guarded, NULL, buffering, BUFSIZ);
	*stream = guarded;
}

void screen_guard(void)
{
	guard(&stdout, STDOUT_FILENO, _IOLBF);
	guard(&stderr, STDERR_FILENO, _IOLBF);
}
