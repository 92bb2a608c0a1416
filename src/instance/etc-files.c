/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/etc-files.h"

#include <string.h>

#include "base/strbuf.h"

#define FILE_MAX (1u << 20)
#define HOST_GATEWAY "host-gateway"

static void add_file(struct plan *plan, const char *target, const struct strbuf *content)
{
	struct plan_file *file = plan_add(plan, &plan->files);

	file->target = plan_text(plan, target);
	file->data = plan_bytes(plan, strbuf_text(content), content->len);
	file->len = (uint32_t)content->len;
	file->mode = 0644;
}

static void add_hosts(struct plan *plan, const struct container_request *request,
		      const char *hostname)
{
	auto_strbuf text = STRBUF_INIT(FILE_MAX);

	strbuf_adds(&text, "127.0.0.1\tlocalhost\n"
			   "::1\tlocalhost ip6-localhost ip6-loopback\n"
			   "fe00::\tip6-localnet\n"
			   "ff00::\tip6-mcastprefix\n"
			   "ff02::1\tip6-allnodes\n"
			   "ff02::2\tip6-allrouters\n");
	for (size_t i = 0; i < request->extra_hosts.count; i++) {
		const char *entry = request->extra_hosts.items[i];
		const char *colon = strchr(entry, ':');
		if (colon && strcmp(colon + 1, HOST_GATEWAY) != 0)
			strbuf_addf(&text, "%s\t%.*s\n", colon + 1, (int)(colon - entry), entry);
	}
	if (request->domainname)
		strbuf_addf(&text, "127.0.1.1\t%s.%s %s\n", hostname, request->domainname,
			    hostname);
	else
		strbuf_addf(&text, "127.0.1.1\t%s\n", hostname);
	add_file(plan, "/etc/hosts", &text);
}

static bool line_is(const char *line, const char *word)
{
	size_t len = strlen(word);
	return strncmp(line, word, len) == 0 && (line[len] == ' ' || line[len] == '\t');
}

/* The host's lines that the request does not replace. */
static void copy_resolver(struct strbuf *text, const struct container_request *request,
			  const char *resolv_conf)
{
	for (const char *line = resolv_conf; *line;) {
		size_t len = strcspn(line, "\n");
		bool replaced = (request->dns.count > 0 && line_is(line, "nameserver")) ||
				(request->dns_search.count > 0 &&
				 (line_is(line, "search") || line_is(line, "domain"))) ||
				(request->dns_options.count > 0 && line_is(line, "options"));
		if (!replaced) {
			strbuf_add(text, line, len);
			strbuf_addc(text, '\n');
		}
		line += len + (line[len] == '\n');
	}
}

static void add_resolv_conf(struct plan *plan, const struct container_request *request,
			    const char *resolv_conf)
{
	auto_strbuf text = STRBUF_INIT(FILE_MAX);

	copy_resolver(&text, request, resolv_conf);
	for (size_t i = 0; i < request->dns.count; i++)
		strbuf_addf(&text, "nameserver %s\n", request->dns.items[i]);
	for (size_t i = 0; i < request->dns_search.count; i++)
		strbuf_addf(&text, "%s%s", i == 0 ? "search " : " ", request->dns_search.items[i]);
	if (request->dns_search.count > 0)
		strbuf_addc(&text, '\n');
	for (size_t i = 0; i < request->dns_options.count; i++)
		strbuf_addf(&text, "options %s\n", request->dns_options.items[i]);
	add_file(plan, "/etc/resolv.conf", &text);
}

void etc_files_add(struct plan *plan, const struct container_request *request, const char *hostname,
		   const char *resolv_conf)
{
	auto_strbuf name = STRBUF_INIT(FILE_MAX);

	add_hosts(plan, request, hostname);
	strbuf_addf(&name, "%s\n", hostname);
	add_file(plan, "/etc/hostname", &name);
	add_resolv_conf(plan, request, resolv_conf);
}
