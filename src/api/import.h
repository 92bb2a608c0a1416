/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/http/http.h"

/**
 * import_image() - POST /images/create?fromSrc=-: the request's body, a tar, becomes an image
 *
 * Query: repo, tag, message, platform, changes (instructions of a Dockerfile, one each).
 */
int import_image(struct http_request *rq, void *context, struct error *err);
