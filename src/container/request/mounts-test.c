/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "container/request/json.h"
#include "container/request/mounts.h"

static void mount_done(struct container_mount *m)
{
	container_mount_done(m);
}

static void a_bind_is_read_as_docker_reads_it(void **state)
{
	static const struct {
		const char *text;
		enum container_mount_type type;
		const char *source;
		const char *target;
		bool read_only;
		const char *propagation;
	} cases[] = {
		{ "/a:/b", CONTAINER_MOUNT_BIND, "/a", "/b", false, NULL },
		{ "/a:/b/:ro", CONTAINER_MOUNT_BIND, "/a", "/b", true, NULL },
		{ "/a://b//c:rw,z", CONTAINER_MOUNT_BIND, "/a", "/b/c", false, NULL },
		{ "/a:/b:ro,rslave,Z", CONTAINER_MOUNT_BIND, "/a", "/b", true, "rslave" },
		{ "data:/b", CONTAINER_MOUNT_VOLUME, "data", "/b", false, NULL },
		{ "data.1:/b:ro,nocopy", CONTAINER_MOUNT_VOLUME, "data.1", "/b", true, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_(mount_done) struct container_mount m = {};
		struct error err = {};
		assert_int_equal(container_bind_parse(cases[i].text, &m, &err), 0);
		assert_int_equal(m.type, cases[i].type);
		assert_string_equal(m.source, cases[i].source);
		assert_string_equal(m.target, cases[i].target);
		assert_int_equal(m.read_only, cases[i].read_only);
		if (cases[i].propagation)
			assert_string_equal(m.bind.propagation, cases[i].propagation);
		else
			assert_null(m.bind.propagation);
	}
}

static void a_bind_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/a",
		":/b",
		"/a:",
		"/a:b",
		"/a:/",
		"/a:/b:ro:x",
		"/a:/b:",
		"/a:/b:ro,rw",
		"/a:/b:rx",
		"/a:/../b",
		"/a/../c:/b",
		"../a:/b",
		"a/b:/c",
		"-x:/b",
		"v:/b:shared",
		"/a:/b:nocopy",
		"/a:/b:U",
		"/a:/b\n:ro",
		"/a:/b:slave,shared",
		"a:/b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct container_mount m;
		struct error err = {};
		if (container_bind_parse(bad[i], &m, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(err.text[0]);
	}
}

static void a_tmpfs_takes_flags_and_numbers_only(void **state)
{
	static const char *const bad[] = { "size=",         "size=x",   "mode=9",    "mode=",
					   "mode=77777",    "foo",      "uid=-1",    "uid=a",
					   "context=x",     "size=1k;", "mpol=bind", "huge=always",
					   "uid=4294967295" };
	auto_(mount_done) struct container_mount m = {};
	struct error err = {};

	(void)state;
	assert_int_equal(container_tmpfs_parse("/t/", "size=64m,mode=1770,exec,uid=5,ro", &m, &err),
			 0);
	assert_string_equal(m.target, "/t");
	assert_int_equal(m.tmpfs.size_bytes, 64 << 20);
	assert_int_equal(m.tmpfs.mode, 01770);
	assert_int_equal(m.tmpfs.options.count, 2);
	assert_true(m.read_only);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct container_mount other;
		if (container_tmpfs_parse("/t", bad[i], &other, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	}
	struct container_mount other;
	assert_int_equal(container_tmpfs_parse("t", "", &other, &err), -EINVAL);
}

static int collect(const char *text, const char *image_volume, struct container_mounts *ret,
		   struct error *err)
{
	auto_json *document = NULL;
	auto_container_request request = {};
	auto_strv volumes = {};

	if (json_parse(text, strlen(text), 1 << 16, "request", &document, err) < 0 ||
	    container_request_parse(document, &request, err) < 0)
		fail_msg("%s", err->text);
	if (image_volume)
		strv_add(&volumes, image_volume);
	return container_mounts_collect(&request, &volumes, ret, err);
}

static void parents_come_before_what_lies_below_them(void **state)
{
	auto_container_mounts mounts = {};
	struct error err = {};

	(void)state;
	assert_int_equal(
		collect("{\"Volumes\":{\"/z\":{}},\"HostConfig\":{\"Binds\":[\"/a:/b/c/d\"],"
			"\"Tmpfs\":{\"/b/c\":\"\"},\"Mounts\":[{\"Type\":\"bind\","
			"\"Source\":\"/s\",\"Target\":\"/b\"}]}}",
			"/i", &mounts, &err),
		0);
	assert_int_equal(mounts.count, 5);
	assert_string_equal(mounts.items[0].target, "/b");
	assert_string_equal(mounts.items[1].target, "/i");
	assert_string_equal(mounts.items[2].target, "/z");
	assert_string_equal(mounts.items[3].target, "/b/c");
	assert_string_equal(mounts.items[4].target, "/b/c/d");
}

static void an_anonymous_volume_gives_way_any_other_double_is_refused(void **state)
{
	auto_container_mounts mounts = {};
	auto_container_mounts other = {};
	struct error err = {};

	(void)state;
	assert_int_equal(collect("{\"HostConfig\":{\"Binds\":[\"/a:/v\"]}}", "/v/", &mounts, &err),
			 0);
	assert_int_equal(mounts.count, 1);
	assert_int_equal(mounts.items[0].type, CONTAINER_MOUNT_BIND);
	assert_int_equal(
		collect("{\"HostConfig\":{\"Binds\":[\"/a:/v\",\"/b:/v/\"]}}", NULL, &other, &err),
		-EINVAL);
	assert_string_equal(err.text, "Duplicate mount point: /v");
}

static void a_mount_is_held_to_its_type(void **state)
{
	static const struct {
		const char *mount;
		const char *said;
	} cases[] = {
		{ "\"Type\":\"bind\",\"Target\":\"/t\"",
		  "invalid mount config for type \"bind\": field Source must not be empty" },
		{ "\"Type\":\"bind\",\"Source\":\"/s\"",
		  "invalid mount config for type \"bind\": field Target must not be empty" },
		{ "\"Type\":\"bind\",\"Source\":\"s\",\"Target\":\"/t\"",
		  "invalid mount config for type \"bind\": source path must be an absolute path "
		  "without '..'" },
		{ "\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"t\"",
		  "invalid mount config for type \"bind\": invalid mount path" },
		{ "\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/t\",\"BindOptions\":"
		  "{\"Propagation\":\"x\"}",
		  "invalid mount config for type \"bind\": invalid propagation" },
		{ "\"Type\":\"tmpfs\",\"Source\":\"/s\",\"Target\":\"/t\"",
		  "invalid mount config for type \"tmpfs\": field Source must not be specified" },
		{ "\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/t\",\"VolumeOptions\":"
		  "{\"Subpath\":\"../x\"}",
		  "invalid mount config for type \"volume\": subpath must be a relative path "
		  "within "
		  "the volume" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *text =
			xasprintf("{\"HostConfig\":{\"Mounts\":[{%s}]}}", cases[i].mount);
		struct container_mounts mounts;
		struct error err = {};
		assert_int_equal(collect(text, NULL, &mounts, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].said);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bind_is_read_as_docker_reads_it),
		cmocka_unit_test(a_bind_that_is_none_is_refused),
		cmocka_unit_test(a_tmpfs_takes_flags_and_numbers_only),
		cmocka_unit_test(parents_come_before_what_lies_below_them),
		cmocka_unit_test(an_anonymous_volume_gives_way_any_other_double_is_refused),
		cmocka_unit_test(a_mount_is_held_to_its_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
