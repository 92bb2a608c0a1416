/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/blob.h"
#include "store/hash.h"
#include "store/store-internal.h"
#include "store/test-tools.h"

/* A layer with one file that has its own name as content. */
static void add_layer(struct tt_store *s, const char *file, struct layer_info *ret)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	struct error err = { 0 };

	tt_add(&tar, '0', file, NULL, file);
	tt_end(&tar);
	if (tt_ingest(s, &tar, NULL, 0, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void add_image(struct tt_store *s, const char *file, const char *reference,
		      struct digest *ret)
{
	struct layer_info layer;

	add_layer(s, file, &layer);
	tt_commit(s, &layer, 1, reference, file, ret);
}

/* What was made is no longer held. */
static void release(struct tt_store *s)
{
	store_lease_free(s->lease);
	s->lease = store_lease_new(s->store);
}

static void expect_found(struct tt_store *s, const char *text, const struct digest *id)
{
	auto_image *image = NULL;
	struct error err = { 0 };

	if (image_find(s->store, text, &image, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(image->id.text, id->text);
}

static void expect_not_found(struct tt_store *s, const char *text, int code)
{
	struct image *image = NULL;
	struct error err = { 0 };

	assert_int_equal(image_find(s->store, text, &image, &err), code);
}

static void images_are_found_by_the_rules_of_docker(void **state)
{
	auto_tt_store s;
	struct digest a;
	struct digest b;
	char text[256];
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "a", "docker.io/library/app:latest", &a);
	add_image(&s, "b", "localhost:5000/me/app:v1", &b);
	expect_found(&s, "app", &a);
	expect_found(&s, "app:latest", &a);
	expect_found(&s, "docker.io/library/app", &a);
	expect_found(&s, "localhost:5000/me/app:v1", &b);
	expect_found(&s, a.text, &a);
	expect_found(&s, digest_hex(&a), &a);
	(void)snprintf(text, sizeof(text), "%.12s", digest_hex(&b));
	expect_found(&s, text, &b);
	(void)snprintf(text, sizeof(text), "sha256:%.5s", digest_hex(&b));
	expect_found(&s, text, &b);
	expect_not_found(&s, "app:v1", -ENOENT);
	expect_not_found(&s, "other", -ENOENT);
	expect_not_found(&s, "localhost:5000/me/app", -ENOENT);
	expect_not_found(&s, "Not/A:Name", -EINVAL);
	expect_not_found(&s, "abcdefabcdef", -ENOENT);

	struct digest manifest;
	assert_int_equal(image_find_manifest(s.store, "app", &manifest, &err), 0);
	(void)snprintf(text, sizeof(text), "app@%s", manifest.text);
	expect_not_found(&s, text, -ENOENT);
	assert_int_equal(
		image_add_repo_digest(s.store, &a, "docker.io/library/app", &manifest, &err), 0);
	expect_found(&s, text, &a);
	(void)snprintf(text, sizeof(text), "localhost:5000/me/app@%s", manifest.text);
	expect_not_found(&s, text, -ENOENT); /* known under another name only */
}

static void a_beginning_of_two_ids_is_ambiguous(void **state)
{
	auto_tt_store s;
	struct digest ids[17];
	char file[8];
	char seen[16] = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_FOLDER);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		(void)snprintf(file, sizeof(file), "f%zu", i);
		add_image(&s, file, NULL, &ids[i]);
		char first[2] = { digest_hex(&ids[i])[0], '\0' };
		int digit = *first <= '9' ? *first - '0' : *first - 'a' + 10;
		if (seen[digit]++) {
			expect_not_found(&s, first, -ENOTUNIQ);
			return;
		}
	}
	fail();
}

static void a_tag_moves_and_the_old_image_stays_without(void **state)
{
	auto_tt_store s;
	auto_image *old = NULL;
	struct digest a;
	struct digest b;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "a", "app:latest", &a);
	add_image(&s, "b", "app:latest", &b);
	expect_found(&s, "app", &b);
	assert_int_equal(image_find(s.store, a.text, &old, &err), 0);
	assert_int_equal(old->references.count, 0);
	assert_int_equal(image_tag(s.store, a.text, "again", &err), 0);
	expect_found(&s, "again:latest", &a);
	assert_int_equal(image_tag(s.store, "missing", "again", &err), -ENOENT);
	assert_true(image_tag(s.store, "app", "Bad Name", &err) < 0);
}

