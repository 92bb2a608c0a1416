/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/json.h"
#include "oci/runtime-config.h"

/* Every key that the struct has, written as runtime_config_json() writes it. */
static const char everything[] =
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"terminal\":true,"
	"\"consoleSize\":{\"height\":25,\"width\":80},"
	"\"user\":{\"uid\":1,\"gid\":2,\"umask\":18,\"additionalGids\":[3,4294967294]},"
	"\"args\":[\"sh\",\"\"],\"env\":[\"A=b\"],\"cwd\":\"/\",\"capabilities\":{"
	"\"bounding\":[\"CAP_CHOWN\",\"CAP_CHECKPOINT_RESTORE\"],\"effective\":[\"CAP_KILL\"],"
	"\"inheritable\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":0,\"hard\":18446744073709551615}],"
	"\"noNewPrivileges\":true,\"apparmorProfile\":\"p\",\"oomScoreAdj\":-5,"
	"\"selinuxLabel\":\"l\",\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"nice\":-1,\"priority\":"
	"3,"
	"\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"],\"runtime\":1,\"deadline\":2,\"period\":3},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":0}},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"h\",\"domainname\":\"d\","
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\","
	"\"options\":[\"ro\"],\"uidMappings\":[{\"containerID\":0,\"hostID\":5,\"size\":1}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":6,\"size\":1}]}],"
	"\"hooks\":{\"prestart\":[{\"path\":\"/"
	"a\",\"args\":[\"a\"],\"env\":[\"X=y\"],\"timeout\":0}],"
	"\"createRuntime\":[{\"path\":\"/b\"}],\"createContainer\":[{\"path\":\"/c\"}],"
	"\"startContainer\":[{\"path\":\"/d\"}],\"poststart\":[{\"path\":\"/e\"}],"
	"\"poststop\":[{\"path\":\"/f\"},{\"path\":\"/g\"}]},\"annotations\":{\"k\":\"v\"},"
	"\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":7,\"size\":8}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":7,\"size\":8}],"
	"\"sysctl\":{\"net.core.somaxconn\":\"5\"},\"resources\":{"
	"\"devices\":[{\"allow\":false,\"type\":\"a\",\"access\":\"rwm\"},"
	"{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":-1,\"access\":\"r\"}],"
	"\"memory\":{\"limit\":1,\"reservation\":0,\"swap\":-1,\"kernel\":2,\"kernelTCP\":3,"
	"\"swappiness\":0,\"disableOOMKiller\":true,\"useHierarchy\":true,\"checkBeforeUpdate\":"
	"true},"
	"\"cpu\":{\"shares\":2,\"quota\":-1,\"burst\":0,\"period\":4,\"realtimeRuntime\":5,"
	"\"realtimePeriod\":6,\"cpus\":\"0-1\",\"mems\":\"0\",\"idle\":1},\"pids\":{\"limit\":0},"
	"\"blockIO\":{\"weight\":10,\"leafWeight\":11,"
	"\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":1,\"leafWeight\":2}],"
	"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1}],"
	"\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":2}],"
	"\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":3}],"
	"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":4}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],"
	"\"network\":{\"classID\":1,\"priorities\":[{\"name\":\"eth0\",\"priority\":0}]},"
	"\"unified\":{\"memory.high\":\"1\"}},\"cgroupsPath\":\"/a/b\","
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/n\"},"
	"{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"user\"},"
	"{\"type\":\"time\"},{\"type\":\"cgroup\"}],"
	"\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":0,\"minor\":3,\"fileMode\":438,"
	"\"uid\":0,\"gid\":0}],\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\","
	"\"defaultErrnoRet\":38,\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X32\"],"
	"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"listenerPath\":\"/"
	"l\",\"listenerMetadata\":\"m\","
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":0,"
	"\"args\":[{\"index\":0,\"value\":18446744073709551615,\"valueTwo\":1,"
	"\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]},\"rootfsPropagation\":\"rslave\","
	"\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"],\"mountLabel\":\"ml\","
	"\"personality\":{\"domain\":\"LINUX32\",\"flags\":[\"x\"]},"
	"\"timeOffsets\":{\"monotonic\":{\"secs\":-1,\"nanosecs\":2}}}}";

static int parse(const char *text, struct runtime_config *ret, struct error *err)
{
	return runtime_config_parse(text, strlen(text), ret, err);
}

static void a_configuration_is_written_as_it_was_read(void **state)
{
	auto_runtime_config config = {};
	struct error err = {};

	(void)state;
	if (parse(everything, &config, &err) < 0)
		fail_msg("%s", err.text);
	auto_json *document = runtime_config_json(&config);
	auto_free char *text = json_text(document);
	assert_string_equal(text, everything);
}

