/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp/seccomp.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/array.h"
#include "container/config/capabilities.h"
#include "oci/runtime-tables.h"

#define PROFILE_MAX (1u << 20)

/* "includes" and "excludes" of a rule. */
struct profile_filter {
	struct strv capabilities;
	struct strv arches; /* Go's words: "amd64" */
	char *min_kernel;   /* "4.8" */
};

/* What a rule of Docker's has beside the OCI one's. */
struct profile_rule {
	char *name; /* older than "names" */
	struct profile_filter includes;
	struct profile_filter excludes;
};

struct profile_arch {
	uint32_t arch;
	uint32_t *sub_arches;
	size_t sub_arch_count;
};

struct profile {
	struct profile_arch *arches;
	size_t arch_count;
};

static const struct json_field filter_fields[] = {
	JSON_FIELD("caps", JSON_STRINGS, profile_filter, capabilities),
	JSON_FIELD("arches", JSON_STRINGS, profile_filter, arches),
	JSON_FIELD("minKernel", JSON_TEXT, profile_filter, min_kernel),
};
static const struct json_table filter_table = JSON_TABLE(profile_filter, filter_fields);

static const struct json_field rule_fields[] = {
	JSON_FIELD("name", JSON_TEXT, profile_rule, name),
	JSON_FIELD("includes", JSON_OBJECT, profile_rule, includes, .table = &filter_table),
	JSON_FIELD("excludes", JSON_OBJECT, profile_rule, excludes, .table = &filter_table),
};
static const struct json_table rule_table = JSON_TABLE(profile_rule, rule_fields);

static const struct json_field arch_fields[] = {
	JSON_FIELD("architecture", JSON_WORD, profile_arch, arch, .words = runtime_arch_words,
		   .flags = JSON_REQUIRED),
	JSON_FIELD("subArchitectures", JSON_WORD_LIST, profile_arch, sub_arches,
		   .words = runtime_arch_words,
		   .at_count = offsetof(struct profile_arch, sub_arch_count)),
};
static const struct json_table arch_table = JSON_TABLE(profile_arch, arch_fields);

static const struct json_field profile_fields[] = {
	JSON_ARRAY_FIELD("archMap", profile, arches, arch_count, arch_table),
};
static const struct json_table profile_table = JSON_TABLE(profile, profile_fields);

/* ---- which rules count ------------------------------------------------------------------- */

