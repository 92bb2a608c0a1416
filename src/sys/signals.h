/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * DOC: Signals of the calling process
 */

/* Gives every signal its usual meaning and blocks none: what a program expects to begin with. */
must_check int signals_reset(struct error *err);

/* Ignores one signal. */
must_check int signals_ignore(int signal, struct error *err);
