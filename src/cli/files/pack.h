/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "store/tar/write.h"

/**
 * pack_path() - write a file or folder as tar
 * @path:   what the user named; its last part is looked at itself unless @follow
 * @name:   its name in the archive; "" = a folder's content only
 * @follow: where it is a symbolic link, pack what it leads to
 */
must_check int pack_path(struct tar_writer *w, const char *path, const char *name, bool follow,
			 struct error *err);
