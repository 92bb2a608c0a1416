/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: The user's terminal
 *
 * While a program in an instance has a terminal of its own, ours is raw: each key goes there as it
 * is. There is one terminal, so its saved state is the process's; terminal_restore() may be called
 * at any time and any number of times, and is called at exit.
 */

/* Makes standard input raw where it is a terminal; 0 also where it is none. */
must_check int terminal_make_raw(struct error *err);
void terminal_restore(void);

/* The size of the terminal on standard output or input; false where there is none. */
bool terminal_size(uint16_t *ret_rows, uint16_t *ret_cols);

/* True where standard input is a terminal. */
bool terminal_is_input(void);

/**
 * terminal_read_secret() - ask for a password without showing it
 * @prompt: printed before it
 * @ret:    receives the line, at most @room - 1 bytes
 *
 * Return: 0, or -ENOTTY where there is no terminal to ask at.
 */
must_check int terminal_read_secret(const char *prompt, char *ret, size_t room, struct error *err);
