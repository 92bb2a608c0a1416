/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Pseudoterminals of a given devpts instance
 *
 * The multiplexer is given as an open descriptor that is checked to be one; the other end comes
 * from TIOCGPTPEER, so that no name in /dev/pts is ever looked up.
 */

/**
 * pty_open() - make a pair
 * @ptmx_fd:     open "ptmx" of a devpts; becomes the master
 * @ret_peer_fd: receives the terminal end
 */
must_check int pty_open(int ptmx_fd, int *ret_peer_fd, struct error *err);

/* Sets a terminal's size; either end will do. 0 or a negative errno. */
int pty_resize(int fd, uint16_t rows, uint16_t cols);
