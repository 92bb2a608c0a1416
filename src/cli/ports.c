/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/document.h"

struct port {
	const char *ip;
	const char *type;
	int64_t inner;
	int64_t outer; /* 0: exposed only */
};

static int compare_ports(const void *a, const void *b)
{
	const struct port *x = a;
	const struct port *y = b;
	int64_t by = x->inner != y->inner ? x->inner - y->inner : 0;

	if (by == 0)
		by = strcmp(x->ip, y->ip);
	if (by == 0)
		by = x->outer - y->outer;
	if (by == 0)
		by = strcmp(x->type, y->type);
	return (by > 0) - (by < 0);
}

/* Only exposed ports and those with the same number outside are shown as runs. */
static bool is_mapped(const struct port *p)
{
	return *p->ip && p->outer != p->inner;
}

static bool same_key(const struct port *a, const struct port *b)
{
	return strcmp(a->ip, b->ip) == 0 && strcmp(a->type, b->type) == 0;
}

static void add_comma(struct strbuf *ret)
{
	if (ret->len > 0)
		strbuf_adds(ret, ", ");
}

static void add_address(const struct port *p, struct strbuf *ret)
{
	strbuf_addf(ret, strchr(p->ip, ':') ? "[%s]:" : "%s:", p->ip);
}

/* "80/tcp", "0.0.0.0:80-81->80-81/tcp" */
static void add_run(const struct port *first, int64_t last, struct strbuf *ret)
{
	char range[48];
	int n = snprintf(range, sizeof(range), "%lld", (long long)first->inner);

	if (last != first->inner)
		(void)snprintf(range + n, sizeof(range) - (size_t)n, "-%lld", (long long)last);
	add_comma(ret);
	if (*first->ip) {
		add_address(first, ret);
		strbuf_addf(ret, "%s->", range);
	}
	strbuf_addf(ret, "%s/%s", range, first->type);
}

/* Runs of one address stand between those of another: each is followed to its end. */
static void add_runs(struct port *list, size_t count, struct strbuf *ret)
{
	auto_free bool *done = xcalloc(count + 1, sizeof(*done));

	for (size_t i = 0; i < count; i++) {
		if (done[i] || is_mapped(&list[i]))
			continue;
		int64_t last = list[i].inner;
		for (size_t j = i + 1; j < count; j++) {
			if (done[j] || is_mapped(&list[j]) || !same_key(&list[i], &list[j]) ||
			    list[j].inner != last + 1)
				continue;
			done[j] = true;
			last++;
		}
		add_run(&list[i], last, ret);
	}
}

void ports_text(struct json_object *ports, struct strbuf *ret)
{
	size_t count = document_count(ports, NULL);
	auto_free struct port *list = xcalloc(count + 1, sizeof(*list));

	for (size_t i = 0; i < count; i++) {
		struct json_object *port = document_item(ports, i);
		list[i] = (struct port){
			.ip = document_text(port, "IP"),
			.type = document_text(port, "Type"),
			.inner = document_int(port, "PrivatePort"),
			.outer = document_int(port, "PublicPort"),
		};
	}
	qsort(list, count, sizeof(*list), compare_ports);
	add_runs(list, count, ret);
	for (size_t i = 0; i < count; i++) {
		if (!is_mapped(&list[i]))
			continue;
		add_comma(ret);
		add_address(&list[i], ret);
		strbuf_addf(ret, "%lld->%lld/%s", (long long)list[i].outer,
			    (long long)list[i].inner, list[i].type);
	}
}
