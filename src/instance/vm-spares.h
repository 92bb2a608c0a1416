/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "vm/template.h"

/**
 * DOC: Spare machines
 *
 * Where the processor is emulated, most of a machine's start is translating the way from the
 * template to the program. So each start of a machine has another one made ready behind it, with the
 * same image, size and kind of disk: a keeper with a clone that has mounted everything and has
 * carried out a plan once (KEEPER_ARG_SPARE). The next start of that kind takes it over. A spare has
 * run nothing of an instance; its random numbers are its own, and are seeded anew when it is taken.
 *
 * There is one of a kind, and at most VM_SPARES_MAX exist; the oldest gives way. One that still
 * practises is left alone: a machine that starts from the template is there sooner. One that nobody wants ends by itself, one whose
 * engine ends, ends with it.
 */

#define VM_SPARES_MAX 8
#define VM_SPARES_DEFAULT 2

struct vm_spare_key {
	char image_id[80];
	struct machine_shape shape;
	uint64_t disk_bytes;
	bool is_volatile;
};

bool vm_spare_key_equal(const struct vm_spare_key *a, const struct vm_spare_key *b);

struct vm_spare {
	struct vm_spare_key key;
	pid_t pid;
	int pidfd;
	int socket;
	char disk[32]; /* name of its writable disk, in the folder of the templates */
};

struct vm_spares {
	pthread_mutex_t lock;
	int templates_fd;                      /* borrowed */
	struct vm_spare *items[VM_SPARES_MAX]; /* the oldest first */
	size_t count;
	size_t wanted; /* how many there may be, at most VM_SPARES_MAX */
	bool making;   /* one is being made */
	uint32_t next_uid;
};

void vm_spares_init(struct vm_spares *spares);
void vm_spares_done(struct vm_spares *spares);

/* Ends a spare and removes its disk. */
void vm_spare_free(struct vm_spares *spares, struct vm_spare *spare);

/* Takes a spare of this kind that is ready; NULL where there is none. */
struct vm_spare *vm_spares_take(struct vm_spares *spares, const struct vm_spare_key *key);

/* How many wait and have practised. */
size_t vm_spares_ready(struct vm_spares *spares);

/* Ends all that wait. */
void vm_spares_drop(struct vm_spares *spares);

/* A user for a QEMU that belongs to no instance. */
uint32_t vm_spares_uid(struct vm_spares *spares);

/**
 * vm_spares_begin() - whether one more of this kind should be made
 * @ret_uid: receives the user of its QEMU
 *
 * After true, vm_spares_end() has to be called.
 */
bool vm_spares_begin(struct vm_spares *spares, const struct vm_spare_key *key, uint32_t *ret_uid);

/* Adds what was made (@spare_take), or NULL where it failed. */
void vm_spares_end(struct vm_spares *spares, struct vm_spare *spare_take);

/**
 * vm_spare_adopt() - make a spare the keeper of an instance
 * @cgroup: path of the instance's control group
 * @fds:    the descriptors of KEEPER_FD_PLAN to KEEPER_FD_LOG
 */
must_check int vm_spare_adopt(struct vm_spare *spare, const char *cgroup, const int fds[5],
			      struct error *err);
