/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/image-config.h"
#include "oci/manifest.h"
#include "oci/platform.h"

/**
 * DOC: Images
 *
 * An image's id is the digest of its configuration. Its record has one or more manifests (the same
 * root can be there compressed in several ways), tags ("docker.io/library/debian:13") that each
 * point to one manifest of one image, and repo digests ("docker.io/library/debian@sha256:…") that
 * say under which digest a registry knows it: the index' where the name led to an index.
 *
 * References are kept in full form; reference_familiar() makes the short one.
 */
struct store;
struct store_lease;

struct image {
	struct digest id;
	struct digest manifest; /* the one committed last */
	char *manifest_type;    /* its media type */
	struct platform platform;
	int64_t created_ns;       /* from the configuration; 0 where it says nothing */
	int64_t committed_ns;     /* when it came into this store or was last tagged */
	int64_t size_bytes;       /* content of all layers */
	struct strv references;   /* name:tag, sorted */
	struct strv repo_digests; /* name@digest, sorted */
};

void image_free(struct image *image);
DEFINE_AUTO(struct image, image_free);
#define auto_image auto_(image_freep) struct image

struct images {
	struct image **items;
	size_t count;
};
void images_done(struct images *images);
#define auto_images auto_(images_done) struct images

/* What makes an image; all borrowed. */
struct image_commit {
	const void *config; /* the configuration's bytes */
	size_t config_len;
	const void *manifest; /* the manifest's bytes; NULL: one is made from @layers */
	size_t manifest_len;
	const struct layer_info *layers; /* lowest first; only where @manifest is NULL */
	size_t layer_count;
	const char *const *references; /* tags to set, each with a name and a tag; may be NULL */
	size_t reference_count;
	const char *repo_name; /* name under which @repo_digest is known to a registry; or NULL */
	const struct digest *repo_digest; /* digest that the registry gave; NULL: the manifest's */
};

/**
 * image_commit() - make an image appear
 * @lease: holds all of its layers, which layer_ingest_finish() or layer_exists() gave
 * @ret:   receives the image's id
 *
 * Writes configuration and manifest, checks that manifest, configuration and layers agree, then
 * adds record and tags in one durable transaction. A tag that pointed elsewhere is moved.
 *
 * Return: 0; -EBADMSG where they disagree; -ENOENT where a layer is not here.
 */
must_check int image_commit(struct store_lease *lease, const struct image_commit *commit,
			    struct digest *ret, struct error *err);

/**
 * image_find() - look an image up as Docker does
 * @text: name[:tag], name@digest, id with or without "sha256:", or a beginning of the id
 * @ret:  receives the image
 *
 * Return: 0; -ENOENT "No such image: …"; -EINVAL; -ENOTUNIQ for a beginning that several ids have.
 */
must_check int image_find(struct store *store, const char *text, struct image **ret,
			  struct error *err);

/* The same, and the lease keeps the image from being removed: for who is about to use it. */
must_check int image_acquire(struct store_lease *lease, const char *text, struct image **ret,
			     struct error *err);

/**
 * image_find_manifest() - the manifest that a reference stands for
 * @text: as for image_find(); a tag gives the manifest it was set to, an id the image's last one
 */
must_check int image_find_manifest(struct store *store, const char *text, struct digest *ret,
				   struct error *err);

/* All images, newest first. */
must_check int image_list(struct store *store, struct images *ret, struct error *err);

/* The parsed configuration, digest checked. */
must_check int image_load_config(struct store *store, const struct digest *id,
				 struct image_config **ret, struct error *err);
must_check int image_load_manifest(struct store *store, const struct digest *manifest,
				   struct manifest **ret, struct error *err);

/* Sets @reference (name[:tag], familiar or full) to the image that @text names. */
must_check int image_tag(struct store *store, const char *text, const char *reference,
			 struct error *err);

/* Remembers that a registry knows the manifest under @name (after a push). */
must_check int image_add_repo_digest(struct store *store, const struct digest *id, const char *name,
				     const struct digest *digest, struct error *err);

/* What a removal did, in order, as Docker tells it. */
struct image_removal {
	struct strv untagged; /* familiar references */
	struct strv deleted;  /* digests: image id, then layers' diff-ids */
	int64_t freed_bytes;
};
void image_removal_done(struct image_removal *removal);
#define auto_image_removal auto_(image_removal_done) struct image_removal

/**
 * image_remove() - untag an image, and delete it with its last tag
 * @text:  a reference removes that one; an id removes the image (refused where several repositories
 *         name it, unless @force)
 * @force: also where stopped instances use it: it is then untagged, and its layers stay until they
 * are gone
 *
 * Return: 0; -ENOENT; -EBUSY where instances use it.
 */
must_check int image_remove(struct store *store, const char *text, bool force,
			    struct image_removal *ret, struct error *err);

struct image_prune {
	bool all;                       /* also tagged images that no instance uses */
	int64_t until_ns;               /* only those made before; 0: any */
	const struct strv *with_labels; /* "key" or "key=value"; NULL: any */
	const struct strv *without_labels;
};
must_check int image_prune(struct store *store, const struct image_prune *prune,
			   struct image_removal *ret, struct error *err);

struct image_history_row {
	struct digest id; /* empty where it is not known ("<missing>") */
	int64_t created_ns;
	char *created_by;
	char *comment;
	int64_t size_bytes;
};
struct image_history_rows {
	struct image_history_row *items; /* newest first */
	size_t count;
};
void image_history_rows_done(struct image_history_rows *rows);
must_check int image_history(struct store *store, const struct digest *id,
			     struct image_history_rows *ret, struct error *err);

/**
 * DOC: Layers of an image, mounted
 *
 * Each layer is mounted once, read-only, nosuid and nodev (what counts for a workload are the flags of
 * the overlay on top), and kept; images share the mounts of layers they share. A descriptor is the root of its layer: a detached
 * mount, a mount in the engine's own mount namespace, or in folder mode the folder itself. In each
 * case open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE) in the engine's mount namespace makes a
 * mount of one's own of it (that can be idmapped), and an overlay takes it as a lower layer.
 */
struct image_layers {
	size_t count; /* 0 for an image without layers */
	int *fds;     /* topmost first, the order of overlay's lowerdir */
};

/**
 * image_layers_get() - the mounted layers of an image
 * @ret: receives them, until image_layers_put(); the descriptors stay the store's
 *
 * The first time after the store was opened this mounts them; afterwards it is a look-up in memory.
 *
 * Return: 0; -ENOENT; -EBADMSG where a layer is damaged.
 */
must_check int image_layers_get(struct store *store, const struct digest *id,
				struct image_layers **ret, struct error *err);
void image_layers_put(struct store *store, struct image_layers *layers);

/* The files of one layer, for a virtual machine's block devices; -EOPNOTSUPP in folder mode. */
struct layer_files {
	int tar_fd;   /* the uncompressed tar */
	int index_fd; /* its EROFS index */
};
must_check int layer_open_files(struct store *store, const struct digest *diff_id,
				struct layer_files *ret, struct error *err);
