/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct engine_options;

/**
 * DOC: The engine
 *
 * Puts the parts together, in the order of their layers, and serves until it is told to end. It
 * lives in a mount namespace of its own that receives what the host mounts and gives nothing back:
 * the layers' mounts do not show on the host and end with the engine. Keepers and instances do not
 * end with it: the next engine takes them back.
 */

/**
 * engine_run() - serve until SIGTERM or SIGINT
 *
 * To be called before any thread exists. Return: 0, or a negative errno where it did not come up.
 */
must_check int engine_run(struct engine_options *options, struct error *err);
