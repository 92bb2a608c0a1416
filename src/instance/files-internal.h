/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "instance/manager-internal.h"

/**
 * DOC: What the files behind files.h share
 */

/**
 * files_open() - see an instance's files for a verb
 *
 * With the record's @verbs held. Asks the state machine and the isolation.
 */
must_check int files_open(struct manager *m, struct record *r, enum instance_verb verb,
			  enum root_use use, struct root_view *ret, struct error *err);

/* Names of the empty places in a writable layer that Berth made to mount on: no one's changes. */
void files_placeholders(int upper_fd, struct strv *ret);
