/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "container/request/json.h"

/* What the docker command line sends for "docker run -d --name x image", shortened by nothing. */
static const char docker_sends[] =
	"{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,"
	"\"AttachStdout\":false,\"AttachStderr\":false,\"Tty\":false,\"OpenStdin\":false,"
	"\"StdinOnce\":false,\"Env\":null,\"Cmd\":null,\"Image\":\"debian\",\"Volumes\":{},"
	"\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":{},"
	"\"HostConfig\":{\"Binds\":null,\"ContainerIDFile\":\"\",\"LogConfig\":{\"Type\":\"\","
	"\"Config\":{}},\"NetworkMode\":\"default\",\"PortBindings\":{},\"RestartPolicy\":"
	"{\"Name\":\"no\",\"MaximumRetryCount\":0},\"AutoRemove\":false,\"VolumeDriver\":\"\","
	"\"VolumesFrom\":null,\"ConsoleSize\":[0,0],\"CapAdd\":null,\"CapDrop\":null,"
	"\"CgroupnsMode\":\"\",\"Dns\":[],\"DnsOptions\":[],\"DnsSearch\":[],\"ExtraHosts\":null,"
	"\"GroupAdd\":null,\"IpcMode\":\"\",\"Cgroup\":\"\",\"Links\":null,\"OomScoreAdj\":0,"
	"\"PidMode\":\"\",\"Privileged\":false,\"PublishAllPorts\":false,\"ReadonlyRootfs\":false,"
	"\"SecurityOpt\":null,\"UTSMode\":\"\",\"UsernsMode\":\"\",\"ShmSize\":0,\"Isolation\":"
	"\"\","
	"\"CpuShares\":0,\"Memory\":0,\"NanoCpus\":0,\"CgroupParent\":\"\",\"BlkioWeight\":0,"
	"\"BlkioWeightDevice\":[],\"BlkioDeviceReadBps\":[],\"BlkioDeviceWriteBps\":[],"
	"\"BlkioDeviceReadIOps\":[],\"BlkioDeviceWriteIOps\":[],\"CpuPeriod\":0,\"CpuQuota\":0,"
	"\"CpuRealtimePeriod\":0,\"CpuRealtimeRuntime\":0,\"CpusetCpus\":\"\",\"CpusetMems\":\"\","
	"\"Devices\":[],\"DeviceCgroupRules\":null,\"DeviceRequests\":null,\"MemoryReservation\":0,"
	"\"MemorySwap\":0,\"MemorySwappiness\":-1,\"OomKillDisable\":false,\"PidsLimit\":0,"
	"\"Ulimits\":[],\"CpuCount\":0,\"CpuPercent\":0,\"IOMaximumIOps\":0,"
	"\"IOMaximumBandwidth\":0,\"MaskedPaths\":null,\"ReadonlyPaths\":null},"
	"\"NetworkingConfig\":{\"EndpointsConfig\":{\"default\":{}}}}";