static void the_last_tag_takes_the_image_with_it(void **state)
{
	auto_tt_store s;
	auto_image_removal first = { 0 };
	auto_image_removal second = { 0 };
	struct digest a;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "a", "app:1", &a);
	assert_int_equal(image_tag(s.store, "app:1", "app:2", &err), 0);
	release(&s);
	assert_int_equal(image_remove(s.store, "app:1", false, &first, &err), 0);
	assert_int_equal(first.untagged.count, 1);
	assert_string_equal(first.untagged.items[0], "app:1");
	assert_int_equal(first.deleted.count, 0);
	assert_int_equal(image_remove(s.store, "app:2", false, &second, &err), 0);
	assert_int_equal(second.deleted.count, 2);
	assert_string_equal(second.deleted.items[0], a.text);
	assert_int_equal(tt_count_files(&s, "layers"), 0);
	assert_int_equal(tt_count_files(&s, "blobs/sha256"), 0);
}

static void layers_that_another_image_has_stay(void **state)
{
	auto_tt_store s;
	auto_image_removal removal = { 0 };
	struct layer_info layers[2];
	struct digest small;
	struct digest big;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_layer(&s, "base", &layers[0]);
	add_layer(&s, "top", &layers[1]);
	tt_commit(&s, layers, 1, "small:1", "small", &small);
	tt_commit(&s, layers, 2, "big:1", "big", &big);
	release(&s);
	assert_int_equal(image_remove(s.store, "big:1", false, &removal, &err), 0);
	assert_int_equal(removal.deleted.count, 2);
	assert_string_equal(removal.deleted.items[1], layers[1].diff_id.text);
	assert_int_equal(tt_count_files(&s, "layers"), 1);
	assert_int_equal(store_verify(s.store, &small, &err), 0);
}

static void an_id_of_several_repositories_needs_force(void **state)
{
	auto_tt_store s;
	auto_image_removal removal = { 0 };
	struct digest a;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "a", "app:1", &a);
	assert_int_equal(image_tag(s.store, "app:1", "other:1", &err), 0);
	release(&s);
	assert_int_equal(image_remove(s.store, a.text, false, &removal, &err), -EBUSY);
	assert_int_equal(image_remove(s.store, a.text, true, &removal, &err), 0);
	assert_int_equal(removal.untagged.count, 2);
}

static void a_lease_protects_what_it_touched(void **state)
{
	auto_tt_store s;
	auto_image_removal removal = { 0 };
	auto_image *image = NULL;
	struct digest a;
	struct layer_info info;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "a", "app:1", &a);
	release(&s);
	assert_int_equal(image_acquire(s.lease, "app:1", &image, &err), 0);
	assert_int_equal(image_remove(s.store, "app:1", true, &removal, &err), -EBUSY);
	release(&s);

	/* A second image with the same layer is on its way in while the first one is removed. */
	add_layer(&s, "a", &info);
	assert_int_equal(image_remove(s.store, "app:1", false, &removal, &err), 0);
	struct digest b;
	tt_commit(&s, &info, 1, "new:1", "b", &b);
	assert_int_equal(store_verify(s.store, &b, &err), 0);
}

struct users {
	const struct digest *id;
	bool runs;
};

static void tell_users(void *context, const struct digest *id, struct strv *running,
		       struct strv *stopped)
{
	const struct users *users = context;

	if (users->id && digest_equal(users->id, id))
		strv_add(users->runs ? running : stopped, "web");
}

