/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm-spares.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "instance/keeper-protocol.h"
#include "sys/process-fd.h"

/* Host ids for QEMU that nothing else uses. */
#define UID_BASE 0x6f000000u
#define END_TIMEOUT_MS 5000
#define UID_COUNT 0x10000u

void vm_spares_init(struct vm_spares *spares)
{
	*spares = (struct vm_spares){ .templates_fd = -1 };
	(void)pthread_mutex_init(&spares->lock, NULL);
}

void vm_spares_done(struct vm_spares *spares)
{
	vm_spares_drop(spares);
	(void)pthread_mutex_destroy(&spares->lock);
}

void vm_spare_free(struct vm_spares *spares, struct vm_spare *spare)
{
	siginfo_t info;
	if (!spare)
		return;
	/* The end of the connection ends it in order: its machine and its control group go with it. */
	close_p(&spare->socket);
	if (spare->pidfd >= 0) {
		if (pidfd_wait_end(spare->pidfd, END_TIMEOUT_MS) < 0)
			(void)pidfd_send_signal(spare->pidfd, SIGKILL, NULL, 0);
		(void)waitid(P_PIDFD, (id_t)spare->pidfd, &info, WEXITED);
	}
	close_p(&spare->pidfd);
	if (spare->disk[0])
		(void)unlinkat(spares->templates_fd, spare->disk, 0);
	free(spare);
}

bool vm_spare_key_equal(const struct vm_spare_key *a, const struct vm_spare_key *b)
{
	return strcmp(a->image_id, b->image_id) == 0 &&
	       a->shape.memory_bytes == b->shape.memory_bytes && a->shape.cpus == b->shape.cpus &&
	       a->disk_bytes == b->disk_bytes && a->is_volatile == b->is_volatile;
}

static struct vm_spare *take_at(struct vm_spares *spares, size_t at)
{
	struct vm_spare *spare = spares->items[at];
	memmove(spares->items + at, spares->items + at + 1,
		(--spares->count - at) * sizeof(*spares->items));
	return spare;
}

/* Drops spares that ended by themselves. */
static void sweep(struct vm_spares *spares)
{
	for (size_t i = 0; i < spares->count;) {
		if (pidfd_ended(spares->items[i]->pidfd))
			vm_spare_free(spares, take_at(spares, i));
		else
			i++;
	}
}

/* A keeper whose machine has practised says so by one packet. */
static bool is_ready(const struct vm_spare *spare)
{
	struct pollfd p = { .fd = spare->socket, .events = POLLIN };
	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

struct vm_spare *vm_spares_take(struct vm_spares *spares, const struct vm_spare_key *key)
{
	struct vm_spare *found = NULL;
	(void)pthread_mutex_lock(&spares->lock);
	sweep(spares);
	for (size_t i = 0; i < spares->count && !found; i++)
		if (vm_spare_key_equal(&spares->items[i]->key, key) && is_ready(spares->items[i]))
			found = take_at(spares, i);
	(void)pthread_mutex_unlock(&spares->lock);
	return found;
}

static uint32_t next_uid(struct vm_spares *spares)
{
	return UID_BASE + spares->next_uid++ % UID_COUNT;
}

uint32_t vm_spares_uid(struct vm_spares *spares)
{
	(void)pthread_mutex_lock(&spares->lock);
	uint32_t uid = next_uid(spares);
	(void)pthread_mutex_unlock(&spares->lock);
	return uid;
}

size_t vm_spares_ready(struct vm_spares *spares)
{
	size_t count = 0;
	(void)pthread_mutex_lock(&spares->lock);
	sweep(spares);
	for (size_t i = 0; i < spares->count; i++)
		count += is_ready(spares->items[i]);
	(void)pthread_mutex_unlock(&spares->lock);
	return count;
}

void vm_spares_drop(struct vm_spares *spares)
{
	(void)pthread_mutex_lock(&spares->lock);
	while (spares->count > 0)
		vm_spare_free(spares, take_at(spares, 0));
	(void)pthread_mutex_unlock(&spares->lock);
}

bool vm_spares_begin(struct vm_spares *spares, const struct vm_spare_key *key, uint32_t *ret_uid)
{
	(void)pthread_mutex_lock(&spares->lock);
	sweep(spares);
	bool wanted = !spares->making && spares->wanted > 0;
	for (size_t i = 0; i < spares->count; i++)
		wanted = wanted && !vm_spare_key_equal(&spares->items[i]->key, key);
	if (wanted) {
		spares->making = true;
		*ret_uid = next_uid(spares);
	}
	(void)pthread_mutex_unlock(&spares->lock);
	return wanted;
}

void vm_spares_end(struct vm_spares *spares, struct vm_spare *spare_take)
{
	struct vm_spare *oldest = NULL;
	(void)pthread_mutex_lock(&spares->lock);
	spares->making = false;
	if (spare_take && spares->count == spares->wanted)
		oldest = take_at(spares, 0);
	if (spare_take)
		spares->items[spares->count++] = spare_take;
	(void)pthread_mutex_unlock(&spares->lock);
	vm_spare_free(spares, oldest);
}

int vm_spare_adopt(struct vm_spare *spare, const char *cgroup, const int fds[5], struct error *err)
{
	struct keeper_adoption adoption = { 0 };
	(void)snprintf(adoption.cgroup, sizeof(adoption.cgroup), "%s", cgroup);
	ssize_t n = fd_send(spare->socket, &adoption, sizeof(adoption), fds, 5);
	return n < 0 ? error_set(err, (int)n, "give the instance to its machine") : 0;
}
