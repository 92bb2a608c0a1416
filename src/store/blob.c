/* SPDX-License-Identifier: Apache-2.0 */
#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/ident.h"
#include "store/hash.h"
#include "store/store-internal.h"

void blob_path(const struct digest *digest, char ret[BLOB_PATH])
{
	snprintf(ret, BLOB_PATH, "%s/%s", digest_algorithm_name(digest), digest_hex(digest));
}

void tmp_name(char ret[TMP_NAME])
{
	char random[33];

	ident_random_hex(random, sizeof(random) - 1);
	snprintf(ret, TMP_NAME, "new-%s", random);
}

int digest_from_db(const char *text, struct digest *ret, struct error *err)
{
	return digest_parse(text ? text : "", ret, err);
}

static int64_t changed_ns(const struct stat *st)
{
	return st->st_ctim.tv_sec * NSEC_PER_SEC + st->st_ctim.tv_nsec;
}

static int remember(struct store *store, int fd, const struct digest *digest, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at blob %s", digest->text);
	return db_run(store->db, err,
		      "REPLACE INTO blob (digest, size, inode, changed_ns) VALUES (?, ?, ?, ?)",
		      "siii", digest->text, (int64_t)st.st_size, (int64_t)st.st_ino,
		      changed_ns(&st));
}

/* True where the file is the one that was stored, unchanged as far as the file system knows. */
static bool is_remembered(struct store *store, const struct stat *st, const struct digest *digest)
{
	auto_db_stmt *stmt = NULL;

	if (db_prepare(store->db, "SELECT size, inode, changed_ns FROM blob WHERE digest = ?",
		       &stmt, NULL) < 0)
		return false;
	db_bind_text(stmt, 1, digest->text);
	return db_step(stmt, NULL) > 0 && db_int(stmt, 0) == st->st_size &&
	       db_int(stmt, 1) == (int64_t)st->st_ino && db_int(stmt, 2) == changed_ns(st);
}

static int check(struct store *store, int fd, const struct stat *st, const struct digest *digest,
		 struct error *err)
{
	struct digest found = { 0 };

	if (is_remembered(store, st, digest))
		return 0;
	int r = hash_file(fd, digest_algorithm(digest), &found, err);
	if (r < 0)
		return r;
	if (!digest_equal(&found, digest))
		return error_say(err, EBADMSG, "blob %s is damaged on disk", digest->text);
	return remember(store, fd, digest, err);
}

int blob_open(struct store *store, const struct digest *digest, uint64_t *ret_size,
	      struct error *err)
{
	char path[BLOB_PATH];
	struct stat st;

	blob_path(digest, path);
	auto_close int fd = openat(store->blobs_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open blob %s", digest->text);
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at blob %s", digest->text);
	int r = check(store, fd, &st, digest, err);
	if (r < 0)
		return r;
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	return take_fd(fd);
}

bool blob_exists(struct store_lease *lease, const struct digest *digest)
{
	lease_pin(lease, digest);
	auto_close int fd = blob_open(lease->store, digest, NULL, NULL);
	if (fd == -EBADMSG)
		blob_drop(lease->store, digest);
	return fd >= 0;
}

void blob_drop(struct store *store, const struct digest *digest)
{
	char path[BLOB_PATH];

	blob_path(digest, path);
	(void)unlinkat(store->blobs_fd, path, 0);
	if (db_run(store->db, NULL, "DELETE FROM blob WHERE digest = ?", "s", digest->text) < 0)
		return; /* the row names no file any more: the next sweep removes it */
}

int blob_place(struct store *store, const char *tmp, int fd, const struct digest *digest,
	       struct error *err)
{
	char path[BLOB_PATH];

	blob_path(digest, path);
	if (renameat(store->tmp_fd, tmp, store->blobs_fd, path) < 0)
		return error_set(err, errno, "place blob %s", digest->text);
	return remember(store, fd, digest, err);
}

static int write_tmp(struct store *store, const char *tmp, const void *data, size_t len,
		     struct error *err)
{
	auto_close int fd = openat(store->tmp_fd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, errno, "make a temporary file");
	int r = write_full(fd, data, len);
	if (r < 0)
		return error_set(err, r, "write a temporary file");
	if (fdatasync(fd) < 0)
		return error_set(err, errno, "sync a temporary file");
	return take_fd(fd);
}

int blob_put(struct store_lease *lease, const void *data, size_t len, const struct digest *expected,
	     struct digest *ret, struct error *err)
{
	struct store *store = lease->store;
	char tmp[TMP_NAME];
	struct digest digest;

	hash_buffer(expected ? digest_algorithm(expected) : DIGEST_SHA256, data, len, &digest);
	if (expected && !digest_equal(expected, &digest))
		return error_say(err, EBADMSG, "content has digest %s instead of %s", digest.text,
				 expected->text);
	if (!blob_exists(lease, &digest)) {
		tmp_name(tmp);
		auto_close int fd = write_tmp(store, tmp, data, len, err);
		int r = fd < 0 ? fd : blob_place(store, tmp, fd, &digest, err);
		if (r < 0) {
			(void)unlinkat(store->tmp_fd, tmp, 0);
			return error_prefix(err, "store blob %s", digest.text);
		}
	}
	if (ret)
		*ret = digest;
	return 0;
}

int blob_read(struct store *store, const struct digest *digest, struct strbuf *ret,
	      struct error *err)
{
	struct digest found;
	uint64_t size = 0;
	size_t before = ret->len;

	auto_close int fd = blob_open(store, digest, &size, err);
	if (fd < 0)
		return fd;
	if (size > ret->cap || !strbuf_reserve(ret, (size_t)size))
		return error_say(err, EFBIG, "blob %s is too large", digest->text);
	ssize_t n = read_full(fd, ret->data + before, (size_t)size);
	if (n < 0)
		return error_set(err, (int)n, "read blob %s", digest->text);

	hash_buffer(digest_algorithm(digest), ret->data + before, (size_t)n, &found);
	if (!digest_equal(&found, digest))
		return error_say(err, EBADMSG, "blob %s is damaged on disk", digest->text);
	ret->len += (size_t)n;
	ret->data[ret->len] = '\0';
	return 0;
}
