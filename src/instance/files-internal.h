/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "instance/files.h"
#include "instance/isolation.h"
#include "instance/record.h"

/**
 * DOC: What the files behind files.h share
 *
 * files.c finds the instance, asks the state machine and holds the record's @verbs; an isolation does
 * the rest (struct isolation_files). Files on their way are an object of the isolation's own behind
 * one of these structs, its first member.
 */

struct inflate;

struct copy_out {
	const struct copy_out_ops *ops;
	struct record *r; /* of files.c: whose @verbs are held as long as this lives; or NULL */
	bool exclusive;   /* of the isolation: nothing may start the instance meanwhile */
};

struct copy_out_ops {
	int (*write)(struct copy_out *out, tar_sink_fn sink, void *context, struct error *err);
	void (*free)(struct copy_out *out);
};

struct copy_in {
	const struct copy_in_ops *ops;
	struct record *r;
	bool exclusive;
	struct inflate *inflate; /* of files.c */
};

struct copy_in_ops {
	/* The next bytes, not compressed. */
	int (*write)(struct copy_in *in, const void *data, size_t len, struct error *err);
	int (*finish)(struct copy_in *in, struct error *err);
	void (*free)(struct copy_in *in);
};

extern const struct isolation_files container_files;

/*
 * Refuses, for an instance that does not run, a path into a mount that is there only while it does, and
 * writing where the root is read-only.
 */
must_check int files_check_stopped(const struct record *r, const char *path, bool write,
				   struct error *err);
