/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/complete/complete.h"
#include "cli/context/context.h"
#include "cli/document.h"

/* The words that only the engine knows come from one request each. */
struct source {
	const char *target;
	const char *list; /* member that holds the list; NULL: the answer itself */
	const char *name; /* member of an item: a text or a list of texts */
	const char *about;
};

static void add_name(const char *lead, const char *prefix, const char *name, const char *about,
		     struct strbuf *ret)
{
	bool instance = *name == '/';

	/* an instance's name with a slash inside is another one's link to it */
	name += instance;
	if (!strstr(name, "<none>") && !(instance && strchr(name, '/')))
		complete_add(lead, name, *about ? about : NULL, prefix, ret);
}

static void ask(const struct call *call, const struct source *source, const char *lead,
		const char *prefix, struct strbuf *ret)
{
	auto_json *answer = NULL;
	struct error ignored;

	if (!call->api || api_get(call->api, source->target, &answer, &ignored) < 0)
		return;
	struct json_object *list = document_at(answer, source->list);
	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *item = document_item(list, i);
		struct json_object *names = document_at(item, source->name);
		const char *about = document_text(item, source->about);
		if (names && json_object_get_type(names) == json_type_string)
			add_name(lead, prefix, json_object_get_string(names), about, ret);
		for (size_t n = 0; n < document_count(names, NULL); n++)
			add_name(lead, prefix, document_text(document_item(names, n), NULL), about,
				 ret);
	}
}

static void add_signals(const char *lead, const char *prefix, struct strbuf *ret)
{
	for (int number = 1; number < SIGRTMIN; number++) {
		const char *name = sigabbrev_np(number);
		if (name)
			complete_add(lead, name, sigdescr_np(number), prefix, ret);
	}
}

static void add_capabilities(const char *lead, const char *prefix, struct strbuf *ret)
{
	static const char *const names[] = {
		"ALL",
		"AUDIT_CONTROL",
		"AUDIT_READ",
		"AUDIT_WRITE",
		"BLOCK_SUSPEND",
		"BPF",
		"CHECKPOINT_RESTORE",
		"CHOWN",
		"DAC_OVERRIDE",
		"DAC_READ_SEARCH",
		"FOWNER",
		"FSETID",
		"IPC_LOCK",
		"IPC_OWNER",
		"KILL",
		"LEASE",
		"LINUX_IMMUTABLE",
		"MAC_ADMIN",
		"MAC_OVERRIDE",
		"MKNOD",
		"NET_ADMIN",
		"NET_BIND_SERVICE",
		"NET_BROADCAST",
		"NET_RAW",
		"PERFMON",
		"SETFCAP",
		"SETGID",
		"SETPCAP",
		"SETUID",
		"SYSLOG",
		"SYS_ADMIN",
		"SYS_BOOT",
		"SYS_CHROOT",
		"SYS_MODULE",
		"SYS_NICE",
		"SYS_PACCT",
		"SYS_PTRACE",
		"SYS_RAWIO",
		"SYS_RESOURCE",
		"SYS_TIME",
		"SYS_TTY_CONFIG",
		"WAKE_ALARM",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		complete_add(lead, names[i], NULL, prefix, ret);
}

static void add_contexts(const struct call *call, const char *lead, const char *prefix,
			 struct strbuf *ret)
{
	auto_json *document = NULL;
	struct error ignored;

	complete_add(lead, CONTEXT_DEFAULT, "The engine of this host", prefix, ret);
	if (context_load(call->globals, &document, &ignored) < 0)
		return;
	struct json_object *contexts = document_at(document, "contexts");
	if (document_count(contexts, NULL) == 0)
		return;
	json_object_object_foreach(contexts, name, entry)
	{
		complete_add(lead, name, document_text(entry, "description"), prefix, ret);
	}
}

void complete_add_words(const struct call *call, enum words kind, const char *lead,
			const char *prefix, struct strbuf *ret)
{
	static const struct source sources[] = {
		[WORDS_INSTANCE] = { "/containers/json?all=1", NULL, "Names", "Image" },
		[WORDS_RUNNING] = { "/containers/json", NULL, "Names", "Image" },
		[WORDS_STOPPED] = { "/containers/json?all=1&filters=%7B%22status%22%3A%5B%22created"
				    "%22%2C%22exited%22%2C%22dead%22%5D%7D",
				    NULL, "Names", "Image" },
		[WORDS_IMAGE] = { "/images/json", NULL, "RepoTags", "-" },
		[WORDS_NETWORK] = { "/networks", NULL, "Name", "Driver" },
		[WORDS_VOLUME] = { "/volumes", "Volumes", "Name", "Driver" },
	};

	if (kind == WORDS_SIGNAL) {
		add_signals(lead, prefix, ret);
	} else if (kind == WORDS_CAPABILITY) {
		add_capabilities(lead, prefix, ret);
	} else if (kind == WORDS_CONTEXT) {
		add_contexts(call, lead, prefix, ret);
	} else if (kind < ARRAY_SIZE(sources) && sources[kind].target) {
		if (kind == WORDS_NETWORK) {
			complete_add(lead, "none", "No network", prefix, ret);
			complete_add(lead, "host", "The host's network", prefix, ret);
		}
		ask(call, &sources[kind], lead, prefix, ret);
	}
}
