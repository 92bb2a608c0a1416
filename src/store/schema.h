/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct db;

/* Makes the store's tables, or brings them up to date. */
must_check int schema_migrate(struct db *db, struct error *err);
