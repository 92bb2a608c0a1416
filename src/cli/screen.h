/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * DOC: What a terminal gets to see
 *
 * Whatever the command line prints through stdio is text about images, instances and errors, and parts
 * of it were written by them. On a terminal it goes through printable_make(); into a pipe or a file it
 * goes as it is. What a user asked to see raw (the output of a program, logs, archives) and the few
 * places that move the cursor themselves do not use stdio.
 */

/* Puts the guard before standard output and standard error, each where it is a terminal. */
void screen_guard(void);
