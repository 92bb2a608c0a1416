/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "container/plan/plan.h"
#include "container/request/request.h"

/**
 * DOC: /etc/hosts, /etc/hostname and /etc/resolv.conf of a container
 *
 * Made anew for each start from the request, and from the host's own resolver settings where the
 * request has none; they go into the launch plan and never touch the image's files.
 */

/**
 * etc_files_add() - add the three files to a plan
 * @hostname:    the instance's host name
 * @resolv_conf: the host's /etc/resolv.conf, or "" without a network
 */
void etc_files_add(struct plan *plan, const struct container_request *request, const char *hostname,
		   const char *resolv_conf);
