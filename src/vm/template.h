/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "vm/channel.h"
#include "vm/qemu-command.h"

/**
 * DOC: Templates
 *
 * A machine that was booted once and frozen when its guest was ready: its memory and its devices'
 * state. Every start of that shape is a clone. A template is keyed by all that shapes it: kernel,
 * guest, QEMU, accelerator, processor, memory, number of processors; another key is another
 * template. They lie in <state>/templates, readable by nobody else, and those of another kernel,
 * guest or QEMU are removed.
 *
 *	templates/kernel-<key>, initramfs-<key>   see guest-kernel.h
 *	templates/<key>.memory, <key>.state       a template
 *	templates/empty-<size>.ext4               see disks.h
 *	templates/accelerator                     what the probe measured
 *
 * While the engine runs, a template's memory is a memory file that is sealed against writing: QEMU
 * needs a descriptor that is open for writing even for a private mapping, and a clone that broke out
 * must not be able to change what the next clones start from.
 *
 * Functions may be called from any thread; two that want the same new template wait for one boot.
 */

/* Names of disks in the folder that belong to no instance yet; left ones are removed. */
#define SPARE_DISK_PREFIX "spare-"

/* "<what it was made of>-<processors>" and the terminating zero. */
#define TEMPLATE_KEY_TEXT 40

struct templates;

struct templates_options {
	const char *state_dir;
	const char *qemu;          /* NULL: the distribution's */
	const char *kernel_folder; /* NULL: the usual places */
	const char *guest_path;    /* berth-guest */
	int keeper_fd;             /* berth-keeper, which boots machines in their jail; borrowed */
};

struct machine_shape {
	uint64_t memory_bytes;
	uint32_t cpus;
};

/* A handle on one; the template itself may be removed meanwhile. */
struct template
{
	char key[TEMPLATE_KEY_TEXT];
	struct machine_shape shape;
	int memory_fd; /* sealed */
	struct strbuf state;
	struct channel_counts talk;
	bool is_rooted; /* its guest has an image's disks mounted: image-template.h */
};

/* An empty one, without memory. */
struct template *template_new(const struct machine_shape *shape);
void template_free(struct template *t);
DEFINE_AUTO(struct template, template_free);
#define auto_template auto_(template_freep) struct template

/* Another handle on the same memory, for as long as the caller wants it; NULL where that fails. */
struct template *template_copy(const struct template *t);

/* Memory for a new template, with what @from (-1: nothing) holds. Return: a memory file. */
must_check int template_memory(const struct machine_shape *shape, int from, struct error *err);

/* Takes memory and state of a machine that was frozen, and seals the memory. */
must_check int template_fill(struct template *t, int memory_fd_take, int state_fd,
			     struct error *err);

struct templates_info {
	enum qemu_accelerator accelerator;
	int64_t kvm_loop_ns;      /* 0: not measured */
	char reason[256];         /* why the accelerator is the one it is */
	char kernel[64];          /* release, "" where there is none */
	char qemu[64];            /* path, "" where there is none */
	char missing[ERROR_TEXT]; /* why no machine can start, "" where they can */
};

/* Opens the folder; nothing is looked for before it is needed. */
must_check int templates_new(const struct templates_options *options, struct templates **ret,
			     struct error *err);
void templates_free(struct templates *t);
DEFINE_AUTO(struct templates, templates_free);
#define auto_templates auto_(templates_freep) struct templates

/**
 * templates_get() - the template of a shape, booted first where there is none
 *
 * Return: 0; -ENOENT where QEMU or a kernel is missing, with the command that mends it; or another
 *         negative errno with the reason why the machine did not boot.
 */
must_check int templates_get(struct templates *t, const struct machine_shape *shape,
			     struct template **ret, struct error *err);

/* One that is kept, as it is listed. */
struct template_entry {
	char key[TEMPLATE_KEY_TEXT];
	struct machine_shape shape;
	uint64_t size_bytes; /* on disk */
};

/**
 * templates_list() - tell of every template that is kept
 * @visit: called for each, in no order; a negative answer ends the walk
 *
 * Return: 0, what @visit answered, or a negative errno.
 */
must_check int templates_list(struct templates *t,
			      int (*visit)(const struct template_entry *entry, void *arg),
			      void *arg, struct error *err);

/**
 * templates_remove() - remove a template; machines that were started from it go on
 * @key: its key; NULL for all
 * @ret_count: receives how many were removed
 *
 * Return: 0, -ENOENT where there is none of that key, or another negative errno.
 */
must_check int templates_remove(struct templates *t, const char *key, size_t *ret_count,
				struct error *err);

/* What machines are started with, for `berth info`. */
void templates_describe(struct templates *t, struct templates_info *ret);

const char *templates_qemu(const struct templates *t);
enum qemu_accelerator templates_accelerator(struct templates *t);

/* The folder itself, for disks. Borrowed. */
int templates_fd(const struct templates *t);
