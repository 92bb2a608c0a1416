/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/signals.h"

#include <errno.h>
#include <signal.h>

int signals_reset(struct error *err)
{
	static const struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;
	(void)sigemptyset(&none);
	/* SIGKILL, SIGSTOP and libc's own two can not be set, and never were. */
	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &usual, NULL);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? error_set(err, errno, "reset signals")
							 : 0;
}

int signals_ignore(int signal, struct error *err)
{
	static const struct sigaction ignore = { .sa_handler = SIG_IGN };
	return sigaction(signal, &ignore, NULL) < 0
		       ? error_set(err, errno, "ignore signal %d", signal)
		       : 0;
}
