/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "base/strv.h"

/**
 * filter_json() - Docker's form of --filter KEY=VALUE
 * @filters: as given
 * @ret:     receives {"key": {"value": true}} as text, or NULL where there are none; the caller's
 *
 * Return: 0, or -EINVAL for a filter without '='.
 */
must_check int filter_json(const struct strv *filters, char **ret, struct error *err);
