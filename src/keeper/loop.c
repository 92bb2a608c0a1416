/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/loop.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"

#define ROUND_MAX 16

struct loop {
	int epoll_fd;
	struct epoll_event
		round[ROUND_MAX]; /* told in this turn; data.ptr NULL: removed meanwhile */
	int count;
};

struct loop *loop_new(struct error *err)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0) {
		(void)error_set(err, errno, "make an event loop");
		return NULL;
	}
	struct loop *l = xnew(struct loop);
	l->epoll_fd = fd;
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close_p(&l->epoll_fd);
	free(l);
}

int loop_add(struct loop *l, struct source *s, struct error *err)
{
	struct epoll_event e = { .events = s->events, .data.ptr = s };
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &e) < 0)
		return error_set(err, errno, "wait for a descriptor");
	s->loop = l;
	return 0;
}

void loop_watch(struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };
	if (!s->loop || s->events == events)
		return;
	s->events = events;
	(void)epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

void loop_remove(struct source *s)
{
	struct loop *l = s->loop;
	if (!l)
		return;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	s->loop = NULL;
	for (int i = 0; i < l->count; i++) {
		if (l->round[i].data.ptr == s)
			l->round[i].data.ptr = NULL;
	}
}

int loop_turn(struct loop *l, int timeout_ms, struct error *err)
{
	int n = epoll_wait(l->epoll_fd, l->round, ROUND_MAX, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : error_set(err, errno, "wait for events");
	l->count = n;
	for (int i = 0; i < n; i++) {
		struct source *s = l->round[i].data.ptr;
		if (s)
			s->ready(s, l->round[i].events);
	}
	l->count = 0;
	return 0;
}
