/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "vm/channel.h"
#include "vm/guest-protocol.h"

/**
 * DOC: What a keeper needs to run a machine
 *
 * The engine decides everything: which QEMU with which arguments, under which user, from which
 * template, with which disks. It travels to the keeper as one memory file, before the descriptors
 * that QEMU gets. Those keep their numbers, so the engine can name them in the arguments; three more
 * are made by the keeper at numbers that are fixed:
 *
 *	MACHINE_FD_QMP       socket, QEMU's monitor
 *	MACHINE_FD_CHANNEL   socket, the guest channel's end
 *	MACHINE_FD_CONSOLE   pipe, what the guest's kernel prints
 *	MACHINE_FD_STATE     socket, a template's device state comes in
 *	MACHINE_FD_FIRST...  the engine's
 *
 * A machine with @state is a clone of a template; without, it boots. One with @make_template is frozen
 * when its guest is ready, and leaves its device state in a file: a template of a size is booted, one
 * of an image is a clone that has its disks mounted (@is_rooted says so of what starts from it).
 */

#define MACHINE_FD_QMP 3
#define MACHINE_FD_CHANNEL 4
#define MACHINE_FD_CONSOLE 5
#define MACHINE_FD_STATE 6
#define MACHINE_FD_FIRST 9

#define MACHINE_BYTES_MAX (4u << 20)
#define MACHINE_STATE_MAX (2u << 20)
#define MACHINE_ARGS_MAX 1024u
#define MACHINE_FDS_MAX 512u

/* What the process that makes a template writes to its caller. */
struct machine_frozen {
	struct error error; /* code 0: made */
	struct channel_counts talk;
};

struct machine {
	char *qemu;       /* absolute path */
	struct strv argv; /* argv[0] included */
	uint32_t uid;     /* of QEMU; its group is the same number */
	uint32_t fd_count;
	bool use_kvm; /* QEMU needs /dev/kvm */
	bool make_template;
	int32_t template_fd;        /* with @make_template: receives the device state; else -1 */
	struct strbuf state;        /* device state of a template */
	struct channel_counts talk; /* how far it had come */
	bool is_rooted;             /* the template's guest has mounted the disks */
	char hostname[GUEST_HOSTNAME_MAX];
	char *cgroup;             /* QEMU's control group ("berth/4f9c"); "" for none */
	int64_t memory_max_bytes; /* of that group */
	/* Others of it, each PLAN_LIMIT_NONE or NULL where there is none. */
	int64_t cpu_quota_us;
	int64_t cpu_period_us;
	int64_t cpu_shares;
	int64_t blkio_weight;
	char *cpuset_cpus;
	char *cpuset_mems;
	bool is_spare;    /* waits for an instance: gets processor time that nobody else wants */
	bool is_volatile; /* the writable disk need not be written back at the end */
	struct guest_root root;
};

void machine_init(struct machine *m);
void machine_done(struct machine *m);
#define auto_machine auto_(machine_done) struct machine

/* Return: 0, or -E2BIG past MACHINE_BYTES_MAX. */
must_check int machine_encode(const struct machine *m, struct strbuf *out, struct error *err);

/* Fills @ret, which was initialised. Return: 0 or -EBADMSG. */
must_check int machine_decode(const void *data, size_t len, struct machine *ret, struct error *err);
