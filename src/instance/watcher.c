/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/watcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "instance/keeper-client.h"

#define STACK_SIZE (256 * 1024)
#define EVENTS_AT_ONCE 32

struct watcher {
	int epoll_fd;
	int stop_fd;
	pthread_t thread;
};

/*
 * The descriptor of an epoll entry tells what it is: a keeper is entered with its connection first,
 * and with its process once that connection has ended. The lowest bit of the pointer says which.
 */
#define PROCESS_BIT ((uintptr_t)1)

static void forget(struct watcher *w, int fd, struct keeper *k)
{
	(void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	keeper_unref(k);
}

static void reap(struct watcher *w, struct keeper *k)
{
	if (waitpid(k->pid, NULL, WNOHANG) != 0)
		forget(w, k->pidfd, k);
}

static void connection_ended(struct watcher *w, struct keeper *k)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uintptr_t)k | PROCESS_BIT };

	if (k->pidfd >= 0 && k->pid > 0) {
		(void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, k->fd, NULL);
		if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, k->pidfd, &event) == 0)
			return; /* with the reference */
	}
	forget(w, k->fd, k);
}

static void read_connection(struct watcher *w, struct keeper *k)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uintptr_t)k };

	switch (keeper_read(k)) {
	case KEEPER_LINK_OPEN:
		return;
	case KEEPER_LINK_RENEWED: /* epoll forgot the old one when it was closed */
		if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, k->fd, &event) == 0)
			return;
		break;
	case KEEPER_LINK_ENDED:
		break;
	}
	connection_ended(w, k);
}

static void *watch(void *arg)
{
	struct watcher *w = arg;
	struct epoll_event events[EVENTS_AT_ONCE];

	for (;;) {
		int n = epoll_wait(w->epoll_fd, events, EVENTS_AT_ONCE, -1);
		for (int i = 0; i < n; i++) {
			uintptr_t word = (uintptr_t)events[i].data.u64;
			struct keeper *k = (struct keeper *)(word & ~PROCESS_BIT);
			if (!k)
				return NULL;
			if (word & PROCESS_BIT)
				reap(w, k);
			else
				read_connection(w, k);
		}
	}
}

int watcher_new(struct watcher **ret, struct error *err)
{
	struct watcher *w = xnew(struct watcher);
	struct epoll_event stop = { .events = EPOLLIN, .data.u64 = 0 };
	pthread_attr_t attributes;

	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	int r = w->epoll_fd < 0 || w->stop_fd < 0 ||
				epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->stop_fd, &stop) < 0
			? -errno
			: 0;
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (r == 0)
		r = -pthread_create(&w->thread, &attributes, watch, w);
	(void)pthread_attr_destroy(&attributes);
	if (r < 0) {
		close_p(&w->epoll_fd);
		close_p(&w->stop_fd);
		free(w);
		return error_set(err, r, "start the watcher of keepers");
	}
	*ret = w;
	return 0;
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	(void)eventfd_write(w->stop_fd, 1);
	(void)pthread_join(w->thread, NULL);
	close_p(&w->epoll_fd);
	close_p(&w->stop_fd);
	free(w);
}

int watcher_add(struct watcher *w, struct keeper *k, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uintptr_t)keeper_ref(k) };

	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, k->fd, &event) < 0) {
		int saved = errno;
		keeper_unref(k);
		return error_set(err, saved, "watch a keeper");
	}
	return 0;
}
