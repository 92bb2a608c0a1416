/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/mount-spec.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"

static void assert_mount(const char *text, const char *expected)
{
	auto_json *mount = NULL;
	struct error err = {};

	if (mount_spec_parse(text, &mount, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	auto_free char *got = json_text(mount);
	assert_string_equal(got, expected);
}

static void mounts_become_dockers_objects(void **state)
{
	(void)state;
	assert_mount("type=bind,source=/x,target=/y,readonly",
		     "{\"Type\":\"bind\",\"Source\":\"/x\",\"Target\":\"/y\",\"ReadOnly\":true}");
	assert_mount("type=bind,src=/x,dst=/y,ro=false,bind-propagation=rshared",
		     "{\"Type\":\"bind\",\"Source\":\"/x\",\"Target\":\"/y\","
		     "\"BindOptions\":{\"Propagation\":\"rshared\"}}");
	assert_mount("type=tmpfs,destination=/z,tmpfs-size=1m,tmpfs-mode=1770",
		     "{\"Type\":\"tmpfs\",\"Target\":\"/z\","
		     "\"TmpfsOptions\":{\"SizeBytes\":1048576,\"Mode\":1016}}");
	assert_mount("target=/v,source=v,volume-nocopy,volume-driver=local,volume-opt=a=b",
		     "{\"Type\":\"volume\",\"Target\":\"/v\",\"Source\":\"v\",\"VolumeOptions\":{"
		     "\"NoCopy\":true,\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"a\":"
		     "\"b\"}}}}");
	assert_mount("type=bind,src=/x,target=/y,bind-recursive=disabled",
		     "{\"Type\":\"bind\",\"Source\":\"/x\",\"Target\":\"/y\","
		     "\"BindOptions\":{\"NonRecursive\":true}}");
}

static void quotes_protect_commas(void **state)
{
	(void)state;
	assert_mount("type=bind,\"source=/a,\"\"b\",target=/y",
		     "{\"Type\":\"bind\",\"Source\":\"/a,\\\"b\",\"Target\":\"/y\"}");
}

static void bad_mounts_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"foo",
		"type=bind,source=/x",
		"type=bind,source=/x,target=/y,nonsense=1",
		"type=bind,source=/x,target=/y,tmpfs-size=1m",
		"type=tmpfs,target=/y,tmpfs-size=big",
		"type=tmpfs,target=/y,tmpfs-mode=9",
		"type=bind,src=/x,target=/y,readonly=perhaps",
		"type=bind,\"src=/x,target=/y",
		"type=bind,src=/x,target=/y,bind-recursive=sometimes",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_json *mount = NULL;
		struct error err = {};
		assert_int_equal(mount_spec_parse(bad[i], &mount, &err), -EINVAL);
		assert_null(mount);
	}
}

static void volumes_are_binds_or_anonymous(void **state)
{
	auto_json *volumes = json_object_new_object();
	auto_strv binds = {};
	struct error err = {};

	(void)state;
	assert_int_equal(mount_spec_volume("/h:/c:ro", &binds, volumes, &err), 0);
	assert_int_equal(mount_spec_volume("data:/d", &binds, volumes, &err), 0);
	assert_int_equal(mount_spec_volume("/anonymous", &binds, volumes, &err), 0);
	assert_int_equal(binds.count, 2);
	assert_string_equal(binds.items[0], "/h:/c:ro");
	assert_string_equal(binds.items[1], "data:/d");
	auto_free char *got = json_text(volumes);
	assert_string_equal(got, "{\"/anonymous\":{}}");
}

static void relative_sources_become_absolute(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_free char *path = xstrdup(test_dir_path(dir));
	auto_free char *before = getcwd(NULL, 0);
	auto_json *volumes = json_object_new_object();
	auto_strv binds = {};
	struct error err = {};

	(void)state;
	assert_int_equal(chdir(path), 0);
	assert_int_equal(mount_spec_volume(".:/a", &binds, volumes, &err), 0);
	assert_int_equal(mount_spec_volume("./x/y:/b", &binds, volumes, &err), 0);
	assert_int_equal(mount_spec_volume("../z:/c", &binds, volumes, &err), 0);
	assert_int_equal(chdir(before), 0);

	auto_free char *first = xasprintf("%s:/a", path);
	auto_free char *second = xasprintf("%s/x/y:/b", path);
	assert_string_equal(binds.items[0], first);
	assert_string_equal(binds.items[1], second);
	assert_string_equal(binds.items[2], "/var/tmp/z:/c");
}

static void bad_volumes_are_refused(void **state)
{
	static const char *const bad[] = { "", ":/x", "/x:", "/x::/y" };
	auto_json *volumes = json_object_new_object();
	auto_strv binds = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {};
		assert_int_equal(mount_spec_volume(bad[i], &binds, volumes, &err), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_become_dockers_objects),
		cmocka_unit_test(quotes_protect_commas),
		cmocka_unit_test(bad_mounts_are_refused),
		cmocka_unit_test(volumes_are_binds_or_anonymous),
		cmocka_unit_test(relative_sources_become_absolute),
		cmocka_unit_test(bad_volumes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