/* Go's word for this machine's architecture. */
static const char *go_arch(void)
{
	static const struct {
		uint32_t arch;
		const char *name;
	} names[] = {
		{ SCMP_ARCH_X86_64, "amd64" },    { SCMP_ARCH_X86, "x86" },
		{ SCMP_ARCH_AARCH64, "arm64" },   { SCMP_ARCH_ARM, "arm" },
		{ SCMP_ARCH_PPC64LE, "ppc64le" }, { SCMP_ARCH_S390X, "s390x" },
		{ SCMP_ARCH_RISCV64, "riscv64" }, { SCMP_ARCH_MIPS64, "mips64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].arch == seccomp_arch_native())
			return names[i].name;
	return "";
}

static bool has_capability(uint64_t set, const char *name)
{
	int number = capability_number(name);

	return number >= 0 && (set & CAPABILITY_BIT(number));
}

/* Major and minor number as one; false where there are not two numbers in front. */
static bool version_parse(const char *text, long *ret)
{
	char *end;
	long major = strtol(text, &end, 10);

	if (end == text || *end != '.' || major < 0 || major > 1000)
		return false;
	const char *second = end + 1;
	long minor = strtol(second, &end, 10);
	if (end == second || minor < 0 || minor > 99999)
		return false;
	*ret = major * 100000 + minor;
	return true;
}

static int kernel_at_least(const char *wanted, bool *ret, struct error *err)
{
	struct utsname host;
	long minimum;
	long running;

	if (!version_parse(wanted, &minimum))
		return error_say(err, EBADMSG, "minKernel '%.50s' is no version", wanted);
	if (uname(&host) < 0 || !version_parse(host.release, &running))
		return error_say(err, EIO, "the kernel does not tell its version");
	*ret = running >= minimum;
	return 0;
}

static int is_included(const struct profile_rule *rule, uint64_t capabilities, bool *ret,
		       struct error *err)
{
	const struct profile_filter *in = &rule->includes;
	const struct profile_filter *out = &rule->excludes;
	bool keep = true;
	bool new_enough;

	if (strv_contains(&out->arches, go_arch()) ||
	    (in->arches.count > 0 && !strv_contains(&in->arches, go_arch())))
		keep = false;
	for (size_t i = 0; i < in->capabilities.count; i++)
		keep &= has_capability(capabilities, in->capabilities.items[i]);
	for (size_t i = 0; i < out->capabilities.count; i++)
		keep &= !has_capability(capabilities, out->capabilities.items[i]);
	if (in->min_kernel) {
		int r = kernel_at_least(in->min_kernel, &new_enough, err);
		if (r < 0)
			return r;
		keep &= new_enough;
	}
	if (out->min_kernel) {
		int r = kernel_at_least(out->min_kernel, &new_enough, err);
		if (r < 0)
			return r;
		keep &= !new_enough;
	}
	*ret = keep;
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

static int finish_rule(const struct profile_rule *extra, struct runtime_seccomp_rule *rule,
		       struct error *err)
{
	if (extra->name && rule->names.count > 0)
		return error_say(err, EBADMSG, "both 'name' and 'names' are given");
	if (extra->name)
		strv_add(&rule->names, extra->name);
	if (rule->names.count == 0)
		return error_say(err, EBADMSG, "'names' is missing");
	for (size_t i = 0; i < rule->arg_count; i++)
		if (rule->args[i].index > 5)
			return error_say(err, EBADMSG, "args[%zu]: a call has arguments 0 to 5", i);
	return 0;
}

static int read_rule(struct json_object *value, uint64_t capabilities,
		     struct runtime_seccomp *profile, struct error *err)
{
	struct runtime_seccomp_rule rule = {};
	struct profile_rule extra = {};
	bool keep = false;
	int r = json_read(&runtime_seccomp_rule_table, value, &rule, err);

	if (r == 0)
		r = json_read(&rule_table, value, &extra, err);
	if (r == 0)
		r = finish_rule(&extra, &rule, err);
	if (r == 0)
		r = is_included(&extra, capabilities, &keep, err);
	json_release(&rule_table, &extra);
	if (r == 0 && keep)
		*array_add(profile->rules, profile->rule_count) = rule;
	else
		json_release(&runtime_seccomp_rule_table, &rule);
	return r;
}

static int read_rules(struct json_object *document, uint64_t capabilities,
		      struct runtime_seccomp *profile, struct error *err)
{
	struct json_object *rules = NULL;
	int r = json_get_array(document, "syscalls", &rules, err);

	for (size_t i = 0; r == 0 && rules && i < json_object_array_length(rules); i++) {
		r = read_rule(json_object_array_get_idx(rules, i), capabilities, profile, err);
		if (r < 0)
			r = error_prefix(err, "syscalls[%zu]", i);
	}
	return r;
}

static int read_arches(struct json_object *document, struct runtime_seccomp *profile,
		       struct error *err)
{
	struct profile map = {};
	int r = json_read(&profile_table, document, &map, err);
	if (r < 0)
		return r;

	if (map.arch_count > 0 && profile->architecture_count > 0)
		r = error_say(err, EBADMSG,
			      "both 'architectures' and 'archMap' are specified in the seccomp "
			      "profile, use either one of them");
	for (size_t i = 0; r == 0 && i < map.arch_count; i++) {
		const struct profile_arch *a = &map.arches[i];
		if (a->arch != seccomp_arch_native())
			continue;
		*array_add(profile->architectures, profile->architecture_count) = a->arch;
		for (size_t k = 0; k < a->sub_arch_count; k++)
			*array_add(profile->architectures, profile->architecture_count) =
				a->sub_arches[k];
	}
	json_release(&profile_table, &map);
	return r;
}

/* Everything but the rules, which have more to them than the OCI ones. */
static int read_head(struct json_object *document, struct runtime_seccomp *profile,
		     struct error *err)
{
	auto_json *head = json_object_new_object();

	json_object_object_foreach(document, key, value)
	{
		if (strcmp(key, "syscalls") != 0)
			(void)json_add(head, key, json_object_get(value));
	}
	int r = json_read(&runtime_seccomp_table, head, profile, err);
	return r < 0 ? r : read_arches(document, profile, err);
}

int seccomp_profile_parse(const char *text, size_t len, uint64_t capabilities,
			  struct runtime_seccomp *ret, struct error *err)
{
	static const char what[] = "seccomp profile";
	auto_json *document = NULL;
	int r = json_parse(text, len, PROFILE_MAX, what, &document, err);
	if (r < 0)
		return r;
	if (json_object_get_type(document) != json_type_object)
		return error_say(err, EBADMSG, "%s: no object", what);

	struct runtime_seccomp profile = {};
	r = read_head(document, &profile, err);
	if (r == 0)
		r = read_rules(document, capabilities, &profile, err);
	if (r < 0) {
		runtime_seccomp_done(&profile);
		return error_prefix(err, "%s", what);
	}
	*ret = profile;
	return 0;
}
