/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "container/request/check.h"

/**
 * DOC: The parts of container_request_check(), each in a file of its own
 */

must_check int request_check_limits(const struct container_request *request, struct error *err);
must_check int request_check_sandbox(const struct container_request *request, struct error *err);
must_check int request_check_network(const struct container_request *request, struct error *err);
