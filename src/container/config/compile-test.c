/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/alloc.h"
#include "container/config/compile.h"

#define HEAD                                                                              \
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\"," \
	"\"args\":[\"a\"]"
#define NS "\"namespaces\":[{\"type\":\"mount\"}]"

static int compile_text(const char *text, struct plan **ret, struct plan_fds *fds,
			struct error *err)
{
	auto_runtime_config config = {};

	if (runtime_config_parse(text, strlen(text), &config, err) < 0 ||
	    runtime_config_check(&config, err) < 0)
		fail_msg("%s", err->text);
	return container_compile(&config, NULL, NULL, fds, ret, err);
}

static void what_a_plan_has_no_place_for_is_refused_by_name(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ HEAD "}}", "a container without a new mount namespace" },
		{ HEAD ",\"selinuxLabel\":\"x\"},\"linux\":{" NS "}}",
		  "selinuxLabel is not supported" },
		{ HEAD ",\"apparmorProfile\":\"x\"},\"linux\":{" NS "}}",
		  "apparmorProfile is not supported" },
		{ HEAD ",\"scheduler\":{\"policy\":\"SCHED_FIFO\"}},\"linux\":{" NS "}}",
		  "scheduler is not supported" },
		{ HEAD "},\"linux\":{" NS ",\"resources\":{\"unified\":{\"memory.high\":\"1\"}}}}",
		  "resources.unified is not supported" },
		{ HEAD "},\"linux\":{" NS ",\"resources\":{\"cpu\":{\"idle\":1}}}}",
		  "resources.cpu.idle is not supported" },
		{ HEAD "},\"linux\":{" NS ",\"mountLabel\":\"x\"}}",
		  "mountLabel is not supported" },
		{ HEAD "},\"linux\":{" NS ",\"personality\":{\"domain\":\"LINUX32\"}}}",
		  "personality is not supported" },
		{ HEAD "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"time\"}]}}",
		  "a time namespace is not supported" },
		{ HEAD "},\"linux\":{" NS ",\"cgroupsPath\":\"/a/../b\"}}",
		  "cgroupsPath '/a/../b' is no plain path" },
		{ HEAD "},\"linux\":{" NS ",\"devices\":[{\"path\":\"/etc/x\",\"type\":\"c\","
		       "\"major\":1,\"minor\":3}]}}",
		  "device '/etc/x' is not below /dev" },
		{ HEAD "},\"hooks\":{\"startContainer\":[{\"path\":\"/h\"}]},\"linux\":{" NS "}}",
		  "hooks inside the container are not supported" },
		{ HEAD
		  "},\"mounts\":[{\"destination\":\"/a\",\"type\":\"ext4\",\"source\":\"/x\"}],"
		  "\"linux\":{" NS "}}",
		  "mount '/a': file system type 'ext4' is not supported" },
		{ HEAD "},\"mounts\":[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"x\"}],"
		       "\"linux\":{" NS "}}",
		  "mount '/a': a bind mount needs an absolute source" },
		{ HEAD "},\"mounts\":[{\"destination\":\"/a\",\"source\":\"/x\",\"options\":"
		       "[\"bind\",\"remount\"]}],\"linux\":{" NS "}}",
		  "mount '/a': mount option 'remount' is not supported" },
		{ HEAD "},\"mounts\":[{\"destination\":\"/a\",\"source\":\"/x\",\"options\":"
		       "[\"bind\",\"size=1\"]}],\"linux\":{" NS "}}",
		  "mount '/a': a bind mount has no option 'size=1'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_plan_fds fds = {};
		struct plan *plan;
		struct error err = {};
		assert_true(compile_text(cases[i].text, &plan, &fds, &err) < 0);
		assert_string_equal(err.text, cases[i].said);
	}
}

