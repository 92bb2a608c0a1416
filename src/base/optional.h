/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * DOC: Values that may be missing
 *
 * For fields of documents where "not given" means something else than zero. A zeroed one is not
 * given.
 */

struct optional_bool {
	bool set;
	bool value;
};

struct optional_int {
	bool set;
	int64_t value;
};

struct optional_uint {
	bool set;
	uint64_t value;
};
