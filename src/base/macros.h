/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

/**
 * DOC: Cleanup at the end of scope, and the small words used everywhere
 *
 * A resource is acquired into a variable marked auto_free, auto_close or auto_<object> and released
 * when the variable goes out of scope, on every path. take_ptr() and take_fd() hand it on. An
 * object gets its own word by DEFINE_AUTO(): its destructor must accept NULL.
 */

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define auto_(destructor) __attribute__((cleanup(destructor)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Defines <name>_freep(), to be used as `auto_(name_freep) struct name *x = NULL;`. */
#define DEFINE_AUTO(type, destructor)              \
	static inline void destructor##p(type **p) \
	{                                          \
		if (*p)                            \
			destructor(*p);            \
	}                                          \
	struct destructor##p_needs_semicolon

static inline void free_p(void *p)
{
	free(*(void **)p);
}

/* Closes *fd, keeping errno as it was; a negative descriptor is allowed. */
void close_p(int *fd);

#define auto_free auto_(free_p)
#define auto_close auto_(close_p)

/* Hands on what *p held; the variable is left NULL, so that its cleanup does nothing. */
#define take_ptr(p)                        \
	({                                 \
		typeof(p) *from_ = &(p);   \
		typeof(p) taken_ = *from_; \
		*from_ = NULL;             \
		taken_;                    \
	})

#define take_fd(fd)                  \
	({                           \
		int *from_ = &(fd);  \
		int taken_ = *from_; \
		*from_ = -1;         \
		taken_;              \
	})

/* Hands on a struct that is held by value; the variable is left zeroed. */
#define take_struct(s)                     \
	({                                 \
		typeof(s) *from_ = &(s);   \
		typeof(s) taken_ = *from_; \
		*from_ = (typeof(s)){};    \
		taken_;                    \
	})
