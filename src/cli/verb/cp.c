/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/files/copy-path.h"
#include "cli/files/download.h"
#include "cli/files/pack.h"
#include "cli/files/path-stat.h"
#include "cli/files/unpack.h"
#include "cli/human.h"
#include "cli/text.h"
#include "cli/verbs.h"

#define PIECE 262144

struct cp_options {
	bool archive;
	bool follow_link;
	bool quiet;
};

static const struct option options[] = {
	{ "archive", 'a', OPTION_FLAG, offsetof(struct cp_options, archive),
	  "Keep owners and groups" },
	{ "follow-link", 'L', OPTION_FLAG, offsetof(struct cp_options, follow_link),
	  "Copy what a symbolic link at the source's end leads to" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct cp_options, quiet),
	  "Say nothing, on a terminal too" },
	{},
};

static void report(const struct call *call, uint64_t bytes)
{
	const struct cp_options *o = call->options;
	char size[HUMAN_TEXT];

	if (o->quiet || !text_is_terminal(STDERR_FILENO))
		return;
	human_size((double)bytes, 3, size);
	(void)fprintf(stderr, "Successfully copied %s to %s\n", size, call->operands[1]);
}

/* ---- Out of an instance ----------------------------------------------------------------------- */

static int open_archive(const struct call *call, const char *instance, const char *path,
			struct http **ret, struct path_stat *ret_stat, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;

	path_stat_url(&url, instance, path);
	const struct http_request request = { .method = "GET", .target = strbuf_text(&url) };
	int r = api_open(call->api, &request, ret, &response, err);
	return r < 0 ? r : path_stat_read(&response, ret_stat, err);
}

static int receive(struct http *http, const struct unpack_options *unpack, uint64_t *ret_bytes,
		   struct error *err)
{
	auto_unpack *u = unpack_new(unpack);
	auto_free char *piece = xmalloc(PIECE);

	for (;;) {
		ssize_t n = http_read(http, piece, PIECE, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return unpack_finish(u, err);
		*ret_bytes += (uint64_t)n;
		int r = unpack_write(u, piece, (size_t)n, err);
		if (r < 0)
			return r;
	}
}

/*
 * Into the folder @dest, or under the name @dest: what is there decides. @base is what the archive's
 * entries begin with; @wanted the name that the user asked for, which alone becomes one of this host:
 * a link of the instance may lead to any other.
 */
static int receive_at(const struct call *call, struct http *http, const char *base,
		      const char *wanted, const struct path_stat *source, const char *dest,
		      struct error *err)
{
	const struct cp_options *o = call->options;
	auto_free char *parent = NULL;
	auto_free char *name = NULL;
	uint64_t bytes = 0;
	struct stat st;

	bool exists = stat(dest, &st) == 0;
	int r = copy_place(dest, exists, exists && S_ISDIR(st.st_mode), wanted, source->is_dir,
			   &parent, &name, err);
	if (r < 0)
		return r;
	auto_close int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set(err, errno, "open folder %s", parent);
	const struct unpack_options unpack = {
		.dir_fd = dir,
		.base = base,
		.name = name,
		.owners = o->archive,
	};
	r = receive(http, &unpack, &bytes, err);
	if (r == 0)
		report(call, bytes);
	return r;
}

static int copy_out(const struct call *call, const char *instance, const char *source,
		    const char *dest, struct error *err)
{
	const struct cp_options *o = call->options;
	auto_free char *path = copy_clean(source);
	auto_free char *wanted = copy_base(path);
	auto_path_stat stat_of = {};
	auto_http *http = NULL;

	if (o->follow_link) {
		auto_path_stat first = {};
		int r = path_stat_get(call, instance, path, &first, err);
		if (r < 0)
			return r;
		if (first.is_link && *first.link) {
			free(path);
			path = copy_clean(first.link);
		}
	}
	int r = open_archive(call, instance, path, &http, &stat_of, err);
	if (r < 0)
		return r;
	if (strcmp(dest, "-") == 0) {
		if (text_is_terminal(STDOUT_FILENO))
			return error_say(err, EINVAL, "refusing to write an archive to a terminal");
		return download_to(http, STDOUT_FILENO, err);
	}
	auto_free char *base = copy_base(path);
	return receive_at(call, http, base, wanted, &stat_of, dest, err);
}

/* ---- Into an instance ------------------------------------------------------------------------- */

/* What is packed and sent. */
struct sending {
	struct http *http;
	const char *path;
	const char *name;
	bool follow;
	uint64_t bytes;
};

static int sink(void *context, const void *data, size_t len, struct error *err)
{
	struct sending *s = context;
	int r = http_body(s->http, data, len, err);

	return r > 0 ? error_say(err, ECANCELED, "the engine has answered already") : r;
}

static int produce(struct http *h, void *arg, struct error *err)
{
	struct sending *s = arg;
	struct tar_writer w = { .sink = sink, .context = s };

	s->http = h;
	int r = pack_path(&w, s->path, s->name, s->follow, err);
	s->bytes = w.written;
	return r;
}

static int put_archive(const struct call *call, const char *instance, const char *folder,
		       struct sending *sending, struct error *err)
{
	const struct cp_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;
	struct http *http = NULL;

