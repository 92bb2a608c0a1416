/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: How engine and keeper talk
 *
 * The engine spawns one keeper for each start of an instance, with these descriptors:
 *
 *	3 KEEPER_FD_PLAN      memory file with the encoded launch plan (container/plan/plan.h)
 *	4 KEEPER_FD_CONTROL   SOCK_SEQPACKET: the first connection, the keeper's end of a socket pair
 *	5 KEEPER_FD_LISTEN    listening SOCK_SEQPACKET socket, <run>/instances/<id>/keeper.sock, for
 *	                      engines that come later
 *	6 KEEPER_FD_RUN       the folder <run>/instances/<id>: receives "pid" and "exit"
 *	7 KEEPER_FD_LOG       the folder where "log" (and "log.1", ...) is written; /dev/null without
 *	8 KEEPER_FD_FIRST...  the descriptors that the plan names by index, in order
 *
 * and the program's name and the instance's id as arguments; a third argument, KEEPER_ARG_VM, says
 * that the instance is a virtual machine: then KEEPER_FD_FIRST is a memory file with a struct machine
 * (vm/machine.h), QEMU's descriptors follow, and the plan's own descriptors are the guest's. The engine may write requests into its
 * end before it spawns the keeper: those are carried out before the program starts, so a client
 * that was attached so sees every byte.
 *
 * One message is one packet: a header, then the payload that its type names, with descriptors as
 * SCM_RIGHTS. Every request is answered by exactly one KEEPER_REPLY with the request's @serial;
 * events go to every connected engine and have serial 0. Both sides check each length. What an
 * exec's messages mean is told by @exec, a number that the engine chose: 0 is the instance's first
 * process.
 *
 *	engine                                keeper
 *	  ATTACH, EXEC, RESIZE, SIGNAL,  ──►
 *	  PAUSE, RESUME, UPDATE, STATUS,
 *	  HELLO
 *	                                 ◄──  REPLY (a struct error, all zero for "done")
 *	                                 ◄──  STARTED | FAILED      once for each process
 *	                                 ◄──  EXITED                once for each that started
 *	                                 ◄──  ATTACH_DONE           once for each client
 *	                                 ◄──  OOM, STATE, PRESENT, CLEARED
 *	  ACK_EXIT                       ──►  after EXITED or FAILED of process 0: it is recorded
 *
 * An engine that connects later, or again because its connection broke, says HELLO first: what it was
 * not told meanwhile, it learns from the answer.
 *
 * When the first process has ended, the keeper writes the file "exit" (struct keeper_exit) by a
 * rename, tells it to the connected engine, removes the cgroups, tells that as well, and ends: at once where no engine
 * is connected, else after its ACK_EXIT or the end of its connection; attached clients that still
 * read are waited for. The end of the process (or of the connection) says that nothing of it is left
 * in the kernel. An engine that comes later and can not connect reads "exit"; where that is missing
 * as well, the keeper was killed: its instance then died with it, and cgroup_open() with
 * cgroup_kill() of sys/cgroup.h ends what is left.
 */

#define KEEPER_FD_PLAN 3
#define KEEPER_FD_CONTROL 4
#define KEEPER_FD_LISTEN 5
#define KEEPER_FD_RUN 6
#define KEEPER_FD_LOG 7
#define KEEPER_FD_FIRST 8

#define KEEPER_ARG_VM "vm"
/* Instead of an id: no instance is kept, see vm/template.h and vm/accelerator.h. */
#define KEEPER_ARG_TEMPLATE "--template"
#define KEEPER_ARG_PROBE "--probe"
/*
 * A machine that is started before there is an instance for it: the plan is one to practise with,
 * and KEEPER_FD_CONTROL is only for one byte from the keeper when its machine has practised, then one struct keeper_adoption with the descriptors of
 * KEEPER_FD_PLAN to KEEPER_FD_LOG, in their order. Then it is a keeper like any other. It ends where
 * the connection ends before, or nobody wants it for KEEPER_SPARE_S seconds.
 */
#define KEEPER_ARG_SPARE "--spare"
#define KEEPER_SPARE_S 120
/*
 * The same: a user namespace is wanted. Descriptor 3 is a stream socket;
 * one byte comes from there when the process is in its new namespace (an errno where it could not),
 * and it ends when the engine closes its end.
 */
#define KEEPER_ARG_USER_NAMESPACE "--user-namespace"

#define KEEPER_SOCKET_NAME "keeper.sock"
#define KEEPER_EXIT_NAME "exit"
#define KEEPER_PID_NAME "pid" /* decimal process id of the first process and a newline */

#define KEEPER_PAYLOAD_MAX 65536u
#define KEEPER_CONNECTIONS_MAX 4u
#define KEEPER_EXECS_MAX 256u
#define KEEPER_CLIENTS_MAX 64u

enum keeper_message_type {
	/* Requests. */
	KEEPER_ATTACH = 1,   /* struct keeper_attach, bytes that the client sent already; 1 fd */
	KEEPER_EXEC = 2,     /* struct keeper_attach and such bytes; fds: plan, client if any */
	KEEPER_RESIZE = 3,   /* struct keeper_resize */
	KEEPER_SIGNAL = 4,   /* struct keeper_signal */
	KEEPER_PAUSE = 5,    /* nothing */
	KEEPER_RESUME = 6,   /* nothing */
	KEEPER_UPDATE = 7,   /* nothing; fd: a plan whose cgroup part holds the new limits */
	KEEPER_STATUS = 8,   /* nothing; a KEEPER_STATE comes before the reply */
	KEEPER_ACK_EXIT = 9, /* nothing; not answered */
	KEEPER_HELLO = 10, /* nothing; PRESENT, STATE, and EXITED where it has, before the reply */

