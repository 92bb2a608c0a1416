/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * DOC: Names that the machine's maker and the guest share
 *
 * The guest finds its modules and its disks by these; they are part of every template.
 */

/* Modules in the initramfs, in the order in which they are loaded; with their number. */
#define GUEST_MODULE_FORMAT "/modules/%03u"

/* Serial numbers of the disks. */
#define MACHINE_LAYERS_SERIAL "layers"
/* Below the layers' disk: the node that puts it together from files. */
#define MACHINE_FILES_NODE "files"
#define MACHINE_WRITABLE_SERIAL "writable"
