/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "container/request/request.h"
#include "oci/runtime-config.h"

/**
 * DOC: Device nodes that a request brings into a container
 *
 * Looked up on the host at each start: --device names one node or a folder of them; a privileged
 * container gets every node of the host's /dev but terminals and what the container has of its own.
 */
struct device_nodes {
	struct runtime_device *items;
	size_t count;
};

void device_nodes_done(struct device_nodes *nodes);
#define auto_device_nodes auto_(device_nodes_done) struct device_nodes

/**
 * device_nodes_collect() - find the nodes that @request asks for
 * @dev: the host's /dev
 *
 * Return: 0; -EINVAL where a device is none or is not there.
 */
must_check int device_nodes_collect(const struct container_request *request, const char *dev,
				    struct device_nodes *ret, struct error *err);
