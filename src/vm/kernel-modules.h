/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/**
 * DOC: Modules of the guest's kernel
 *
 * A kernel package that is only unpacked has no `modules.dep`: depmod makes that when a package is
 * installed. So what a module needs is read from the module itself (`depends=` in its .modinfo
 * section), and a module is found by its name anywhere below the folder. '-' and '_' are the same in
 * the names of modules. What the kernel has built in (modules.builtin) is not looked for.
 */

struct kernel_module {
	char *name;
	void *data; /* the unpacked object file */
	size_t len;
};

/* Modules in an order in which each finds what it needs loaded. */
struct kernel_modules {
	struct kernel_module *items;
	size_t count;
};

void kernel_modules_done(struct kernel_modules *modules);
#define auto_kernel_modules auto_(kernel_modules_done) struct kernel_modules

/**
 * kernel_modules_load() - read modules and all that they need
 * @dir:   folder of one kernel's modules, such as /lib/modules/6.12.30-cloud-amd64
 * @names: wanted modules, NULL-terminated; a name that begins with '?' may be missing
 * @ret:   receives them
 *
 * Return: 0; -ENOENT where a module is neither there nor built in, -EBADMSG where one is damaged.
 */
must_check int kernel_modules_load(const char *dir, const char *const names[],
				   struct kernel_modules *ret, struct error *err);

/**
 * kernel_module_depends() - the names that a module's `depends=` lists
 * @data: the unpacked object file
 * @ret:  receives the list separated by commas, borrowed from @data; "" where it needs none
 *
 * Return: 0, or -EBADMSG where it is not a module.
 */
must_check int kernel_module_depends(const void *data, size_t len, const char **ret,
				     struct error *err);
