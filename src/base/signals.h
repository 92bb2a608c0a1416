/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * DOC: Names of signals
 *
 * As kill(1) and Docker's clients write them.
 */

/* Enough for the longest name. */
#define SIGNAL_NAME 16

/**
 * signal_parse() - number of a signal
 * @text: "SIGKILL", "kill", "9", "RTMIN+3", "SIGRTMAX-1"
 *
 * Return: 1 to 64; 0 where it is none.
 */
int signal_parse(const char *text);

/**
 * signal_name() - name of a signal
 * @number: 1 to 64; another one gives its digits
 * @ret:    receives "SIGKILL" or "SIGRTMIN+3"
 *
 * Return: @ret.
 */
const char *signal_name(int number, char ret[SIGNAL_NAME]);
