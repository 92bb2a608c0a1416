/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * DOC: Where the guest's kernel comes from
 *
 * A distribution's kernel package, installed or only unpacked: a boot image and the folder of its
 * modules. Looked for below each of these, the newest release first:
 *
 *	<option --guest-kernel>          a folder like the ones below
 *	/usr/lib/berth/guest-kernel      where `./dev setup` unpacks a package
 *	/                                what is installed
 *
 * each holding boot/vmlinuz-<release> and lib/modules/<release> or usr/lib/modules/<release>. A
 * release named "cloud" is preferred: it is built for virtual machines and boots in half the time.
 * Releases before 6.4 are passed over, since their EROFS does not read blocks of 512 bytes.
 *
 * What a machine boots is made once from these and berth-guest, and kept in a folder under a key of
 * the content: the ELF image and the initramfs.
 */

#define GUEST_KEY_TEXT 33
#define GUEST_RELEASE_MIN_MAJOR 6
#define GUEST_RELEASE_MIN_MINOR 4

struct guest_kernel_options {
	const char *folder;     /* or NULL: look in the usual places */
	const char *guest_path; /* berth-guest */
	int cache_fd;           /* folder where the result is kept */
};

struct guest_kernel {
	int kernel_fd;
	int initramfs_fd;
	char key[GUEST_KEY_TEXT];
	char release[64];
};

void guest_kernel_done(struct guest_kernel *k);
#define auto_guest_kernel auto_(guest_kernel_done) struct guest_kernel
#define GUEST_KERNEL_NONE                           \
	{                                           \
		.kernel_fd = -1, .initramfs_fd = -1 \
	}

/**
 * guest_kernel_prepare() - find a kernel and make it ready
 *
 * Return: 0; -ENOENT where there is none, with the command that mends it.
 */
must_check int guest_kernel_prepare(const struct guest_kernel_options *options,
				    struct guest_kernel *ret, struct error *err);