static void an_image_in_use_is_not_removed(void **state)
{
	auto_tt_store s;
	auto_image_removal removal = { 0 };
	struct digest a;
	struct users users = { &a, true };
	struct image_prune all = { .all = true };
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	store_set_users(s.store, tell_users, &users);
	add_image(&s, "a", "app:1", &a);
	release(&s);
	assert_int_equal(image_remove(s.store, "app:1", false, &removal, &err), -EBUSY);
	assert_non_null(strstr(err.text, "container web"));
	assert_int_equal(image_remove(s.store, a.text, true, &removal, &err), -EBUSY);
	assert_int_equal(image_prune(s.store, &all, &removal, &err), 0);
	assert_int_equal(removal.deleted.count, 0);

	users.runs = false;
	assert_int_equal(image_remove(s.store, a.text, false, &removal, &err), -EBUSY);
	assert_int_equal(image_remove(s.store, a.text, true, &removal, &err), 0);
	assert_int_equal(removal.deleted.count, 0); /* only untagged: the instance needs it */
	assert_int_equal(store_verify(s.store, &a, &err), 0);
	users.id = NULL;
	assert_int_equal(image_prune(s.store, &all, &removal, &err), 0);
	assert_int_equal(removal.deleted.count, 2);
}

static void prune_takes_what_its_filters_say(void **state)
{
	auto_tt_store s;
	auto_image_removal removal = { 0 };
	auto_strv label = { 0 };
	struct digest ids[3];
	struct error err = { 0 };
	auto_images left = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "tagged", "app:1", &ids[0]);
	add_image(&s, "one", NULL, &ids[1]);
	add_image(&s, "two", NULL, &ids[2]);
	release(&s);
	strv_add(&label, "name=one");
	struct image_prune prune = { .with_labels = &label };
	assert_int_equal(image_prune(s.store, &prune, &removal, &err), 0);
	assert_string_equal(removal.deleted.items[0], ids[1].text);
	prune = (struct image_prune){ .until_ns = 1 };
	assert_int_equal(image_prune(s.store, &prune, &removal, &err), 0);
	prune = (struct image_prune){ 0 };
	assert_int_equal(image_prune(s.store, &prune, &removal, &err), 0);
	assert_int_equal(image_list(s.store, &left, &err), 0);
	assert_int_equal(left.count, 1);
	assert_string_equal(left.items[0]->id.text, ids[0].text);
}

static void history_gives_sizes_to_what_made_layers(void **state)
{
	auto_tt_store s;
	struct digest a;
	struct image_history_rows rows = { 0 };
	struct store_usage usage;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_image(&s, "twelve-bytes", "app:1", &a);
	assert_int_equal(image_history(s.store, &a, &rows, &err), 0);
	assert_int_equal(rows.count, 2);
	assert_string_equal(rows.items[0].created_by, "second");
	assert_int_equal(rows.items[0].size_bytes, 0);
	assert_string_equal(rows.items[1].created_by, "first");
	assert_int_equal(rows.items[1].size_bytes, 12);
	image_history_rows_done(&rows);
	assert_int_equal(store_usage(s.store, &usage, &err), 0);
	assert_int_equal(usage.images, 1);
	assert_int_equal(usage.layers, 1);
	assert_int_equal(usage.size, 12);
	assert_int_equal(usage.reclaimable, 12);
}

/* ---- What belongs together ---- */

static int commit_pair(struct tt_store *s, const struct layer_info *blob,
		       const struct layer_info *layer, struct error *err)
{
	auto_free char *config = xasprintf("{\"architecture\":\"amd64\",\"os\":\"linux\","
					   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
					   "[\"%s\"]}}",
					   layer->diff_id.text);
	struct digest id;
	hash_buffer(DIGEST_SHA256, config, strlen(config), &id);
	auto_free char *manifest = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
		"\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"%s\","
		"\"digest\":\"%s\",\"size\":%llu}]}",
		MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, id.text, strlen(config), blob->media_type,
		blob->blob.text, (unsigned long long)blob->blob_size);
	const struct image_commit commit = {
		.config = config,
		.config_len = strlen(config),
		.manifest = manifest,
		.manifest_len = strlen(manifest),
	};
	return image_commit(s->lease, &commit, NULL, err);
}