static void a_configuration_with_everything_passes_the_check(void **state)
{
	auto_runtime_config config = {};
	struct error err = {};

	(void)state;
	assert_int_equal(parse(everything, &config, &err), 0);
	if (runtime_config_check(&config, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(config.process->rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(config.process->rlimits[0].hard == UINT64_MAX);
	assert_true(config.linux_.rootfs_propagation == (MS_SLAVE | MS_REC));
	assert_string_equal(runtime_config_namespace(&config, CLONE_NEWNET)->path, "/n");
}

static void unknown_keys_are_passed_over(void **state)
{
	auto_runtime_config config = {};
	struct error err = {};

	(void)state;
	assert_int_equal(parse("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\",\"x\":1},"
			       "\"windows\":{\"a\":[1]},\"new\":null}",
			       &config, &err),
			 0);
	assert_int_equal(runtime_config_check(&config, &err), 0);
}

#define MINIMAL "\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"}"

static void a_value_that_is_not_in_the_list_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "{\"ociVersion\":\"1.2.0\"}", "config.json: 'root' is missing" },
		{ "{" MINIMAL ",\"mounts\":[{\"destination\":\"\"}]}",
		  "config.json: mounts[0]: 'destination' is missing" },
		{ "{" MINIMAL ",\"linux\":{\"namespaces\":[{\"type\":\"net\"}]}}",
		  "config.json: linux: namespaces[0]: 'type' cannot be 'net'" },
		{ "{" MINIMAL ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTHING\"}}}",
		  "config.json: linux: seccomp: 'defaultAction' cannot be 'SCMP_ACT_NOTHING'" },
		{ "{" MINIMAL ",\"linux\":{\"seccomp\":{\"syscalls\":[]}}}",
		  "config.json: linux: seccomp: 'defaultAction' is missing" },
		{ "{" MINIMAL ",\"linux\":{\"rootfsPropagation\":\"Private\"}}",
		  "config.json: linux: 'rootfsPropagation' cannot be 'Private'" },
		{ "{" MINIMAL ",\"process\":{\"cwd\":\"/\",\"capabilities\":{\"bounding\":"
		  "[\"CAP_NOPE\"]}}}",
		  "config.json: process: capabilities: 'bounding' cannot be 'CAP_NOPE'" },
		{ "{" MINIMAL ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":4294967296}}}",
		  "config.json: process: user: 'uid' is out of range" },
		{ "{" MINIMAL ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":-1}}}",
		  "config.json: process: user: 'uid' is negative" },
		{ "{" MINIMAL ",\"linux\":{\"resources\":{\"memory\":{\"limit\":1.5}}}}",
		  "config.json: linux: resources: memory: 'limit' is of type double, not int" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct runtime_config config;
		struct error err = {};
		assert_int_equal(parse(cases[i].text, &config, &err), -EBADMSG);
		assert_string_equal(err.text, cases[i].said);
	}
}

static void what_contradicts_itself_is_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *said;
	} cases[] = {
		{ "{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"r\"}}", -EINVAL,
		  "config.json: ociVersion '2.0.0' is not known" },
		{ "{" MINIMAL ",\"vm\":{}}", -ENOTSUP, "config.json: vm is not supported" },
		{ "{" MINIMAL ",\"linux\":{\"intelRdt\":{}}}", -ENOTSUP,
		  "config.json: linux.intelRdt is not supported" },
		{ "{" MINIMAL ",\"process\":{\"cwd\":\"/\"}}", -EINVAL,
		  "config.json: process: args is empty" },
		{ "{" MINIMAL ",\"process\":{\"cwd\":\"x\",\"args\":[\"a\"]}}", -EINVAL,
		  "config.json: process: cwd 'x' is no absolute path" },
		{ "{" MINIMAL ",\"hostname\":\"h\"}", -EINVAL,
		  "config.json: linux: hostname without a uts namespace" },
		{ "{" MINIMAL ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}]}}", -EINVAL,
		  "config.json: linux: a new user namespace without id mappings" },
		{ "{" MINIMAL
		  ",\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}}",
		  -EINVAL, "config.json: linux: id mappings without a new user namespace" },
		{ "{" MINIMAL
		  ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}}",
		  -EINVAL, "config.json: linux: namespaces[1]: type given twice" },
		{ "{" MINIMAL ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}],\"uidMappings\":"
		  "[{\"containerID\":0,\"hostID\":0,\"size\":10},"
		  "{\"containerID\":9,\"hostID\":20,\"size\":1}],"
		  "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}}",
		  -EINVAL, "config.json: linux: uidMappings[1]: overlaps with [0]" },
		{ "{" MINIMAL ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}],\"uidMappings\":"
		  "[{\"containerID\":1,\"hostID\":0,\"size\":4294967295}],"
		  "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}}",
		  -EINVAL, "config.json: linux: uidMappings[0]: no range of ids" },
		{ "{" MINIMAL ",\"linux\":{\"maskedPaths\":[\"proc\"]}}", -EINVAL,
		  "config.json: linux: maskedPaths[0]: path is not absolute" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_runtime_config config = {};
		struct error err = {};
		assert_int_equal(parse(cases[i].text, &config, &err), 0);
		assert_int_equal(runtime_config_check(&config, &err), cases[i].code);
		assert_string_equal(err.text, cases[i].said);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_is_written_as_it_was_read),
		cmocka_unit_test(a_configuration_with_everything_passes_the_check),
		cmocka_unit_test(unknown_keys_are_passed_over),
		cmocka_unit_test(a_value_that_is_not_in_the_list_is_refused),
		cmocka_unit_test(what_contradicts_itself_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
