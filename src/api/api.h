/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: The API
 *
 * Docker's Engine API, version 1.24 to 1.47, and Berth's own resources below /berth, on one
 * listening socket. What the engine is made of is borrowed: store, registry client and manager stay
 * the engine's and must outlive the API.
 *
 * Berth's own resources:
 *
 *	POST /berth/run                          create, attach, start and wait in one request
 *	POST /berth/instances/{id}/exec          the same for a program in a running instance
 *	GET  /berth/info                         how this engine works on this host
 *	GET  /berth/instances/{id}/oci-config    the OCI runtime configuration of the last start
 *
 * The two compound requests take Docker's create documents as body and want the headers
 * "Connection: Upgrade" and "Upgrade: tcp". After the 101 both directions are bare: what the client
 * sends is the program's standard input, its half-close the input's end; what it gets is Docker's
 * multiplexed stream (frames.h), for terminals too, with control frames on stream 3:
 *
 *	{"created":ID}                            first
 *	{"started":ID,"timing":[{"phase":NAME,"ns":N},…]}   of the start; N since the request's arrival
 *	{"exit":N}                                last; after the instance was removed with AutoRemove
 *	{"exit":125|126|127,"error":TEXT}         last, where it could not be run
 *
 * Query: name, detach (end after "started"), detachKeys, h and w (first size of a terminal). Which
 * streams are attached is said by the body's AttachStdin, AttachStdout and AttachStderr.
 */

#define API_MINOR 47
#define API_MINOR_MIN 24

struct manager;
struct registry_client;
struct store;

struct json_object;

struct api_options {
	int listen_fd; /* stays the caller's */
	struct manager *manager;
	struct store *store;
	struct registry_client *registry;
	const char *state_dir; /* shown by info */
	/* Adds to @ret what virtual machines are started with; NULL: there are none. */
	void (*describe_vm)(struct json_object *ret, void *arg);
	void *describe_vm_arg;
};

struct api;

must_check int api_start(const struct api_options *options, struct api **ret, struct error *err);

/**
 * api_stop() - stop serving; see http_server_stop()
 *
 * Return: false where requests still ran after @timeout_ms: @api is then left as it is and the
 * process should end without touching what was lent to it.
 */
bool api_stop(struct api *api, int timeout_ms);
