/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "files/changes.h"
#include "files/objects.h"
#include "oci/digest.h"
#include "store/tar/write.h"

/**
 * DOC: Verbs on an instance's files
 *
 * What manager.h is for life cycles, for files: export, copy in both directions, diff and commit, of
 * instances that run and of those that do not. Owners are told and taken as the instance sees them.
 * Paths are found inside the instance's root and never lead out of it, whatever the instance does to
 * them meanwhile (sys/rootfs.h); of what is found there nothing is executed.
 *
 * The results are those of manager.h; -ENOENT also means that there is nothing at the path.
 */

struct manager;

must_check int manager_path_stat(struct manager *m, const char *ref, const char *path,
				 struct path_stat *ret, struct error *err);

/*
 * Files on their way out: opened first, so that an API can answer with an error or begin its reply. Of
 * an instance that does not run, they may keep it from being started until they are freed.
 */
struct copy_out;
void copy_out_free(struct copy_out *out);
DEFINE_AUTO(struct copy_out, copy_out_free);
#define auto_copy_out auto_(copy_out_freep) struct copy_out

/* The whole root as an image would hold it: without what is mounted in the instance. */
must_check int manager_export(struct manager *m, const char *ref, struct copy_out **ret,
			      struct error *err);

/**
 * manager_copy_out() - the object at a path with all below it
 * @path: Docker's rules: "dir/" must be a folder, "dir/." stands for what is in it
 * @stat: what lies there
 */
must_check int manager_copy_out(struct manager *m, const char *ref, const char *path,
				struct path_stat *stat, struct copy_out **ret, struct error *err);

/* Writes the tar, which ends with its two empty blocks. */
must_check int copy_out_write(struct copy_out *out, tar_sink_fn sink, void *context,
			      struct error *err);

/* An archive on its way in. */
struct copy_in;
void copy_in_free(struct copy_in *in);
DEFINE_AUTO(struct copy_in, copy_in_free);
#define auto_copy_in auto_(copy_in_freep) struct copy_in

struct copy_in_options {
	bool keep_kinds; /* a folder is not replaced by something else, nor the other way round */
	bool own_user;   /* owners become the user that the instance runs as */
};

/**
 * manager_copy_in() - begin to unpack a tar, compressed or not, in a folder of the instance
 * @path: the folder, links followed
 *
 * While an instance that does not run is written to, it is not started.
 */
must_check int manager_copy_in(struct manager *m, const char *ref, const char *path,
			       const struct copy_in_options *options, struct copy_in **ret,
			       struct error *err);
must_check int copy_in_write(struct copy_in *in, const void *data, size_t len, struct error *err);
must_check int copy_in_finish(struct copy_in *in, struct error *err);

/**
 * manager_changes() - what differs from the image, parents first, each folder's names sorted
 * @visit: called with an absolute path; a non-zero answer ends the walk and is returned
 */
must_check int manager_changes(struct manager *m, const char *ref, change_visit_fn visit, void *arg,
			       struct error *err);

/* Bytes that an instance's writable layer takes on the disk. */
must_check int manager_disk_usage(struct manager *m, const char *ref, int64_t *ret,
				  struct error *err);

struct image_settings;

struct commit_options {
	const char *reference; /* name[:tag]; NULL: none */
	const char *author;
	const char *comment;
	bool pause; /* stand still meanwhile, where it runs */
	/* Changes the settings of the new image, which are the instance's at first; NULL: does not. */
	int (*change)(struct image_settings *settings, void *arg, struct error *err);
	void *arg;
};

must_check int manager_commit(struct manager *m, const char *ref,
			      const struct commit_options *options, struct digest *ret,
			      struct error *err);
