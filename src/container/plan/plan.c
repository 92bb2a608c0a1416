/* SPDX-License-Identifier: Apache-2.0 */
#include "container/plan/plan.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define ARENA_BLOCK 8192u

struct plan_arena {
	struct plan_arena *next;
	size_t used;
	size_t size;
	_Alignas(16) char data[];
};

static struct plan_arena *arena_block(struct plan_arena *next, size_t size)
{
	struct plan_arena *a = xmalloc(sizeof(*a) + size);
	a->next = next;
	a->used = 0;
	a->size = size;
	return a;
}

void *plan_alloc(struct plan *p, size_t size)
{
	size_t need = (size + 15) & ~(size_t)15;
	if (!p->arena || p->arena->size - p->arena->used < need)
		p->arena = arena_block(p->arena, need > ARENA_BLOCK ? need : ARENA_BLOCK);
	void *at = p->arena->data + p->arena->used;
	p->arena->used += need;
	return memset(at, 0, need);
}

struct plan *plan_new(void)
{
	struct plan *p = xnew(struct plan);
	p->umask = 022;
	p->stop_signal = SIGTERM;
	p->stop_timeout_ms = 10000;
	p->root.state_fd = PLAN_NO_FD;
	for (int i = 0; i < PLAN_NS_COUNT; i++)
		p->namespaces[i].fd = PLAN_NO_FD;
	p->cgroup.memory_bytes = PLAN_LIMIT_NONE;
	p->cgroup.memory_swap_bytes = PLAN_LIMIT_NONE;
	p->cgroup.memory_low_bytes = PLAN_LIMIT_NONE;
	p->cgroup.cpu_quota_us = PLAN_LIMIT_NONE;
	p->cgroup.cpu_period_us = PLAN_LIMIT_NONE;
	p->cgroup.cpu_shares = PLAN_LIMIT_NONE;
	p->cgroup.pids = PLAN_LIMIT_NONE;
	p->cgroup.blkio_weight = PLAN_LIMIT_NONE;
	p->cgroup.memory_swappiness = PLAN_LIMIT_NONE;
	return p;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (struct plan_arena *a = p->arena, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	free(p);
}

const void *plan_bytes(struct plan *p, const void *data, size_t len)
{
	char *copy = plan_alloc(p, len + 1);
	memcpy(copy, data, len);
	return copy;
}

const char *plan_text(struct plan *p, const char *s)
{
	return s ? plan_bytes(p, s, strlen(s)) : NULL;
}

const char *plan_textf(struct plan *p, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *text = plan_alloc(p, (size_t)(len < 0 ? 0 : len) + 1);
	if (len > 0)
		(void)vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}

void *plan_list_grow(struct plan *p, void **items, uint32_t *count, uint32_t *size,
		     size_t item_size)
{
	if (*count == *size) {
		uint32_t more = *size ? *size * 2 : 8;
		void *grown = plan_alloc(p, more * item_size);
		if (*count)
			memcpy(grown, *items, *count * item_size);
		*items = grown;
		*size = more;
	}
	return memset((char *)*items + (*count)++ * item_size, 0, item_size);
}

struct plan_mount *plan_add_mount(struct plan *p, uint32_t type, const char *target)
{
	struct plan_mount *m = plan_add(p, &p->mounts);
	m->type = type;
	m->target = plan_text(p, target);
	m->source_fd = PLAN_NO_FD;
	return m;
}
