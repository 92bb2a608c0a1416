/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "api/api-internal.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "oci/platform.h"
#include "store/image/image.h"

#define BUILD_TIME "1970-01-01T00:00:00Z"

static int ping(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	(void)err;
	http_add_header(rq, "Builder-Version", "1");
	http_add_header(rq, "Cache-Control", "no-cache, no-store, must-revalidate");
	http_add_header(rq, "Pragma", "no-cache");
	http_add_header(rq, "Swarm", "inactive");
	return http_reply_bytes(rq, 200, "text/plain; charset=utf-8", "OK", 2);
}

/* ---- Version -------------------------------------------------------------------------------- */

static struct json_object *version_components(const char *api_version, const char *api_minimum,
					      const struct utsname *host,
					      const struct platform *platform)
{
	struct json_object *array = json_object_new_array();
	struct json_object *engine = json_object_new_object();
	struct json_object *details = json_object_new_object();

	json_add_string(details, "ApiVersion", api_version);
	json_add_string(details, "Arch", platform->architecture);
	json_add_string(details, "BuildTime", BUILD_TIME);
	json_add_string(details, "Experimental", "false");
	json_add_string(details, "GitCommit", "");
	json_add_string(details, "GoVersion", "");
	json_add_string(details, "KernelVersion", host->release);
	json_add_string(details, "MinAPIVersion", api_minimum);
	json_add_string(details, "Os", platform->os);
	json_add_string(engine, "Name", "Engine");
	json_add_string(engine, "Version", BERTH_VERSION);
	json_add(engine, "Details", details);
	json_object_array_add(array, engine);
	return array;
}

static int version(struct http_request *rq, void *context, struct error *err)
{
	struct json_object *o = json_object_new_object();
	struct json_object *name = json_object_new_object();
	struct platform platform;
	struct utsname host;
	char current[16];
	char minimum[16];

	(void)context;
	(void)err;
	platform_host(&platform);
	(void)uname(&host);
	snprintf(current, sizeof(current), "1.%d", API_MINOR);
	snprintf(minimum, sizeof(minimum), "1.%d", API_MINOR_MIN);
	json_add_string(name, "Name", "Berth");
	json_add(o, "Platform", name);
	json_add(o, "Components", version_components(current, minimum, &host, &platform));
	json_add_string(o, "Version", BERTH_VERSION);
	json_add_string(o, "ApiVersion", current);
	json_add_string(o, "MinAPIVersion", minimum);
	json_add_string(o, "GitCommit", "");
	json_add_string(o, "GoVersion", "");
	json_add_string(o, "Os", platform.os);
	json_add_string(o, "Arch", platform.architecture);
	json_add_string(o, "KernelVersion", host.release);
	json_add_string(o, "BuildTime", BUILD_TIME);
	return http_reply_json(rq, 200, o);
}

/* ---- Info ----------------------------------------------------------------------------------- */

/* PRETTY_NAME of os-release, or the kernel's name. */
static char *host_system(const struct utsname *host)
{
	auto_strbuf text = STRBUF_INIT(16 * 1024);

	if (read_file_at(AT_FDCWD, "/etc/os-release", 16 * 1024, &text, NULL) == 0) {
		const char *name = strstr(strbuf_text(&text), "PRETTY_NAME=\"");
		if (name) {
			name += strlen("PRETTY_NAME=\"");
			return xstrndup(name, strcspn(name, "\"\n"));
		}
	}
	return xstrdup(host->sysname);
}

static void add_counts(struct json_object *o, struct api *api)
{
	struct manager_counts counts = { 0 };
	struct images images = { 0 };

	manager_count(api->options.manager, &counts);
	json_add_uint(o, "Containers", counts.all);
	json_add_uint(o, "ContainersRunning", counts.running);
	json_add_uint(o, "ContainersPaused", counts.paused);
	json_add_uint(o, "ContainersStopped", counts.stopped);
	if (image_list(api->options.store, &images, NULL) == 0) {
		json_add_uint(o, "Images", images.count);
		images_done(&images);
	} else {
		json_add_uint(o, "Images", 0);
	}
}

static void add_storage(struct json_object *o, const struct api *api)
{
	struct json_object *status = json_object_new_array();
	const char *reason = store_mode_reason(api->options.store);

	if (*reason) {
		struct json_object *pair = json_object_new_array();
		json_object_array_add(pair, json_object_new_string("Reason"));
		json_object_array_add(pair, json_object_new_string(reason));
		json_object_array_add(status, pair);
	}
	json_add_string(o, "Driver", api_storage_driver(api));
	json_add(o, "DriverStatus", status);
	json_add_string(o, "DockerRootDir", api->state_dir);
}

static struct json_object *word_array(const char *const words[], size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_string(words[i]));
	return array;
}

static struct json_object *plugins(void)
{
	static const char *const volumes[] = { "local" };
	static const char *const networks[] = { "host", "null" };
	static const char *const logs[] = { "json-file" };
	struct json_object *o = json_object_new_object();

