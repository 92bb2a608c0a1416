/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "sys/cgroup-usage.h"

/**
 * DOC: Work that a guest does by itself
 *
 * What an instance's files, processes and numbers are, only the guest of its machine can tell: the
 * writable disk holds a file system that a guest has written, and no other kernel is to mount it. So
 * the engine asks the guest. A piece of work travels as a launch plan whose argv names it
 * (plan->own_work), and is a session like that of a program:
 *
 *	standard input    a tar for COPY_IN
 *	standard output   records, each behind its kind and length: a struct guest_answer, the HEAD, as
 *	                  soon as the work has begun or could not; pieces of data, which are a tar or for
 *	                  CHANGES, PROCESSES and USAGE what is encoded below; another answer, the END
 *
 * In a machine that runs its instance the session is an exec. For an instance that does not run, a
 * machine is started with its disks whose first session is the work: no program of the instance runs,
 * and the host's kernel never sees the disk.
 *
 * The engine believes nothing of what comes back: answers are decoded here with every length checked,
 * a tar is read and written anew (store/tar-relay.h) or taken in as any layer is.
 */

struct plan;

enum guest_work_kind {
	GUEST_WORK_STAT,      /* look at @path */
	GUEST_WORK_COPY_OUT,  /* tar of @path */
	GUEST_WORK_EXPORT,    /* tar of everything */
	GUEST_WORK_COPY_IN,   /* unpack in @path */
	GUEST_WORK_CHANGES,   /* list of struct guest_change */
	GUEST_WORK_LAYER,     /* tar of what changed */
	GUEST_WORK_PROCESSES, /* @path: arguments of ps(1); a table of texts */
	GUEST_WORK_USAGE,     /* struct cgroup_usage */
	GUEST_WORK_UPDATE,    /* sets the limits in the plan's cgroup part */
	GUEST_WORK_COUNT
};

/* Texts are borrowed: of a piece of work that was read, from the plan. */
struct guest_work {
	enum guest_work_kind kind;
	const char *name; /* of the instance, for messages */
	const char *path;
	const char *user; /* COPY_IN: files become this user's; NULL: stay */
	bool keep_kinds;  /* COPY_IN: struct files_unpack */
	bool freeze;      /* LAYER: the instance's processes stand still meanwhile */
};

/* Writes a piece of work into an empty plan. */
void guest_work_to_plan(const struct guest_work *work, struct plan *plan);

/* Return: 0; -EBADMSG where the plan names no work of this form. */
must_check int guest_work_of_plan(const struct plan *plan, struct guest_work *ret,
				  struct error *err);

#define GUEST_LINK_MAX 4096u
#define GUEST_ANSWER_MAX 8192u /* encoded */

enum guest_answer_part { GUEST_ANSWER_HEAD, GUEST_ANSWER_END, GUEST_ANSWER_PARTS };

struct guest_answer {
	uint8_t part;       /* enum guest_answer_part */
	struct error error; /* code 0: done, or begun */
	/* HEAD of STAT and COPY_OUT; the rest of them knows the engine. */
	uint64_t size;
	uint32_t mode;
	int64_t mtime_ns;
	char link[GUEST_LINK_MAX];
};

/* Appends the answer as a record. */
void guest_answer_encode(const struct guest_answer *answer, struct strbuf *out);

#define GUEST_RECORD_HEADER 5u
#define GUEST_DATA_MAX (1u << 20) /* of one record */

/* Writes the header of a record of data, whose @len bytes follow; at most GUEST_DATA_MAX. */
void guest_data_header(size_t len, uint8_t ret[GUEST_RECORD_HEADER]);

enum guest_record { GUEST_RECORD_NONE, GUEST_RECORD_ANSWER, GUEST_RECORD_DATA };

/**
 * guest_record_take() - take the next record off what has come
 * @ret:     receives an answer
 * @ret_len: receives how many bytes of data follow
 *
 * Return: GUEST_RECORD_NONE where it is not there yet (an answer: not as a whole); GUEST_RECORD_ANSWER;
 *         GUEST_RECORD_DATA, of which the header alone was taken; or -EBADMSG.
 */
int guest_record_take(struct strbuf *in, struct guest_answer *ret, size_t *ret_len,
		      struct error *err);

#define GUEST_PATH_MAX 4096u

/* One change: a byte for its kind, an absolute path, a NUL. */
void guest_change_encode(const char *path, uint8_t kind, struct strbuf *out);

/**
 * guest_change_take() - take the first change off what has come
 * @ret_path: receives the path; GUEST_PATH_MAX bytes
 *
 * Return: 1; 0 where none is whole; -EBADMSG where it is none.
 */
int guest_change_take(struct strbuf *in, char *ret_path, uint8_t *ret_kind, struct error *err);

/* A row of a table: how many cells, and each as a text. The first row is the titles. */
struct strv;
#define GUEST_CELLS_MAX 64u
#define GUEST_CELL_BYTES_MAX (128u << 10)
void guest_row_encode(const struct strv *cells, struct strbuf *out);

/* Appends the cells of the first row to @ret; results as above. */
int guest_row_take(struct strbuf *in, struct strv *ret, struct error *err);

#define GUEST_USAGE_BYTES 128u
void guest_usage_encode(const struct cgroup_usage *usage, struct strbuf *out);
must_check int guest_usage_decode(const void *data, size_t len, struct cgroup_usage *ret,
				  struct error *err);
