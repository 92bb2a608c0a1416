/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "cli/manual.h"
#include "cli/verbs.h"

#define PAGE_MAX (4U << 20)

static int write_page(int dir, const char *name, const struct strbuf *page, struct error *err)
{
	auto_free char *file = xasprintf("%s.1", name);

	return write_file_at(dir, file, page->data, page->len, 0644, false, err);
}

static int write_all(const char *path, struct error *err)
{
	auto_strbuf page = STRBUF_INIT(PAGE_MAX);
	auto_close int dir = path_open_dir(path, 0755, err);
	if (dir < 0)
		return dir;

	manual_program(&page);
	int r = write_page(dir, "berth", &page, err);
	for (size_t i = 0; verbs[i] && r == 0; i++) {
		if (verbs[i]->hidden)
			continue;
		auto_free char *name = manual_name(verbs[i]);
		strbuf_clear(&page);
		manual_verb(verbs[i], &page);
		r = write_page(dir, name, &page, err);
	}
	return r;
}

static int run(struct call *call)
{
	struct error err = {};
	int r = write_all(call->operands[0], &err);

	return r < 0 ? call_fail(call, NULL, &err) : 0;
}

const struct verb verb_man = {
	.names = (const char *const[]){ "man", NULL },
	.operands = "FOLDER",
	.help = "Write the man pages into a folder",
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_FOLDER,
	.hidden = true,
	.local = true,
	.run = run,
};
