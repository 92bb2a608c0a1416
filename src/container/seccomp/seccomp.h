/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/runtime-config.h"

/**
 * DOC: From a seccomp profile to a loaded-as-is program
 *
 * A profile is a `struct runtime_seccomp`: an OCI configuration has one, seccomp_profile_parse()
 * makes one of Docker's JSON, seccomp_profile_default() is Berth's own. seccomp_compile() turns it
 * into the classic BPF that seccomp(2) takes. Compiling takes milliseconds, so the start path asks
 * a `struct seccomp_cache`, which keeps programs by the profile's content in memory and in a
 * folder.
 *
 * Every comparison of an argument whose kernel type is narrower than 64 bits (a socket family, an
 * ioctl number, clone's flags, a personality) looks at the low 32 bits only: the kernel drops the
 * others, so a filter that saw them could be talked past.
 */

/* A compiled profile; embedded, seccomp_program_done() releases. */
struct seccomp_program {
	struct sock_filter *instructions;
	size_t count;   /* 0: no filter at all */
	uint64_t flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};

void seccomp_program_done(struct seccomp_program *program);
#define auto_seccomp_program auto_(seccomp_program_done) struct seccomp_program

/**
 * seccomp_profile_default() - Berth's built-in profile
 * @capabilities: bounding set of the container; some system calls come with one
 * @ret:          receives the profile; released with runtime_seccomp_done()
 *
 * An allow list: what is known and not allowed gives EPERM, what is unknown ENOSYS.
 */
void seccomp_profile_default(uint64_t capabilities, struct runtime_seccomp *ret);

/**
 * seccomp_profile_parse() - Docker's profile format
 * @text:         bytes of the JSON
 * @len:          how many
 * @capabilities: bounding set, decides the rules with "includes" and "excludes"
 * @ret:          receives the profile; untouched on failure
 *
 * Return: 0, -EBADMSG.
 */
must_check int seccomp_profile_parse(const char *text, size_t len, uint64_t capabilities,
				     struct runtime_seccomp *ret, struct error *err);

/**
 * seccomp_compile() - make the BPF program of a profile
 *
 * Of a call's rules those with conditions come first, in the profile's order, then the first one
 * without, then the default. A rule is kept even if its action is the default's: it may stand before
 * a wider one. Names that no architecture of the profile has are passed over.
 *
 * Return: 0; -EINVAL for what cannot be said; -ENOTSUP for SCMP_ACT_NOTIFY; -E2BIG.
 */
must_check int seccomp_compile(const struct runtime_seccomp *profile, struct seccomp_program *ret,
			       struct error *err);

struct seccomp_cache;

/**
 * seccomp_cache_new() - a cache over a folder
 * @dir_fd: folder of Berth's own to keep the built-in profile's programs in, borrowed; -1 for none
 *
 * Keeps a bounded number of programs in memory, the oldest make room.
 */
struct seccomp_cache *seccomp_cache_new(int dir_fd);
void seccomp_cache_free(struct seccomp_cache *cache);
DEFINE_AUTO(struct seccomp_cache, seccomp_cache_free);

/**
 * seccomp_cache_get() - the program of a profile
 * @ret: receives a copy; untouched on failure
 *
 * May be called by several threads at once, as its neighbour.
 */
must_check int seccomp_cache_get(struct seccomp_cache *cache, const struct runtime_seccomp *profile,
				 struct seccomp_program *ret, struct error *err);

/**
 * seccomp_cache_get_default() - the program of the built-in profile
 * @capabilities: bounding set of the container
 * @ret:          as of seccomp_cache_get()
 *
 * The second time for a set of capabilities this is one look into a list. A file that cannot be
 * written is no failure: only the next engine's first start is slower.
 */
must_check int seccomp_cache_get_default(struct seccomp_cache *cache, uint64_t capabilities,
					 struct seccomp_program *ret, struct error *err);