	json_add(o, "Volume", word_array(volumes, ARRAY_SIZE(volumes)));
	json_add(o, "Network", word_array(networks, ARRAY_SIZE(networks)));
	json_add(o, "Authorization", NULL);
	json_add(o, "Log", word_array(logs, ARRAY_SIZE(logs)));
	return o;
}

/* Which limits can be set: where the controller's group is there, of either version. */
static bool has_controller(const char *v1, const char *v2)
{
	auto_strbuf list = STRBUF_INIT(4096);
	auto_free char *path = xasprintf("/sys/fs/cgroup/%s", v1);

	if (access(path, F_OK) == 0)
		return true;
	return read_file_at(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", 4096, &list, NULL) ==
		       0 &&
	       strstr(strbuf_text(&list), v2);
}

static void add_limits(struct json_object *o)
{
	bool v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	bool memory = has_controller("memory", "memory");
	bool cpu = has_controller("cpu", "cpu");

	json_add_bool(o, "MemoryLimit", memory);
	json_add_bool(o, "SwapLimit", memory);
	json_add_bool(o, "CpuCfsPeriod", cpu);
	json_add_bool(o, "CpuCfsQuota", cpu);
	json_add_bool(o, "CPUShares", cpu);
	json_add_bool(o, "CPUSet", has_controller("cpuset", "cpuset"));
	json_add_bool(o, "PidsLimit", has_controller("pids", "pids"));
	json_add_bool(o, "OomKillDisable", memory && !v2);
	json_add_string(o, "CgroupDriver", "cgroupfs");
	json_add_string(o, "CgroupVersion", v2 ? "2" : "1");
}

static void add_host(struct json_object *o, const struct utsname *host)
{
	auto_free char *system = host_system(host);
	struct platform platform;
	struct sysinfo memory = { 0 };
	char now[TIME_TEXT];

	platform_host(&platform);
	(void)sysinfo(&memory);
	json_add_string(o, "SystemTime", time_text(clock_now(), now));
	json_add_string(o, "KernelVersion", host->release);
	json_add_string(o, "OperatingSystem", system);
	json_add_string(o, "OSVersion", "");
	json_add_string(o, "OSType", "linux");
	json_add_string(o, "Architecture", host->machine);
	json_add_int(o, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_add_uint(o, "MemTotal", (uint64_t)memory.totalram * memory.mem_unit);
	json_add_string(o, "Name", host->nodename);
}

static struct json_object *runtimes(void)
{
	static const char *const names[] = { "container", "vm" };
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct json_object *runtime = json_object_new_object();
		json_add_string(runtime, "path", "berth-keeper");
		json_add(o, names[i], runtime);
	}
	return o;
}

static struct json_object *swarm(void)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "NodeID", "");
	json_add_string(o, "NodeAddr", "");
	json_add_string(o, "LocalNodeState", "inactive");
	json_add_bool(o, "ControlAvailable", false);
	json_add_string(o, "Error", "");
	json_add(o, "RemoteManagers", NULL);
	return o;
}

static int info(struct http_request *rq, void *context, struct error *err)
{
	static const char *const security[] = { "name=seccomp,profile=builtin", "name=userns" };
	struct api *api = context;
	struct json_object *o = json_object_new_object();
	struct utsname host;

	(void)err;
	(void)uname(&host);
	json_add_string(o, "ID", "");
	add_counts(o, api);
	add_storage(o, api);
	json_add(o, "Plugins", plugins());
	add_limits(o);
	json_add_bool(o, "IPv4Forwarding", true);
	json_add_bool(o, "Debug", false);
	json_add_int(o, "NFd", -1);
	json_add_int(o, "NGoroutines", -1);
	json_add_int(o, "NEventsListener", 0);
	json_add_string(o, "LoggingDriver", "json-file");
	add_host(o, &host);
	json_add_string(o, "IndexServerAddress", "https://index.docker.io/v1/");
	json_add(o, "RegistryConfig", NULL);
	json_add(o, "GenericResources", NULL);
	json_add_string(o, "HttpProxy", "");
	json_add_string(o, "HttpsProxy", "");
	json_add_string(o, "NoProxy", "");
	json_add(o, "Labels", json_object_new_array());
	json_add_bool(o, "ExperimentalBuild", false);
	json_add_string(o, "ServerVersion", BERTH_VERSION);
	json_add(o, "Runtimes", runtimes());
	json_add_string(o, "DefaultRuntime", "container");
	json_add(o, "Swarm", swarm());
	json_add_bool(o, "LiveRestoreEnabled", true);
	json_add_string(o, "Isolation", "");
	json_add_string(o, "InitBinary", "berth-keeper");
	json_add(o, "SecurityOptions", word_array(security, ARRAY_SIZE(security)));
	json_add(o, "Warnings", NULL);
	return http_reply_json(rq, 200, o);
}

static const struct http_route routes[] = {
	{ HTTP_GET, HTTP_BODY_NONE, "/_ping", ping },
	{ HTTP_GET, HTTP_BODY_NONE, "/version", version },
	{ HTTP_GET, HTTP_BODY_NONE, "/info", info },
};

const struct route_table system_routes = { routes, ARRAY_SIZE(routes) };