	/* Events, and the answer. */
	KEEPER_REPLY = 32,       /* struct error */
	KEEPER_STARTED = 33,     /* struct keeper_started */
	KEEPER_FAILED = 34,      /* struct keeper_failed */
	KEEPER_EXITED = 35,      /* struct keeper_exit */
	KEEPER_ATTACH_DONE = 36, /* struct keeper_attach_done */
	KEEPER_OOM = 37,         /* nothing */
	KEEPER_STATE = 38,       /* struct keeper_state */
	KEEPER_PRESENT = 39,     /* struct keeper_present */
	KEEPER_CLEARED = 40,     /* nothing: of the instance nothing is left in the kernel */
};

struct keeper_header {
	uint32_t type;   /* enum keeper_message_type */
	uint32_t serial; /* of the request; 0 in events */
	uint32_t exec;   /* which process; 0 is the first */
	uint32_t length; /* bytes of payload that follow in this packet */
};

enum keeper_attach_flags {
	KEEPER_ATTACH_STDIN = 1 << 0,
	KEEPER_ATTACH_STDOUT = 1 << 1,
	KEEPER_ATTACH_STDERR = 1 << 2,
	KEEPER_ATTACH_MULTIPLEX =
		1 << 3, /* eight bytes of header before each piece; else bare bytes */
	KEEPER_ATTACH_NO_DETACH = 1 << 4, /* no detach keys at all */
	/*
	 * The engine goes on to write to the client afterwards (its own copy of the socket): do not
	 * shut the connection down at the end, only let go of it and say ATTACH_DONE.
	 */
	KEEPER_ATTACH_KEEP_OPEN = 1 << 5,
	KEEPER_ATTACH_FLAGS_ALL = (1 << 6) - 1,
};

#define KEEPER_DETACH_KEYS_MAX 16

struct keeper_attach {
	uint32_t client; /* chosen by the engine; comes back in ATTACH_DONE */
	uint32_t flags;  /* enum keeper_attach_flags */
	uint16_t rows;   /* of a terminal; 0: leave it as it is */
	uint16_t cols;
	uint8_t detach_len; /* 0: ctrl-p, ctrl-q */
	uint8_t detach_keys[KEEPER_DETACH_KEYS_MAX];
	uint8_t unused[3]; /* zero */
};

enum keeper_attach_end {
	KEEPER_ATTACH_END_EOF,      /* the program's output ended and everything was sent */
	KEEPER_ATTACH_END_DETACHED, /* by the detach keys */
	KEEPER_ATTACH_END_CLOSED,   /* the client went away */
};

struct keeper_attach_done {
	uint32_t client;
	uint32_t end; /* enum keeper_attach_end */
};

struct keeper_resize {
	uint16_t rows;
	uint16_t cols;
};

struct keeper_signal {
	uint32_t signal;
	uint32_t all; /* 1: every process of the instance, not only the one named by @exec */
};

/* Phases of a start, in order; see keeper_phase_name(). */
enum keeper_phase {
	KEEPER_PHASE_SPAWNED,  /* the keeper's first instruction */
	KEEPER_PHASE_PLAN,     /* plan read, streams made */
	KEEPER_PHASE_CLONED,   /* process and namespaces exist */
	KEEPER_PHASE_MAPPED,   /* id maps written */
	KEEPER_PHASE_CGROUP,   /* groups made, limits set, process in them */
	KEEPER_PHASE_ROOT,     /* layers shifted, overlay made, sources of mounts opened */
	KEEPER_PHASE_VIEW,     /* inside: file systems of the kernel made */
	KEEPER_PHASE_MOUNTED,  /* inside: root entered, everything in its place */
	KEEPER_PHASE_CONFINED, /* inside: user, capabilities, seccomp */
	KEEPER_PHASE_EXECUTED, /* the program runs */
	KEEPER_PHASE_COUNT
};

struct keeper_started {
	int32_t pid; /* on the host */
	uint32_t unused;
	int64_t started_ns;                   /* wall clock */
	int64_t phase_ns[KEEPER_PHASE_COUNT]; /* CLOCK_MONOTONIC; 0: did not happen */
};

struct keeper_failed {
	int32_t exit_code; /* 125, 126 (can not be executed) or 127 (not found), as Docker's */
	uint32_t unused;
	struct error error;
};

#define KEEPER_EXIT_MAGIC 0x54584542u /* "BEXT" */

/* Payload of EXITED, and the whole content of the file "exit". */
struct keeper_exit {
	uint32_t magic;     /* KEEPER_EXIT_MAGIC */
	int32_t exit_code;  /* 0..255; 128 + signal where a signal ended it */
	int32_t signal;     /* or 0 */
	uint32_t oom;       /* 1: the kernel killed something in it for want of memory */
	uint32_t never_ran; /* 1: the start failed; @error says why */
	uint32_t unused;
	int64_t started_ns;  /* wall clock; 0: never */
	int64_t finished_ns; /* wall clock */
	struct error error;
};

struct keeper_state {
	int32_t pid;     /* of process 0; 0: not running */
	uint32_t paused; /* 1: frozen */
	uint32_t running;
	uint32_t exec_count; /* running beside process 0 */
	int64_t started_ns;
};

/* Who is there beside process 0, for an engine that has not heard everything. */
struct keeper_present {
	uint32_t exec_count;
	uint32_t client_count;
	uint32_t execs[KEEPER_EXECS_MAX];     /* that start or run */
	uint32_t clients[KEEPER_CLIENTS_MAX]; /* numbers that their engines chose */
};

struct keeper_adoption {
	char cgroup[128]; /* the control group that is the instance's */
};

/* A constant word for --timing, such as "cgroup"; "?" for what is none. */
const char *keeper_phase_name(uint32_t phase);
