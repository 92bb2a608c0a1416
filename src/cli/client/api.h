/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "cli/client/engine.h"
#include "cli/client/http.h"

/**
 * DOC: Requests to the engine
 *
 * A `struct api` keeps at most one idle connection, makes it on first use and again when the server
 * closed it. Requests go without a version in their path, which means the server's own: one round
 * trip less than negotiating, with Berth's engine and with Docker's.
 *
 * A status of 400 or more becomes an error with the engine's own message as its text: 400 -EINVAL,
 * 401 and 403 -EACCES, 404 -ENOENT, 409 -EBUSY, 501 -EOPNOTSUPP, others -EIO.
 */

/* Largest JSON document that is accepted. */
#define API_BODY_MAX (64U << 20)

/* Time for requests that have nothing to wait for. */
#define API_TIMEOUT_MS 120000

struct api;

/* Takes over what @endpoint holds; @trace: tell each request and its answer on standard error. */
struct api *api_new(struct endpoint *endpoint, bool trace);
void api_free(struct api *a);
DEFINE_AUTO(struct api, api_free);
#define auto_api auto_(api_freep) struct api

/**
 * api_json() - one request with JSON bodies
 * @method:  "GET", "POST", "DELETE", "PUT"
 * @target:  path and query
 * @body:    document to send; NULL = none
 * @timeout_ms: 0 = no limit
 * @ret:     receives the answer's document, or NULL where it has none; NULL is allowed
 *
 * Return: 0; 1 where the status was 304 (already as asked); or a negative errno.
 */
must_check int api_json(struct api *a, const char *method, const char *target,
			struct json_object *body, int timeout_ms, struct json_object **ret,
			struct error *err);

/* api_json() with GET, no body and the usual time. */
must_check int api_get(struct api *a, const char *target, struct json_object **ret,
		       struct error *err);
/* api_json() with POST, without the answer. */
must_check int api_post(struct api *a, const char *target, struct json_object *body, int timeout_ms,
			struct error *err);

/**
 * api_open() - a request whose answer is read by the caller
 * @ret_http:     receives a connection of the caller's own
 * @ret_response: receives the head
 *
 * Return: 0 for a status below 400; else a negative errno, as above. For a failure @ret_response
 *         holds the status and whether it was Berth that answered (0 where nobody did).
 */
must_check int api_open(struct api *a, const struct http_request *request, struct http **ret_http,
			struct http_response *ret_response, struct error *err);

/* Gives back a connection that api_open() gave; kept for the next request where it may be. */
void api_close(struct api *a, struct http *http);