static void a_manifest_cannot_pair_a_blob_with_another_layer(void **state)
{
	auto_tt_store s;
	struct layer_info a;
	struct layer_info b;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_layer(&s, "a", &a);
	add_layer(&s, "b", &b);
	assert_int_equal(commit_pair(&s, &a, &b, &err), -ENOENT);
	assert_int_equal(commit_pair(&s, &a, &a, &err), 0);
}

static void a_configuration_must_be_the_one_of_its_manifest(void **state)
{
	auto_tt_store s;
	struct layer_info a;
	struct digest id;
	auto_strbuf manifest = STRBUF_INIT(MANIFEST_SIZE_MAX);
	struct digest digest;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_layer(&s, "a", &a);
	tt_commit(&s, &a, 1, "app:1", "x", &id);
	assert_int_equal(image_find_manifest(s.store, "app:1", &digest, &err), 0);
	assert_int_equal(blob_read(s.store, &digest, &manifest, &err), 0);
	static const char other[] = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":"
				    "{\"type\":\"layers\",\"diff_ids\":[]}}";
	const struct image_commit commit = {
		.config = other,
		.config_len = strlen(other),
		.manifest = strbuf_text(&manifest),
		.manifest_len = manifest.len,
	};
	assert_int_equal(image_commit(s.lease, &commit, NULL, &err), -EBADMSG);
}

/* ---- Layers, mounted ---- */

static void layers_come_topmost_first_and_are_shared(void **state)
{
	auto_tt_store s;
	struct layer_info infos[127];
	struct image_layers *all = NULL;
	struct image_layers *again = NULL;
	struct image_layers *few = NULL;
	struct digest big;
	struct digest small;
	struct digest none;
	char name[16];
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	for (size_t i = 0; i < ARRAY_SIZE(infos); i++) {
		(void)snprintf(name, sizeof(name), "f%zu", i);
		add_layer(&s, name, &infos[i]);
	}
	tt_commit(&s, infos, ARRAY_SIZE(infos), "big:1", "big", &big);
	tt_commit(&s, infos, 2, "small:1", "small", &small);
	tt_commit(&s, infos, 0, "none:1", "none", &none);
	assert_int_equal(image_layers_get(s.store, &big, &all, &err), 0);
	assert_int_equal(all->count, ARRAY_SIZE(infos));
	assert_int_equal(faccessat(all->fds[0], "f126", F_OK, 0), 0);
	assert_int_equal(faccessat(all->fds[126], "f0", F_OK, 0), 0);
	assert_int_equal(image_layers_get(s.store, &big, &again, &err), 0);
	assert_ptr_equal(all, again);
	assert_int_equal(image_layers_get(s.store, &small, &few, &err), 0);
	assert_int_equal(few->count, 2);
	assert_int_equal(few->fds[1], all->fds[126]);
	image_layers_put(s.store, few);
	image_layers_put(s.store, again);
	image_layers_put(s.store, all);
	assert_int_equal(image_layers_get(s.store, &none, &all, &err), 0);
	assert_int_equal(all->count, 0);
	image_layers_put(s.store, all);
}

static void an_opaque_root_hides_the_layers_below(void **state)
{
	auto_tt_store s;
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	struct layer_info infos[2];
	struct image_layers *layers = NULL;
	struct digest id;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_layer(&s, "lower", &infos[0]);
	tt_add(&tar, '0', ".wh..wh..opq", NULL, NULL);
	tt_end(&tar);
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &infos[1], &err), 0);
	tt_commit(&s, infos, 2, "x:1", "x", &id);
	assert_int_equal(image_layers_get(s.store, &id, &layers, &err), 0);
	assert_int_equal(layers->count, 1);
	image_layers_put(s.store, layers);
}