	path_stat_url(&url, instance, folder);
	url_query(&url, "noOverwriteDirNonDir", "true");
	if (o->archive)
		url_query(&url, "copyUIDGID", "true");
	auto_close int input = sending ? -1 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	const struct http_request request = {
		.method = "PUT",
		.target = strbuf_text(&url),
		.content_type = "application/x-tar",
		.body_fd = input,
		.produce = sending ? produce : NULL,
		.produce_arg = sending,
	};
	int r = api_open(call->api, &request, &http, &response, err);
	if (r == 0)
		api_close(call->api, http);
	return r;
}

/* What lies at the target, a link there followed once, as Docker does it. */
static int find_target(const struct call *call, const char *instance, char **path, bool *ret_exists,
		       bool *ret_dir, struct error *err)
{
	for (int turn = 0; turn < 2; turn++) {
		auto_path_stat found = {};
		int r = path_stat_get(call, instance, *path, &found, err);
		*ret_exists = r == 0;
		*ret_dir = r == 0 && found.is_dir;
		if (r == -ENOENT)
			return 0;
		if (r < 0 || !found.is_link || !*found.link)
			return r;
		free(*path);
		*path = copy_clean(found.link);
	}
	return 0;
}

static int copy_in(const struct call *call, const char *source, const char *instance,
		   const char *dest, struct error *err)
{
	const struct cp_options *o = call->options;
	auto_free char *path = copy_clean(dest);
	auto_free char *parent = NULL;
	auto_free char *name = NULL;
	bool exists;
	bool is_dir;
	struct stat st;

	int r = find_target(call, instance, &path, &exists, &is_dir, err);
	if (r < 0)
		return r;
	if (strcmp(source, "-") == 0) {
		if (!is_dir)
			return error_say(err, ENOTDIR, "destination \"%s:%s\" must be a directory",
					 instance, dest);
		return put_archive(call, instance, path, NULL, err);
	}
	bool slash = copy_names_folder(source);
	if (fstatat(AT_FDCWD, source, &st, o->follow_link || slash ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "look at %s", source);
	if (slash && !S_ISDIR(st.st_mode))
		return error_say(err, ENOTDIR, "%s is no folder", source);
	auto_free char *base = copy_base(source);
	r = copy_place(path, exists, is_dir, base, S_ISDIR(st.st_mode), &parent, &name, err);
	if (r < 0)
		return r;
	struct sending sending = {
		.path = source,
		.name = name,
		.follow = o->follow_link || slash,
	};
	r = put_archive(call, instance, parent, &sending, err);
	if (r == 0)
		report(call, sending.bytes);
	return r;
}

/* "NAME:PATH": a path that begins with '/' or '.' is one of this host. */
static bool split(char *text, char **ret_path)
{
	char *colon = strchr(text, ':');

	if (text[0] == '/' || text[0] == '.' || !colon || colon == text)
		return false;
	*colon = '\0';
	*ret_path = colon + 1;
	return true;
}

static int run(struct call *call)
{
	auto_free char *from = xstrdup(call->operands[0]);
	auto_free char *to = xstrdup(call->operands[1]);
	char *from_path = NULL;
	char *to_path = NULL;
	struct error err = {};
	int r;

	bool out = split(from, &from_path);
	bool in = split(to, &to_path);
	if (out && in)
		return call_say(call, "copying between containers is not supported");
	if (!out && !in)
		return call_say(call, "must specify at least one container source");
	if (out)
		r = copy_out(call, from, from_path, to, &err);
	else
		r = copy_in(call, from, to, to_path, &err);
	return r < 0 ? call_fail(call, call->operands[0], &err) : 0;
}

const struct verb verb_cp = {
	.names = (const char *const[]){ "cp", "container cp", NULL },
	.operands = "INSTANCE:SOURCE TARGET|- / SOURCE|- INSTANCE:TARGET",
	.help = "Copy files between an instance and this host",
	.details = "With '-' as the source a tar archive is read from standard input and unpacked "
		   "in a folder of the instance; with '-' as the target one is written to standard "
		   "output.",
	.options = { .tables = { options } },
	.options_size = sizeof(struct cp_options),
	.operands_min = 2,
	.operands_max = 2,
	.words = WORDS_FILE,
	.run = run,
};
