/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: The guest's kernel, made ready for a PVH boot
 *
 * A distribution ships `vmlinuz`: a real-mode boot program, a decompressor and the packed ELF file.
 * QEMU's microvm starts an ELF file that carries the PVH note directly, so nothing is decompressed
 * inside the emulated processor, where that alone would cost seconds.
 *
 * Layout: https://docs.kernel.org/arch/x86/boot.html (setup_sects, payload_offset,
 * payload_length, kernel_version) and the Xen note PHYS32_ENTRY (type 18) for PVH.
 */

#define KERNEL_IMAGE_MAX (256U << 20)
#define KERNEL_RELEASE_TEXT 64

/**
 * kernel_image_extract() - take the ELF file out of a boot image
 * @image: a bzImage, or already an ELF file
 * @len:   its length
 * @ret:   receives the ELF file; its cap should be KERNEL_IMAGE_MAX
 *
 * Return: 0; -EBADMSG where it is not a kernel, -ENOTSUP where it cannot be started by PVH or is
 *         packed in a way not known.
 */
must_check int kernel_image_extract(const void *image, size_t len, struct strbuf *ret,
				    struct error *err);

/**
 * kernel_image_release() - the release that a boot image names ("6.12.30-cloud-amd64")
 *
 * Return: 0, or -EBADMSG where the image names none.
 */
must_check int kernel_image_release(const void *image, size_t len, char ret[KERNEL_RELEASE_TEXT],
				    struct error *err);
