/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "container/request/check.h"
#include "container/request/json.h"

static int check(const char *text, struct error *err)
{
	auto_json *document = NULL;
	auto_container_request request = {};

	if (json_parse(text, strlen(text), 1 << 16, "request", &document, err) < 0 ||
	    container_request_parse(document, &request, err) < 0)
		fail_msg("%s: %s", text, err->text);
	return container_request_check(&request, err);
}

static void what_people_ask_for_is_accepted(void **state)
{
	static const char *const good[] = {
		"{}",
		"{\"Hostname\":\"web-1.example_x\",\"User\":\"www-data:www-data\"}",
		"{\"User\":\"1000:1000\"}",
		"{\"User\":\"0\"}",
		"{\"User\":\"2147483647\"}",
		"{\"User\":\":staff\"}",
		"{\"User\":\"DOMAIN\\\\name\"}",
		"{\"User\":\"0x0\"}",
		"{\"Env\":[\"A=\",\"B=line\\nline\",\"C\",\"a.b-c=1\",\"\xc3\xa4=1\"]}",
		"{\"Labels\":{\"a\":\"line\\nline\",\"com.docker.compose.project\":\"x\"}}",
		"{\"WorkingDir\":\"/a b/../c\",\"StopSignal\":\"RTMIN+3\",\"StopTimeout\":-1}",
		"{\"ExposedPorts\":{\"80\":{},\"53/udp\":{},\"8000-8010/tcp\":{}}}",
		"{\"MacAddress\":\"02:42:ac:11:00:02\"}",
		"{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"x\"],\"Interval\":1000000}}",
		"{\"HostConfig\":{\"NetworkMode\":\"none\",\"IpcMode\":\"shareable\",\"PidMode\":"
		"\"container:x\",\"UsernsMode\":\"host\",\"CgroupnsMode\":\"private\"}}",
		"{\"HostConfig\":{\"Memory\":6291456,\"MemorySwap\":-1,\"NanoCpus\":500000000}}",
		"{\"HostConfig\":{\"Memory\":6291456,\"MemorySwap\":6291456}}",
		"{\"HostConfig\":{\"CpuPeriod\":100000,\"CpuQuota\":-1,\"CpusetCpus\":\"0,2-3\"}}",
		"{\"HostConfig\":{\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":-1},"
		"{\"Name\":\"core\",\"Soft\":-1,\"Hard\":-1}]}}",
		"{\"HostConfig\":{\"Sysctls\":{\"net.ipv4.conf.eth0.rp_filter\":\"1\","
		"\"kernel.shmmax\":\"5\",\"fs.mqueue.msg_max\":\"7\","
		"\"net.ipv4.tcp_rmem\":\"1\\t2 3\"}}}",
		"{\"HostConfig\":{\"Devices\":[{\"PathOnHost\":\"/dev/fuse\"}],"
		"\"DeviceCgroupRules\":[\"c 1:3 r\",\"b *:* rwm\",\"a 10:* m\"]}}",
		"{\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":"
		"3}}}",
		"{\"HostConfig\":{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":"
		"\"10m\",\"max-file\":\"3\"}}}}",
		"{\"HostConfig\":{\"LogConfig\":{\"Type\":\"journald\",\"Config\":{\"tag\":"
		"\"{{.Name}}/{{.ID}}\",\"labels\":\"a,b\",\"env\":\"PATH\",\"mode\":"
		"\"blocking\"}}}}",
		"{\"HostConfig\":{\"LogConfig\":{\"Type\":\"none\",\"Config\":{}}}}",
		"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"::1\",\"HostPort\":"
		"\"8000-8010\"},{\"HostPort\":\"0\"}]}}}",
		"{\"HostConfig\":{\"ExtraHosts\":[\"a:1.2.3.4\",\"b:::1\",\"c=host-gateway\"],"
		"\"Dns\":[\"1.1.1.1\",\"::1\"],\"DnsSearch\":[\".\",\"example.org\"]}}",
		"{\"HostConfig\":{\"SecurityOpt\":[\"no-new-privileges\",\"seccomp=unconfined\","
		"\"apparmor=unconfined\",\"label=disable\",\"systempaths=unconfined\"]}}",
		"{\"HostConfig\":{\"SecurityOpt\":[\"seccomp={\\\"defaultAction\\\":"
		"\\\"SCMP_ACT_ALLOW\\\"}\"],\"Isolation\":\"vm\",\"Runtime\":\"berth\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error err = {};
		if (check(good[i], &err) < 0)
			fail_msg("%s: %s", good[i], err.text);
	}
}

