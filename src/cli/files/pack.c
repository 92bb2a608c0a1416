/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define PIECE 262144

static void fill_header(struct tar_header *h, const char *name, const struct stat *st)
{
	*h = (struct tar_header){
		.path = name,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
		.rdev = st->st_rdev,
	};
}

/* As many bytes as the header said: a file that shrinks meanwhile is an error, one that grows not.
 */
static int pack_content(struct tar_writer *w, int fd, const char *path, uint64_t size,
			struct error *err)
{
	auto_free char *piece = xmalloc(PIECE);
	uint64_t left = size;

	while (left > 0) {
		ssize_t n = read(fd, piece, left < PIECE ? (size_t)left : PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read %s", path);
		if (n == 0)
			return error_say(err, EIO, "read %s: it became shorter meanwhile", path);
		int r = tar_write_data(w, piece, (size_t)n, err);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return tar_write_pad(w, size, err);
}

static int pack_folder(struct tar_writer *w, int fd, const char *name, const struct stat *st,
		       struct error *err)
{
	const struct tar_tree_options options = { .prefix = *name ? name : NULL };
	struct tar_header h;
	int r = 0;

	if (*name) {
		fill_header(&h, name, st);
		r = tar_write_header(w, &h, err);
	}
	return r < 0 ? r : tar_write_tree(w, fd, &options, err);
}

static int pack_link(struct tar_writer *w, const char *path, const char *name,
		     const struct stat *st, struct error *err)
{
	char target[PATH_MAX];
	struct tar_header h;

	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return error_set(err, errno, "read link %s", path);
	target[n] = '\0';
	fill_header(&h, name, st);
	h.link = target;
	return tar_write_header(w, &h, err);
}

int pack_path(struct tar_writer *w, const char *path, const char *name, bool follow,
	      struct error *err)
{
	struct tar_header h;
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "look at %s", path);
	if (S_ISLNK(st.st_mode)) {
		int r = pack_link(w, path, name, &st, err);
		return r < 0 ? r : tar_write_end(w, err);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return error_say(err, EINVAL, "%s is neither a file nor a folder", path);

	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open %s", path);
	int r;
	if (S_ISDIR(st.st_mode)) {
		r = pack_folder(w, fd, name, &st, err);
	} else {
		fill_header(&h, name, &st);
		r = tar_write_header(w, &h, err);
		if (r == 0)
			r = pack_content(w, fd, path, h.size, err);
	}
	return r < 0 ? r : tar_write_end(w, err);
}
