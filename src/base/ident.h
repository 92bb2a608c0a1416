/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * DOC: Identifiers and random bytes
 */

/* Fills @data from the kernel's random generator. */
void random_bytes(void *data, size_t len);

/* Writes @digits lower-case hexadecimal digits and a NUL to @ret. */
void ident_random_hex(char *ret, size_t digits);

/* Hexadecimal of @len bytes, lower case, NUL-terminated: @ret has room for 2 * len + 1. */
void hex_encode(const void *data, size_t len, char *ret);

/* The reverse: exactly @len bytes from 2 * len lower- or upper-case digits; false where it is not
 * that. */
bool hex_decode(const char *text, void *ret, size_t len);
