/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strbuf.h"
#include "container/plan/plan.h"

/* A plan as lines of text for tests; what is empty is left out. */
void plan_print(const struct plan *p, struct strbuf *ret);
