/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macros.h"

/**
 * DOC: Errors
 *
 * A function that can fail returns 0 or a negative errno and fills the `struct error` of its
 * caller. The record is plain data on the caller's stack: no allocation, usable in a child before
 * execve, and it crosses a pipe or a socket whole.
 *
 * The text names the act, the object and the cause, outermost first, on one line, without a full
 * stop: "start web: open memory.max of cgroup 'berth/4f9c': Permission denied". error_set() is
 * called where the failure is seen, error_prefix() where a caller can add the object's name.
 */

#define ERROR_TEXT 512

struct error {
	int code; /* negative errno; 0 while nothing failed */
	char text[ERROR_TEXT];
};

/**
 * error_set() - record a failed system call
 * @err:    record to fill; NULL is allowed
 * @errnum: errno of the failure, positive or negative; 0 is taken for EIO
 * @fmt:    the act and its object; ": " and the system's text for @errnum are appended
 *
 * Return: the negative errno, so that a caller can `return error_set(...)`.
 */
int error_set(struct error *err, int errnum, const char *fmt, ...) printf_like(3, 4);

/**
 * error_say() - record a failure whose cause the text itself tells
 * @err:    record to fill; NULL is allowed
 * @errnum: errno that classifies the failure (EINVAL, ENOENT, EEXIST, EBUSY, EBADMSG, ...)
 * @fmt:    the whole text; nothing is appended
 *
 * Return: the negative errno.
 */
int error_say(struct error *err, int errnum, const char *fmt, ...) printf_like(3, 4);

/**
 * error_prefix() - put "CONTEXT: " before a recorded text
 * @err: record of a failure; NULL is allowed
 * @fmt: the context
 *
 * Return: the code that the record holds.
 */
int error_prefix(struct error *err, const char *fmt, ...) printf_like(2, 3);

/*
 * Tells compilers and analysers what the three promise: the value is negative, so the caller's
 * success path is not reached by `return error_set(...)`.
 */
static inline int error_is_negative(int code)
{
	if (code >= 0)
		__builtin_unreachable();
	return code;
}

#define error_set(err, errnum, ...) error_is_negative(error_set(err, errnum, __VA_ARGS__))
#define error_say(err, errnum, ...) error_is_negative(error_say(err, errnum, __VA_ARGS__))
#define error_prefix(err, ...) error_is_negative(error_prefix(err, __VA_ARGS__))
