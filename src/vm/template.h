/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
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

/* Owned by the templates, valid as long as they are. */
struct template
{
	char key[33];
	struct machine_shape shape;
	int memory_fd; /* sealed */
	struct strbuf state;
};

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
			     const struct template **ret, struct error *err);

/* What machines are started with, for `berth info`. */
void templates_describe(struct templates *t, struct templates_info *ret);

const char *templates_qemu(const struct templates *t);
enum qemu_accelerator templates_accelerator(struct templates *t);

/* The folder itself, for disks. Borrowed. */
int templates_fd(const struct templates *t);
