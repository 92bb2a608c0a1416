/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "store/db.h"
#include "store/layer/ingest.h"
#include "store/store.h"

/*
 * Whatever is given as a layer, compressed or not: it is taken whole, with the digests that its bytes
 * have, or nothing of it is left.
 */

static char folder[] = "/tmp/berth-fuzz-XXXXXX";
static struct db *db;
static struct store *store;

static void remove_folder(void)
{
	store_close(store);
	db_close(db);
	FUZZ_CHECK(path_remove_tree_at(AT_FDCWD, folder, NULL) == 0);
}

static void open_store(void)
{
	struct error err = {};
	char path[64];

	FUZZ_CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/berth.db", folder);
	FUZZ_CHECK(db_open(path, &db, &err) == 0);
	/* Nothing is mounted here, so the mode works anywhere. */
	const struct store_options options = {
		.state_dir = folder,
		.db = db,
		.mode = STORE_MODE_EROFS_FILE,
		.limits = { .layer_bytes = 16u << 20, .layer_entries = 2000 },
	};
	FUZZ_CHECK(store_open(&options, &store, &err) == 0);
	FUZZ_CHECK(atexit(remove_folder) == 0);
}

static int ingest(struct store_lease *lease, const uint8_t *data, size_t size, size_t piece,
		  struct layer_info *ret)
{
	const struct layer_expect expect = { .size = (int64_t)size };
	auto_layer_ingest *g = NULL;
	struct error err = {};

	int r = layer_ingest_begin(lease, &expect, &g, &err);
	for (size_t at = 0; at < size && r == 0; at += piece)
		r = layer_ingest_write(g, data + at, size - at < piece ? size - at : piece, &err);
	if (r == 0)
		r = layer_ingest_finish(g, ret, &err);
	FUZZ_CHECK(r == 0 || err.text[0]);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_info whole;
	struct layer_info pieces;

	if (!store)
		open_store();
	auto_store_lease *lease = store_lease_new(store);
	int r = ingest(lease, data, size, size + 1, &whole);
	FUZZ_CHECK(ingest(lease, data, size, 61, &pieces) == r);
	if (r < 0)
		return 0;
	FUZZ_CHECK(digest_equal(&whole.blob, &pieces.blob));
	FUZZ_CHECK(digest_equal(&whole.diff_id, &pieces.diff_id));
	FUZZ_CHECK(layer_exists(lease, &whole.blob, &whole.diff_id));
	return 0;
}