static void a_layer_can_be_cloned_and_lies_below_an_overlay(void **state)
{
	auto_tt_store s;
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	struct layer_info infos[2];
	struct image_layers *layers = NULL;
	struct digest id;
	struct error err = { 0 };
	char lower[128];

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	add_layer(&s, "below", &infos[0]);
	tt_add(&tar, '0', ".wh.below", NULL, NULL);
	tt_add(&tar, '0', "above", NULL, "x");
	tt_end(&tar);
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &infos[1], &err), 0);
	tt_commit(&s, infos, 2, "x:1", "x", &id);
	assert_int_equal(image_layers_get(s.store, &id, &layers, &err), 0);
	auto_close int clone =
		open_tree(layers->fds[0], "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_true(clone >= 0);

	auto_close int context = fsopen("overlay", FSOPEN_CLOEXEC);
	assert_true(context >= 0);
	(void)snprintf(lower, sizeof(lower), "/proc/self/fd/%d:/proc/self/fd/%d", layers->fds[0],
		       layers->fds[1]);
	assert_int_equal(fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", lower, 0), 0);
	assert_int_equal(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
	auto_close int merged = fsmount(context, FSMOUNT_CLOEXEC, 0);
	assert_true(merged >= 0);
	assert_int_equal(faccessat(merged, "above", F_OK, 0), 0);
	assert_int_equal(faccessat(merged, "below", F_OK, 0), -1);
	image_layers_put(s.store, layers);
}

/* Linux before 6.15; in a mount namespace of the test's own. */
static void where_detached_mounts_cannot_be_cloned_layers_are_attached(void **state)
{
	auto_tt_store s;
	auto_image_removal removal = { 0 };
	struct image_layers *layers = NULL;
	struct digest id;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	tt_store_open(&s, STORE_MODE_AUTO);
	if (store_mode(s.store) == STORE_MODE_FOLDER)
		skip();
	s.store->detached_mounts = false;
	add_image(&s, "a", "app:1", &id);
	assert_int_equal(image_layers_get(s.store, &id, &layers, &err), 0);
	auto_close int clone =
		open_tree(layers->fds[0], "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_true(clone >= 0);
	assert_int_equal(faccessat(clone, "a", F_OK, 0), 0);
	image_layers_put(s.store, layers);
	release(&s);
	assert_int_equal(image_remove(s.store, "app:1", false, &removal, &err), 0);
	assert_int_equal(removal.deleted.count, 2);
	assert_int_equal(tt_count_files(&s, "layers"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_found_by_the_rules_of_docker),
		cmocka_unit_test(a_beginning_of_two_ids_is_ambiguous),
		cmocka_unit_test(a_tag_moves_and_the_old_image_stays_without),
		cmocka_unit_test(the_last_tag_takes_the_image_with_it),
		cmocka_unit_test(layers_that_another_image_has_stay),
		cmocka_unit_test(an_id_of_several_repositories_needs_force),
		cmocka_unit_test(a_lease_protects_what_it_touched),
		cmocka_unit_test(an_image_in_use_is_not_removed),
		cmocka_unit_test(prune_takes_what_its_filters_say),
		cmocka_unit_test(history_gives_sizes_to_what_made_layers),
		cmocka_unit_test(a_manifest_cannot_pair_a_blob_with_another_layer),
		cmocka_unit_test(a_configuration_must_be_the_one_of_its_manifest),
		cmocka_unit_test(layers_come_topmost_first_and_are_shared),
		cmocka_unit_test(an_opaque_root_hides_the_layers_below),
		cmocka_unit_test(a_layer_can_be_cloned_and_lies_below_an_overlay),
		cmocka_unit_test(where_detached_mounts_cannot_be_cloned_layers_are_attached),
	};
	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
