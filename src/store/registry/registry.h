/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "oci/auth.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/platform.h"
#include "oci/reference.h"

/**
 * DOC: Registries
 *
 * A client of the OCI distribution specification, on libcurl. What comes back is untrusted:
 *
 * - Only bytes whose digest, size and media type were promised by something already checked reach
 *   the store; every answer has a cap, every wait a deadline.
 * - Credentials go to the host and scheme they were stored for, and to the token server that this
 *   host names if it is of the same site or was allowed by the operator; no redirect and no
 *   Location carries them anywhere else.
 * - https with verified certificates; plain http only for registries on the loopback interface or
 *   those the operator calls insecure. No other protocol, whatever a server says.
 *
 * One client serves the whole engine, from any thread: pulls that want the same layer share it.
 * Layers of one pull come in side by side; a cut connection is taken up where it broke.
 */
struct registry_client;
struct store;

struct registry_config {
	const char *certs_dir;       /* <dir>/<host[:port]>/{*.crt,*.cert,*.key}; NULL: none */
	const struct strv *insecure; /* "host", "host:port" or CIDR: plain http allowed there */
	const struct strv
		*token_servers; /* "host[:port]" that may get any registry's credentials */
	unsigned parallel;      /* layers at once for one pull or push; 0: 3 */
	unsigned attempts;      /* of one transfer that breaks; 0: 6 */
	int connect_timeout_ms; /* 0: 20 s */
	int answer_timeout_ms;  /* manifests, tokens and other small answers; 0: 60 s */
	int stall_timeout_ms;   /* a transfer that gives (almost) nothing; 0: 30 s */
	int backoff_ms;         /* before the first repetition, doubling; 0: 300 ms */
};

/* @config is copied; NULL gives the defaults. */
struct registry_client *registry_client_new(const struct registry_config *config);
void registry_client_free(struct registry_client *client);
DEFINE_AUTO(struct registry_client, registry_client_free);
#define auto_registry_client auto_(registry_client_freep) struct registry_client

enum registry_phase {
	REGISTRY_WAITING,     /* for its turn, or for another pull of the same layer */
	REGISTRY_DOWNLOADING, /* and unpacking: both happen in one pass */
	REGISTRY_COMPLETE,    /* verified and stored */
	REGISTRY_EXISTS,      /* was here (pull) or there (push) already */
	REGISTRY_RETRYING,    /* the connection broke */
	REGISTRY_UPLOADING,
	REGISTRY_UPLOADED,
	REGISTRY_MOUNTED, /* the registry took it from another repository */
};

struct registry_progress {
	const struct digest *digest; /* blob of the layer */
	enum registry_phase phase;
	uint64_t done_bytes;
	uint64_t total_bytes;
	const char *from; /* REGISTRY_MOUNTED: the other repository */
};

/**
 * registry_progress_fn - tells how a transfer goes on
 *
 * Called from the transfer's threads, one call at a time, for each layer at most some ten times a
 * second besides its changes of phase. The first call for each layer comes in the manifest's order.
 *
 * Return: false to cancel.
 */
typedef bool (*registry_progress_fn)(void *context, const struct registry_progress *progress);

struct registry_options {
	const struct auth *auth;       /* NULL: anonymous */
	registry_progress_fn progress; /* NULL: none */
	void *context;
};

struct registry_pulled {
	struct digest image;    /* id */
	struct digest manifest; /* of the image itself */
	struct digest digest;   /* what the reference led to: the index' where it led to one */
	bool up_to_date;        /* nothing changed */
};

/**
 * registry_pull() - fetch an image into the store
 * @ref:      name with a tag or a digest (reference_default_tag()); with both, the digest decides
 *            and no tag is set
 * @platform: which image of an index, normalized; NULL: this machine's. Where it is given, an
 *            image for another platform is refused.
 * @ret:      receives what came
 *
 * Return: 0; -ENOENT where the registry does not have it (or not for the platform); -EACCES where
 *         it wants (other) credentials; -EBADMSG for content that is not what was promised;
 *         -ECANCELED; -ETIMEDOUT, -ECONNREFUSED and others of the network; errors of the store.
 */
must_check int registry_pull(struct registry_client *client, struct store *store,
			     const struct reference *ref, const struct platform *platform,
			     const struct registry_options *options, struct registry_pulled *ret,
			     struct error *err);

struct registry_pushed {
	struct digest digest; /* of the manifest */
	uint64_t size;        /* of the manifest, in bytes */
};

/**
 * registry_push() - send an image to its registry
 * @ref: name with a tag that the store knows
 *
 * Layers that the registry has, or can take from another of its repositories, are not sent.
 */
must_check int registry_push(struct registry_client *client, struct store *store,
			     const struct reference *ref, const struct registry_options *options,
			     struct registry_pushed *ret, struct error *err);

/**
 * registry_login() - check credentials
 * @domain:    a reference's domain, such as "docker.io" or "localhost:5000"
 * @auth:      what to check
 * @ret_token: receives an identity token to be stored instead of the password, or NULL where the
 *             registry gives none; the caller frees it by secret_free()
 *
 * Return: 0; -EACCES where the registry refuses them.
 */
must_check int registry_login(struct registry_client *client, const char *domain,
			      const struct auth *auth, char **ret_token, struct error *err);

/**
 * registry_tags() - the tags of a repository
 * @ret: receives them; at most 10,000
 */
must_check int registry_tags(struct registry_client *client, const struct reference *ref,
			     const struct registry_options *options, struct strv *ret,
			     struct error *err);

/* What a registry says of a reference: GET /distribution/<name>/json. */
struct registry_description {
	char *media_type;
	struct digest digest;
	uint64_t size;
	struct platform *platforms;
	size_t platform_count;
};
void registry_description_done(struct registry_description *d);

/* Asks a registry for the manifest of @ref without fetching the image. */
must_check int registry_describe(struct registry_client *client, const struct reference *ref,
				 const struct registry_options *options,
				 struct registry_description *ret, struct error *err);

/* The domain of a server as it is written in credentials: Docker Hub's URL gives "docker.io". */
char *registry_domain_of_server(const char *server);
