/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

#include "base/macros.h"
#include "store/db.h"

/*
 *	image ─┬─ image_layer (diff-ids, lowest first) ─ layer
 *	       ├─ manifest ─ manifest_blob (the compressed layers)
 *	       ├─ tag (one manifest each)
 *	       └─ repo_digest
 *	blob: what is known of each file below blobs/, whether or not a record names it
 *	unpacked: which diff-id each compressed blob was found to have
 */
static const char *const steps[] = {
	"CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL,"
	"  inode INTEGER NOT NULL, changed_ns INTEGER NOT NULL) STRICT;"
	"CREATE TABLE layer (diff_id TEXT PRIMARY KEY, source TEXT NOT NULL,"
	"  tar_size INTEGER NOT NULL, content_size INTEGER NOT NULL, entries INTEGER NOT NULL,"
	"  opaque INTEGER NOT NULL, index_inode INTEGER NOT NULL,"
	"  index_changed_ns INTEGER NOT NULL) STRICT;"
	"CREATE TABLE unpacked (blob TEXT PRIMARY KEY, diff_id TEXT NOT NULL) STRICT;"
	"CREATE TABLE image (id TEXT PRIMARY KEY, manifest TEXT NOT NULL,"
	"  created_ns INTEGER NOT NULL, committed_ns INTEGER NOT NULL,"
	"  size INTEGER NOT NULL, os TEXT NOT NULL, architecture TEXT NOT NULL,"
	"  variant TEXT NOT NULL) STRICT;"
	"CREATE TABLE image_layer (image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"
	"  position INTEGER NOT NULL, diff_id TEXT NOT NULL, PRIMARY KEY (image, position))"
	"  STRICT, WITHOUT ROWID;"
	"CREATE INDEX image_layer_diff_id ON image_layer (diff_id);"
	"CREATE TABLE manifest (digest TEXT PRIMARY KEY,"
	"  image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"
	"  media_type TEXT NOT NULL, size INTEGER NOT NULL) STRICT;"
	"CREATE INDEX manifest_image ON manifest (image);"
	"CREATE TABLE manifest_blob (manifest TEXT NOT NULL REFERENCES manifest ON DELETE CASCADE,"
	"  digest TEXT NOT NULL, PRIMARY KEY (manifest, digest)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX manifest_blob_digest ON manifest_blob (digest);"
	"CREATE TABLE tag (reference TEXT PRIMARY KEY,"
	"  image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"
	"  manifest TEXT NOT NULL) STRICT;"
	"CREATE INDEX tag_image ON tag (image);"
	"CREATE TABLE repo_digest (name TEXT NOT NULL, digest TEXT NOT NULL,"
	"  image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,"
	"  manifest TEXT NOT NULL, PRIMARY KEY (name, digest)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX repo_digest_image ON repo_digest (image);",
};

int schema_migrate(struct db *db, struct error *err)
{
	return db_migrate(db, "store", steps, ARRAY_SIZE(steps), err);
}
