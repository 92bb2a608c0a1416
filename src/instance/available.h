/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/json.h"

struct container_request;

/**
 * DOC: What this engine has
 *
 * A request can be right and still ask for what there is not: networks beside the host's and none,
 * published ports, volumes, health checks. Each is refused by its name when the instance is created,
 * so that nothing that was asked for is left out in silence. What the image alone asks for (its
 * volumes, its health check) is not refused: it is the image's proposal, and docs/docker.md says
 * what becomes of it.
 */

/**
 * available_check() - refuse what the engine does not have
 * @request:  checked already
 * @document: what it was read from, for the parts of Docker's document that a request does not keep
 *
 * Return: 0; -ENOTSUP; -EINVAL for more processors than there are.
 */
must_check int available_check(const struct container_request *request,
			       struct json_object *document, struct error *err);
