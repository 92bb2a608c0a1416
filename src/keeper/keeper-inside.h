/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "keeper/keeper.h"

/**
 * DOC: What only the keeper's own files call
 */

/* keeper_deadline() is called after this time; 0 is at once. */
void keeper_arm_deadline(struct keeper *k, uint32_t ms);

/* The keeper itself was told to end: so is the program, first kindly. */
must_check int keeper_stop(struct keeper *k, struct error *err);

/* The time is over that the program, or the clients, were given. */
void keeper_deadline(struct keeper *k);
