/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct {
	struct termios before;
	bool changed;
	bool registered;
} state;

void terminal_restore(void)
{
	if (state.changed)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &state.before);
	state.changed = false;
}

static int change(const struct termios *to, struct error *err)
{
	if (!state.registered && atexit(terminal_restore) == 0)
		state.registered = true;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, to) < 0)
		return error_set(err, errno, "set up the terminal");
	state.changed = true;
	return 0;
}

int terminal_make_raw(struct error *err)
{
	if (!terminal_is_input() || state.changed)
		return 0;
	if (tcgetattr(STDIN_FILENO, &state.before) < 0)
		return error_set(err, errno, "read the terminal's settings");
	struct termios raw = state.before;
	cfmakeraw(&raw);
	return change(&raw, err);
}

bool terminal_is_input(void)
{
	return isatty(STDIN_FILENO) == 1;
}

bool terminal_size(uint16_t *ret_rows, uint16_t *ret_cols)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 &&
	    ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return false;
	*ret_rows = size.ws_row;
	*ret_cols = size.ws_col;
	return true;
}

int terminal_read_secret(const char *prompt, char *ret, size_t room, struct error *err)
{
	if (!terminal_is_input())
		return error_say(err, ENOTTY,
				 "cannot ask for a password: standard input is no terminal");
	if (tcgetattr(STDIN_FILENO, &state.before) < 0)
		return error_set(err, errno, "read the terminal's settings");
	struct termios silent = state.before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	int r = change(&silent, err);
	if (r < 0)
		return r;

	(void)fputs(prompt, stderr);
	bool got = fgets(ret, (int)room, stdin) != NULL;
	terminal_restore();
	(void)fputc('\n', stderr);
	if (!got)
		return error_say(err, EIO, "no password was given");
	ret[strcspn(ret, "\r\n")] = '\0';
	return 0;
}
