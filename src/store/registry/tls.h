/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/registry/url.h"

/**
 * DOC: Certificates of registries
 *
 * As Docker has it: the folder <certs_dir>/<host[:port]>/ holds authorities that are trusted for
 * this server beside the system's (*.crt) and at most one certificate to show (*.cert with the key
 * of the same name, *.key). A file there that cannot be read is an error: a server that the
 * operator has set up is never asked with less.
 */

/**
 * tls_set() - prepare a handle for one server
 * @certs_dir: operator's folder; NULL: none
 * @insecure:  do not verify the server's certificate
 */
must_check int tls_set(CURL *curl, const char *certs_dir, const struct origin *origin,
		       bool insecure, struct error *err);

/* Whether the operator has a folder for this server: then plain http is not tried. */
bool tls_is_configured(const char *certs_dir, const struct origin *origin);