static void mount_words_become_attributes_the_last_one_counts(void **state)
{
	static const struct {
		const char *options;
		uint64_t set;
		uint64_t clear;
		uint32_t flags;
	} cases[] = {
		{ "ro", MOUNT_ATTR_RDONLY, 0, 0 },
		{ "ro,rw", 0, MOUNT_ATTR_RDONLY, 0 },
		{ "noexec,exec", 0, MOUNT_ATTR_NOEXEC, 0 },
		{ "nosuid,nodev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0 },
		{ "rro", MOUNT_ATTR_RDONLY, 0, PLAN_MOUNT_ATTR_RECURSIVE },
		{ "noatime,relatime", 0, MOUNT_ATTR__ATIME, 0 },
		{ "relatime,noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0 },
		{ "rbind,ridmap=try", 0, 0, PLAN_MOUNT_RECURSIVE | PLAN_MOUNT_IDMAP_OPTIONAL },
		{ "idmap", 0, 0, PLAN_MOUNT_IDMAP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_plan_fds fds = {};
		auto_plan *plan = NULL;
		struct error err = {};
		auto_runtime_config config = {};
		assert_int_equal(runtime_config_parse(HEAD "},\"linux\":{" NS "}}",
						      strlen(HEAD "},\"linux\":{" NS "}}"), &config,
						      &err),
				 0);
		(void)runtime_config_add_mount(&config, "/a", "bind", "/b", cases[i].options);
		assert_int_equal(container_compile(&config, NULL, NULL, &fds, &plan, &err), 0);
		const struct plan_mount *m = &plan->mounts.items[0];
		assert_true(m->attr_set == cases[i].set);
		assert_true(m->attr_clear == cases[i].clear);
		assert_true(m->flags == cases[i].flags);
	}
}

static void a_namespace_to_join_becomes_a_descriptor(void **state)
{
	auto_plan_fds fds = {};
	auto_plan *plan = NULL;
	struct error err = {};

	(void)state;
	assert_int_equal(compile_text(HEAD
				      "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
				      "{\"type\":\"network\",\"path\":\"/proc/self/ns/net\"}]}}",
				      &plan, &fds, &err),
			 0);
	assert_int_equal(plan->namespaces[PLAN_NS_NET].mode, PLAN_NS_MODE_FD);
	assert_int_equal(plan->namespaces[PLAN_NS_NET].fd, 0);
	assert_int_equal(plan->fd_count, 1);
	assert_int_equal(fds.count, 1);
	assert_false(plan->loopback);
}

static void a_namespace_that_is_not_there_is_told(void **state)
{
	auto_plan_fds fds = {};
	struct plan *plan;
	struct error err = {};

	(void)state;
	assert_int_equal(compile_text(HEAD "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
					   "{\"type\":\"ipc\",\"path\":\"/nowhere\"}]}}",
				      &plan, &fds, &err),
			 -ENOENT);
	assert_string_equal(err.text, "open namespace '/nowhere': No such file or directory");
}

static void devices_are_allowed_from_nothing(void **state)
{
	static const struct {
		const char *rules;
		bool filter;
		uint32_t own; /* rules beside the eight that are always there */
	} cases[] = {
		{ "[]", true, 0 },
		{ "[{\"allow\":false}]", true, 0 },
		{ "[{\"allow\":true}]", false, 0 },
		{ "[{\"allow\":true},{\"allow\":false,\"access\":\"rwm\"}]", true, 0 },
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":1},{\"allow\":false,\"type\":\"a\"}]",
		  true, 0 },
		{ "[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,"
		  "\"access\":\"rw\"}]",
		  true, 1 },
		{ "[{\"allow\":true},{\"allow\":false,\"type\":\"b\",\"access\":\"w\"}]", true, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_plan_fds fds = {};
		auto_plan *plan = NULL;
		struct error err = {};
		auto_free char *text =
			xasprintf(HEAD "},\"linux\":{" NS ",\"resources\":{\"devices\":%s}}}",
				  cases[i].rules);
		assert_int_equal(compile_text(text, &plan, &fds, &err), 0);
		assert_int_equal(plan->cgroup.filter_devices, cases[i].filter);
		assert_int_equal(plan->cgroup.devices.count,
				 cases[i].own + (cases[i].filter ? 8 : 0));
	}
}

static void a_compiled_plan_survives_its_encoding(void **state)
{
	auto_plan_fds fds = {};
	auto_plan *plan = NULL;
	auto_plan *again = NULL;
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	struct error err = {};

	(void)state;
	assert_int_equal(
		compile_text(HEAD "},\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\"}],"
				  "\"linux\":{" NS ",\"resources\":{\"pids\":{\"limit\":5}}}}",
			     &plan, &fds, &err),
		0);
	plan->id = "x";
	if (plan_encode(plan, &bytes, &err) < 0 ||
	    plan_decode(bytes.data, bytes.len, &again, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(again->cgroup.pids, 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_plan_has_no_place_for_is_refused_by_name),
		cmocka_unit_test(mount_words_become_attributes_the_last_one_counts),
		cmocka_unit_test(a_namespace_to_join_becomes_a_descriptor),
		cmocka_unit_test(a_namespace_that_is_not_there_is_told),
		cmocka_unit_test(devices_are_allowed_from_nothing),
		cmocka_unit_test(a_compiled_plan_survives_its_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