/* Fields of Config, with what is said about them. */
struct refusal {
	const char *text;
	const char *said;
};

static void assert_refused(const char *text, const char *said)
{
	struct error err = {};
	if (check(text, &err) != -EINVAL)
		fail_msg("%s was taken", text);
	assert_string_equal(err.text, said);
}

static void assert_host_config_refused(const struct refusal *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_free char *text = xasprintf("{\"HostConfig\":{%s}}", cases[i].text);
		assert_refused(text, cases[i].said);
	}
}

static void what_cannot_be_right_is_refused_in_dockers_words(void **state)
{
	static const struct refusal cases[] = {
		{ "{\"Hostname\":\"-a\"}", "invalid hostname format: -a" },
		{ "{\"Hostname\":\"a b\"}", "invalid hostname format: a b" },
		{ "{\"Hostname\":\"a\\n\"}", "invalid hostname format: a?" },
		{ "{\"WorkingDir\":\"x\"}",
		  "the working directory 'x' is invalid, it needs to be an absolute path" },
		{ "{\"Env\":[\"=x\"]}", "invalid environment variable: =x" },
		{ "{\"Env\":[\"\"]}", "invalid environment variable: " },
		{ "{\"Env\":[\"A\\n=x\"]}", "invalid environment variable: A?" },
		{ "{\"StopSignal\":\"NOPE\"}", "Invalid signal: NOPE" },
		{ "{\"Labels\":{\"io.berth.x\":\"1\"}}",
		  "invalid label name \"io.berth.x\": names that begin with \"io.berth.\" are "
		  "reserved" },
		{ "{\"Labels\":{\"\":\"1\"}}", "invalid label name \"\"" },
		{ "{\"Healthcheck\":{\"Interval\":5}}",
		  "Interval in Healthcheck cannot be less than 1ms" },
		{ "{\"ExposedPorts\":{\"0/tcp\":{}}}", "invalid port specification: \"0/tcp\"" },
		{ "{\"ExposedPorts\":{\"80/icmp\":{}}}",
		  "invalid port specification: \"80/icmp\"" },
		{ "{\"MacAddress\":\"02:42\"}", "invalid mac address: 02:42" },
		{ "{\"Hostname\":\"h\",\"HostConfig\":{\"UTSMode\":\"host\"}}",
		  "conflicting options: hostname and the UTS mode" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, cases[i].said);
}

static void host_config_is_refused_in_dockers_words(void **state)
{
	static const struct refusal cases[] = {
		{ "\"NetworkMode\":\"a/b\"", "invalid network mode: a/b" },
		{ "\"NetworkMode\":\"container:\"",
		  "invalid container format container:<name|id>" },
		{ "\"IpcMode\":\"x\"", "invalid IPC mode: x" },
		{ "\"PidMode\":\"none\"", "invalid PID mode: none" },
		{ "\"UsernsMode\":\"keep-id\"", "invalid user namespace mode: keep-id" },
		{ "\"CapAdd\":[\"X\"]", "invalid CapAdd: unknown capability: \"X\"" },
		{ "\"CapDrop\":[\"\"]", "invalid CapDrop: unknown capability: \"\"" },
		{ "\"SecurityOpt\":[\"a\",\"b\"]", "invalid --security-opt 1: \"a\"" },
		{ "\"SecurityOpt\":[\"no-new-privileges:maybe\"]",
		  "invalid --security-opt 1: \"no-new-privileges:maybe\"" },
		{ "\"SecurityOpt\":[\"seccomp=/no/file\"]",
		  "invalid --security-opt: parse seccomp profile: byte 0x2f stands outside of a "
		  "string" },
	};

	(void)state;
	assert_host_config_refused(cases, ARRAY_SIZE(cases));
}

static void limits_are_refused_in_dockers_words(void **state)
{
	static const struct refusal cases[] = {
		{ "\"Memory\":1000", "Minimum memory limit allowed is 6MB" },
		{ "\"MemorySwap\":8000000",
		  "You should always set the Memory limit when using Memoryswap limit, see usage" },
		{ "\"Memory\":9000000,\"MemorySwap\":8000000",
		  "Minimum memoryswap limit should be larger than memory limit, see usage" },
		{ "\"NanoCpus\":1000000000,\"CpuQuota\":5000",
		  "Conflicting options: Nano CPUs and CPU Quota cannot both be set." },
		{ "\"CpusetCpus\":\"3-1\"", "Invalid value 3-1 for cpuset cpus" },
		{ "\"OomScoreAdj\":1001",
		  "Invalid value 1001, range for oom score adj is [-1000, 1000]" },
		{ "\"Ulimits\":[{\"Name\":\"x\",\"Soft\":1,\"Hard\":1}]",
		  "invalid ulimit type: x" },
		{ "\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":5,\"Hard\":4}]",
		  "ulimit soft limit must be less than or equal to hard limit: 5 > 4" },
		{ "\"Sysctls\":{\"kernel.core_pattern\":\"|x\"}",
		  "sysctl 'kernel.core_pattern' is not allowed" },
		{ "\"Sysctls\":{\"net/../kernel/core_pattern\":\"x\"}",
		  "sysctl 'net/../kernel/core_pattern' is not allowed" },
		{ "\"Sysctls\":{\"net...kernel.core_pattern\":\"x\"}",
		  "sysctl 'net...kernel.core_pattern' is not allowed" },
		{ "\"Sysctls\":{\"net.ipv4.x+kernel.core_pattern\":\"x\"}",
		  "sysctl 'net.ipv4.x+kernel.core_pattern' is not allowed" },
		{ "\"Sysctls\":{\"net.a\":\"1\\n2\"}", "sysctl 'net.a': invalid value" },
		{ "\"NetworkMode\":\"host\",\"Sysctls\":{\"net.a\":\"1\"}",
		  "sysctl 'net.a' is not allowed in a network namespace of others" },
	};

	(void)state;
	assert_host_config_refused(cases, ARRAY_SIZE(cases));
}

static void devices_and_policies_are_refused_in_dockers_words(void **state)
{
	static const struct refusal cases[] = {
		{ "\"Devices\":[{\"PathOnHost\":\"/dev/../etc\"}]",
		  "invalid device path \"/dev/../etc\"" },
		{ "\"Devices\":[{\"PathOnHost\":\"/dev/x\",\"CgroupPermissions\":\"rx\"}]",
		  "invalid device mode: rx" },
		{ "\"DeviceCgroupRules\":[\"c 1:3\"]",
		  "invalid device cgroup rule format: 'c 1:3'" },
		{ "\"RestartPolicy\":{\"Name\":\"x\"}",
		  "invalid restart policy: unknown policy 'x'; use one of 'no', 'always', "
		  "'on-failure', or 'unless-stopped'" },
		{ "\"AutoRemove\":true,\"RestartPolicy\":{\"Name\":\"always\"}",
		  "can't create 'AutoRemove' container with restart policy" },
		{ "\"LogConfig\":{\"Type\":\"syslog\"}",
		  "logger: no log driver named 'syslog' is registered" },
		{ "\"LogConfig\":{\"Config\":{\"colour\":\"x\"}}",
		  "unknown log opt 'colour' for json-file log driver" },
		{ "\"LogConfig\":{\"Type\":\"journald\",\"Config\":{\"max-size\":\"1m\"}}",
		  "unknown log opt 'max-size' for journald log driver" },
		{ "\"LogConfig\":{\"Type\":\"none\",\"Config\":{\"tag\":\"x\"}}",
		  "invalid logging opts for driver none" },
		{ "\"LogConfig\":{\"Config\":{\"tag\":\"{{.Secret}}\"}}",
		  "invalid value for tag: {{.Secret}}" },
		{ "\"Runtime\":\"runc\"", "unknown or invalid runtime name: runc" },
		{ "\"Isolation\":\"hyperv\"", "Invalid isolation: \"hyperv\": Berth has "
					      "\"default\", \"container\" and \"vm\"" },
		{ "\"ExtraHosts\":[\"a\"]", "bad format for add-host: \"a\"" },
		{ "\"ExtraHosts\":[\"a\\nb:1.2.3.4\"]",
		  "bad format for add-host: \"a?b:1.2.3.4\"" },
		{ "\"Dns\":[\"x\"]", "invalid IP address: x" },
		{ "\"MaskedPaths\":[\"proc\"]", "invalid masked or read-only path \"proc\"" },
		{ "\"GroupAdd\":[\"a b\"]", "invalid group \"a b\"" },
		{ "\"Tmpfs\":{\"/a\":\"x\"}", "invalid tmpfs option \"x\"" },
	};

	(void)state;
	assert_host_config_refused(cases, ARRAY_SIZE(cases));
}

/* The forms of class H that no parser may take for a number that they are not. */
static void a_user_that_could_be_misread_is_refused(void **state)
{
	static const char *const users[] = {
		"-1",           "+1",         " 1",         "1 ",
		"2147483648",   "4294967295", "4294967296", "18446744073709551616",
		"1:2147483648", "1:-1",       "1:2:3",      "a b",
		"a\\nroot",     "1::",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		auto_free char *text = xasprintf("{\"User\":\"%s\"}", users[i]);
		struct error err = {};
		if (check(text, &err) != -EINVAL)
			fail_msg("user '%s' was taken", users[i]);
	}
}

static void what_berth_does_not_have_is_named(void **state)
{
	static const char *const parts[] = {
		"\"VolumesFrom\":[\"x\"]",
		"\"Links\":[\"x\"]",
		"\"CgroupParent\":\"x\"",
		"\"Runtime\":\"vm\",\"MemorySwappiness\":5",
		"\"VolumeDriver\":\"nfs\"",
		"\"SecurityOpt\":[\"apparmor=x\"]",
		"\"SecurityOpt\":[\"label=type:x\"]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		auto_free char *text = xasprintf("{\"HostConfig\":{%s}}", parts[i]);
		struct error err = {};
		assert_int_equal(check(text, &err), -ENOTSUP);
		assert_non_null(strstr(err.text, "not supported"));
	}
}

static void sizes_are_read_with_their_units(void **state)
{
	static const struct {
		const char *text;
		int64_t value; /* negative: the error */
	} cases[] = {
		{ "0", 0 },
		{ "1024", 1024 },
		{ "1b", 1 },
		{ "64m", 64 << 20 },
		{ "64M", 64 << 20 },
		{ "1.5g", 3LL << 29 },
		{ "2GiB", 2LL << 30 },
		{ "3 kb", 3072 },
		{ "7p", 7LL << 50 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", -ERANGE },
		{ "9007199254740993k", -ERANGE },
		{ "", -EINVAL },
		{ "m", -EINVAL },
		{ "-1", -EINVAL },
		{ "+1", -EINVAL },
		{ "1.m", -EINVAL },
		{ "1e3", -EINVAL },
		{ "1x", -EINVAL },
		{ "1bb", -EINVAL },
		{ "1 m ", -EINVAL },
		{ "0x10", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = -7;
		int r = memory_size_parse(cases[i].text, &value);
		if (cases[i].value < 0) {
			assert_int_equal(r, cases[i].value);
			assert_int_equal(value, -7);
		} else {
			assert_int_equal(r, 0);
			assert_true(value == cases[i].value);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_ask_for_is_accepted),
		cmocka_unit_test(what_cannot_be_right_is_refused_in_dockers_words),
		cmocka_unit_test(host_config_is_refused_in_dockers_words),
		cmocka_unit_test(limits_are_refused_in_dockers_words),
		cmocka_unit_test(devices_and_policies_are_refused_in_dockers_words),
		cmocka_unit_test(a_user_that_could_be_misread_is_refused),
		cmocka_unit_test(what_berth_does_not_have_is_named),
		cmocka_unit_test(sizes_are_read_with_their_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