/* Every field set, in the order and shape in which it is written. */
static const char everything[] =
	"{\"Hostname\":\"h\",\"Domainname\":\"d\",\"User\":\"u\",\"AttachStdin\":true,"
	"\"AttachStdout\":true,\"AttachStderr\":true,\"ExposedPorts\":{\"80/tcp\":{}},\"Tty\":true,"
	"\"OpenStdin\":true,\"StdinOnce\":true,\"Env\":[\"A=b\"],\"Cmd\":[],\"Healthcheck\":"
	"{\"Test\":[\"CMD\",\"x\"],\"Interval\":1,\"Timeout\":2,\"StartPeriod\":3,"
	"\"StartInterval\":4,\"Retries\":5},\"Image\":\"i\",\"Volumes\":{\"/v\":{}},"
	"\"WorkingDir\":\"/w\",\"Entrypoint\":[\"\"],\"NetworkDisabled\":true,"
	"\"MacAddress\":\"02:42:ac:11:00:02\",\"Labels\":{\"a\":\"b\",\"c\":\"\"},"
	"\"StopSignal\":\"TERM\",\"StopTimeout\":0,\"HostConfig\":{\"Binds\":[\"/a:/b:ro\"],"
	"\"ContainerIDFile\":\"c\",\"LogConfig\":{\"Type\":\"local\",\"Config\":{\"max-size\":"
	"\"1m\"}},"
	"\"NetworkMode\":\"none\",\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\","
	"\"HostPort\":\"8080\"},{\"HostIp\":\"\",\"HostPort\":\"\"}],\"53/udp\":[{\"HostIp\":\"\","
	"\"HostPort\":\"53\"}]},\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"
	","
	"\"AutoRemove\":true,\"VolumeDriver\":\"local\",\"VolumesFrom\":[\"o\"],"
	"\"ConsoleSize\":[24,80],\"Annotations\":{\"k\":\"v\"},\"CapAdd\":[\"NET_RAW\"],"
	"\"CapDrop\":[\"ALL\"],\"CgroupnsMode\":\"private\",\"Dns\":[\"1.1.1.1\"],"
	"\"DnsOptions\":[\"o\"],\"DnsSearch\":[\"s\"],\"ExtraHosts\":[\"h:1.2.3.4\"],"
	"\"GroupAdd\":[\"g\"],\"IpcMode\":\"private\",\"Links\":[\"l\"],\"OomScoreAdj\":-3,"
	"\"PidMode\":\"host\",\"Privileged\":true,\"PublishAllPorts\":true,\"ReadonlyRootfs\":true,"
	"\"SecurityOpt\":[\"seccomp=unconfined\"],\"StorageOpt\":{\"size\":\"1g\"},"
	"\"Tmpfs\":{\"/t\":\"size=1m\",\"/e\":\"\"},\"UTSMode\":\"host\",\"UsernsMode\":\"host\","
	"\"ShmSize\":1,\"Sysctls\":{\"net.a\":\"1\"},\"Runtime\":\"r\",\"Isolation\":\"container\","
	"\"CpuShares\":1,\"Memory\":9223372036854775807,\"NanoCpus\":2,\"CgroupParent\":\"p\","
	"\"BlkioWeight\":10,\"CpuPeriod\":3,\"CpuQuota\":-1,\"CpusetCpus\":\"0\",\"CpusetMems\":"
	"\"0\","
	"\"Devices\":[{\"PathOnHost\":\"/dev/x\",\"PathInContainer\":\"/dev/y\","
	"\"CgroupPermissions\":\"rwm\"}],\"DeviceCgroupRules\":[\"c 1:3 "
	"r\"],\"MemoryReservation\":4,"
	"\"MemorySwap\":-1,\"MemorySwappiness\":0,\"OomKillDisable\":false,\"PidsLimit\":-1,"
	"\"Ulimits\":[{\"Name\":\"nofile\",\"Hard\":2,\"Soft\":1}],\"Mounts\":[{\"Type\":\"bind\","
	"\"Source\":\"/s\",\"Target\":\"/t1\",\"ReadOnly\":true,\"BindOptions\":"
	"{\"Propagation\":\"rslave\",\"NonRecursive\":true,\"CreateMountpoint\":true,"
	"\"ReadOnlyNonRecursive\":true,\"ReadOnlyForceRecursive\":true}},{\"Type\":\"volume\","
	"\"Source\":\"v\",\"Target\":\"/t2\",\"VolumeOptions\":{\"NoCopy\":true,"
	"\"Labels\":{\"x\":\"y\"},\"Subpath\":\"sub\",\"DriverConfig\":{\"Name\":\"local\","
	"\"Options\":{\"o\":\"p\"}}}},{\"Type\":\"tmpfs\",\"Target\":\"/t3\",\"TmpfsOptions\":"
	"{\"SizeBytes\":5,\"Mode\":448,\"Options\":[[\"exec\"],[\"uid\",\"5\"]]}}],"
	"\"MaskedPaths\":[],\"ReadonlyPaths\":[\"/p\"],\"Init\":false}}";

