/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "cli/doctor/doctor.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/image-pull.h"
#include "oci/auth-config.h"

/* Below this much free space images and writable layers soon meet the end. */
#define FREE_LOW_BYTES (2ULL << 30)

void finding_set(struct finding *f, enum verdict verdict, const char *fmt, ...)
{
	va_list args;

	f->verdict = verdict;
	va_start(args, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
}

void finding_mend(struct finding *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(f->mend, sizeof(f->mend), fmt, args);
	va_end(args);
}

static void look_engine(const struct call *call, struct finding *ret)
{
	auto_json *version = NULL;
	struct error err = {};

	if (api_get(call->api, "/version", &version, &err) < 0) {
		finding_set(ret, VERDICT_BAD, "%s", err.text);
		finding_mend(ret, "berthd --daemon, or: systemctl start berth");
		return;
	}
	finding_set(ret, VERDICT_GOOD, "%s %s answers, API %s",
		    document_text(version, "Platform.Name"), document_text(version, "Version"),
		    document_text(version, "ApiVersion"));
}

static void look_store(const struct call *call, struct finding *ret)
{
	auto_json *info = NULL;
	struct error err = {};

	if (api_get(call->api, "/berth/info", &info, &err) < 0) {
		finding_set(ret, VERDICT_NOTE, "unknown: %s", err.text);
		return;
	}
	const char *mode = document_text(info, "store.mode");
	const char *reason = document_text(info, "store.reason");
	bool folder = strcmp(mode, "folder") == 0;
	finding_set(ret, folder ? VERDICT_NOTE : VERDICT_GOOD, "layers are kept as %s%s%s",
		    folder ? "unpacked folders" : "tar files that the kernel mounts",
		    *reason ? ": " : "", reason);
	if (folder)
		finding_mend(ret,
			     "modprobe erofs; a kernel of 6.4 or newer mounts layers as they are");
}

static void look_machines(const struct call *call, struct finding *ret)
{
	auto_json *info = NULL;
	struct error err = {};

	if (api_get(call->api, "/berth/info", &info, &err) < 0) {
		finding_set(ret, VERDICT_NOTE, "unknown: %s", err.text);
		return;
	}
	const char *missing = document_text(info, "vm.missing");
	if (*missing) {
		finding_set(ret, VERDICT_NOTE, "%s", missing);
		return;
	}
	finding_set(ret, VERDICT_GOOD, "kernel %s, accelerator %s: %s",
		    document_text(info, "vm.kernel"), document_text(info, "vm.accelerator"),
		    document_text(info, "vm.reason"));
}

static void look_disk(const struct call *call, struct finding *ret)
{
	auto_json *info = NULL;
	struct statvfs vfs;
	struct error err = {};
	char free_text[HUMAN_TEXT];

	if (api_get(call->api, "/info", &info, &err) < 0) {
		finding_set(ret, VERDICT_NOTE, "unknown: %s", err.text);
		return;
	}
	const char *folder = document_text(info, "DockerRootDir");
	if (statvfs(folder, &vfs) < 0) {
		finding_set(ret, VERDICT_NOTE, "%s is not on this host or cannot be seen", folder);
		return;
	}
	uint64_t left = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	human_size((double)left, 3, free_text);
	finding_set(ret, left < FREE_LOW_BYTES ? VERDICT_NOTE : VERDICT_GOOD, "%s free below %s",
		    free_text, folder);
	if (left < FREE_LOW_BYTES)
		finding_mend(ret, "berth system prune");
}

static void look_warnings(const struct call *call, struct finding *ret)
{
	auto_json *info = NULL;
	struct error err = {};

	if (api_get(call->api, "/info", &info, &err) < 0) {
		finding_set(ret, VERDICT_NOTE, "unknown: %s", err.text);
		return;
	}
	struct json_object *warnings = document_at(info, "Warnings");
	if (document_count(warnings, NULL) == 0)
		finding_set(ret, VERDICT_GOOD, "the engine has none");
	else
		finding_set(ret, VERDICT_NOTE, "%s",
			    document_text(document_item(warnings, 0), NULL));
}

static void look_credentials(const struct call *call, struct finding *ret)
{
	auto_free char *path = image_auth_path(call);
	auto_auth_config *config = NULL;
	struct error err = {};
	struct stat st;

	if (auth_config_load(path, &config, &err) < 0) {
		finding_set(ret, VERDICT_BAD, "%s", err.text);
		return;
	}
	const char *file = auth_config_path(config);
	if (stat(file, &st) < 0) {
		finding_set(ret, VERDICT_GOOD, "none are kept");
	} else if (st.st_mode & 077) {
		finding_set(ret, VERDICT_NOTE, "others on this host can read %s", file);
		finding_mend(ret, "chmod 600 %s", file);
	} else {
		finding_set(ret, VERDICT_GOOD, "kept in %s", file);
	}
}

const struct doctor_check doctor_engine_checks[] = {
	{ "engine", look_engine },
	{ "layers", look_store },
	{ "machines", look_machines },
	{ "disk space", look_disk },
	{ "warnings", look_warnings },
	{ "credentials", look_credentials },
	{},
};
