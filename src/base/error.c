/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

void close_p(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

static int negative(int errnum)
{
	if (errnum == 0 || errnum == INT_MIN)
		return -EIO;
	return errnum > 0 ? -errnum : errnum;
}

/* A message must stay on one line, whatever names a caller put into it. */
static void flatten(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

int(error_set)(struct error *err, int errnum, const char *fmt, ...)
{
	int code = negative(errnum);
	if (!err)
		return code;

	char text[ERROR_TEXT];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	char cause[128];
	const char *said = strerror_r(-code, cause, sizeof(cause));
	int room = (int)sizeof(err->text) - (int)strlen(said) - 3;
	(void)snprintf(err->text, sizeof(err->text), "%.*s: %s", room, text, said);
	flatten(err->text);
	err->code = code;
	return code;
}

int(error_say)(struct error *err, int errnum, const char *fmt, ...)
{
	int code = negative(errnum);
	if (!err)
		return code;

	char text[ERROR_TEXT];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	memcpy(err->text, text, sizeof(err->text));
	flatten(err->text);
	err->code = code;
	return code;
}

int(error_prefix)(struct error *err, const char *fmt, ...)
{
	if (!err)
		return -EIO;

	char context[ERROR_TEXT];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);

	char text[ERROR_TEXT];
	memcpy(text, err->text, sizeof(text));
	size_t context_len = strlen(context);
	if (context_len > sizeof(text) / 2)
		context_len = sizeof(text) / 2;
	int room = (int)(sizeof(text) - context_len - 3);
	(void)snprintf(err->text, sizeof(err->text), "%.*s: %.*s", (int)context_len, context, room,
		       text);
	flatten(err->text);
	if (err->code >= 0)
		err->code = -EIO;
	return err->code;
}