static int parse(const char *text, struct container_request *ret, struct error *err)
{
	auto_json *document = NULL;
	if (json_parse(text, strlen(text), 1 << 20, "request", &document, err) < 0)
		fail_msg("%s", err->text);
	return container_request_parse(document, ret, err);
}

static void a_request_is_written_as_it_was_read(void **state)
{
	auto_container_request request = {};
	struct error err = {};

	(void)state;
	if (parse(everything, &request, &err) < 0)
		fail_msg("%s", err.text);
	auto_json *document = container_request_json(&request);
	auto_free char *text = json_text(document);
	assert_string_equal(text, everything);
}

static void what_docker_sends_by_default_asks_for_nothing(void **state)
{
	auto_container_request request = {};
	struct error err = {};

	(void)state;
	if (parse(docker_sends, &request, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(request.image, "debian");
	assert_false(request.has_command);
	assert_false(request.has_entrypoint);
	assert_false(request.has_masked_paths);
	assert_null(request.labels);
	assert_null(request.ipc_mode);
}

static void every_key_that_clients_read_is_written(void **state)
{
	static const char *const keys[] = { "Binds",        "LogConfig",     "NetworkMode",
					    "PortBindings", "RestartPolicy", "Devices",
					    "Privileged",   "PidsLimit" };
	struct container_request request = {};
	auto_json *config = container_request_config_json(&request);
	auto_json *host = container_request_host_config_json(&request);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_true(json_object_object_get_ex(host, keys[i], NULL));
	assert_string_equal(json_object_get_string(json_object_object_get(config, "Labels")),
			    "{ }");
	assert_true(json_object_object_get_ex(config, "Entrypoint", NULL));
	assert_null(json_object_object_get(config, "Entrypoint"));
}

static void an_empty_command_is_told_from_a_missing_one(void **state)
{
	auto_container_request request = {};
	struct error err = {};

	(void)state;
	assert_int_equal(parse("{\"Cmd\":[],\"Entrypoint\":\"sh\"}", &request, &err), 0);
	assert_true(request.has_command);
	assert_int_equal(request.command.count, 0);
	assert_int_equal(request.entrypoint.count, 1);
}

static void a_key_that_asks_for_what_is_absent_is_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *said;
	} cases[] = {
		{ "{\"HostConfig\":{\"DeviceRequests\":[{\"Count\":-1}]}}", -ENOTSUP,
		  "HostConfig.DeviceRequests is not supported" },
		{ "{\"HostConfig\":{\"CpuRealtimePeriod\":5}}", -ENOTSUP,
		  "HostConfig.CpuRealtimePeriod is not supported" },
		{ "{\"HostConfig\":{\"Mounts\":[{\"Type\":\"npipe\",\"Target\":\"/a\"}]}}",
		  -EBADMSG, "HostConfig: Mounts[0]: 'Type' cannot be 'npipe'" },
		{ "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":80}]}}}", -EBADMSG,
		  "HostConfig: PortBindings: 80/tcp[0]: 'HostPort' is of type int, not string" },
		{ "{\"HostConfig\":{\"Privileged\":\"false\"}}", -EBADMSG,
		  "HostConfig: 'Privileged' is of type string, not boolean" },
		{ "{\"HostConfig\":{\"Memory\":9223372036854775808}}", -EBADMSG,
		  "HostConfig: 'Memory' is out of range" },
		{ "{\"HostConfig\":[]}", -EBADMSG,
		  "'HostConfig' is or holds a value of type array, not object" },
		{ "{\"Env\":[\"A=b\",null]}", -EBADMSG, "'Env' holds something that is no string" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct container_request request;
		struct error err = {};
		assert_int_equal(parse(cases[i].text, &request, &err), cases[i].code);
		assert_string_equal(err.text, cases[i].said);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_written_as_it_was_read),
		cmocka_unit_test(what_docker_sends_by_default_asks_for_nothing),
		cmocka_unit_test(every_key_that_clients_read_is_written),
		cmocka_unit_test(an_empty_command_is_told_from_a_missing_one),
		cmocka_unit_test(a_key_that_asks_for_what_is_absent_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
