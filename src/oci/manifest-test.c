/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/manifest.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DESCRIPTOR(type, size) \
	"{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":" size "}"
#define CONFIG "\"config\":" DESCRIPTOR(MEDIA_OCI_CONFIG, "2")
#define LAYERS "\"layers\":[" DESCRIPTOR(MEDIA_OCI_LAYER_GZIP, "3") "]"
#define MANIFESTS "\"manifests\":[" DESCRIPTOR(MEDIA_OCI_MANIFEST, "4") "]"
#define TYPE(type) "\"mediaType\":\"" type "\","
#define DOCUMENT(rest) "{\"schemaVersion\":2," rest "}"

static int parse(const char *text, const char *outer, struct manifest **ret)
{
	struct error err = {};
	int r = manifest_parse(text, strlen(text), outer, ret, &err);

	assert_int_equal(r < 0, err.text[0] != '\0');
	return r;
}

static void images_and_indexes_of_both_kinds_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *outer;
		const char *type;
	} cases[] = {
		{ DOCUMENT(CONFIG "," LAYERS), NULL, MEDIA_OCI_MANIFEST },
		{ DOCUMENT(CONFIG "," LAYERS), MEDIA_OCI_MANIFEST, MEDIA_OCI_MANIFEST },
		{ DOCUMENT(TYPE("") CONFIG "," LAYERS), NULL, MEDIA_OCI_MANIFEST },
		{ DOCUMENT(TYPE(MEDIA_DOCKER_MANIFEST) CONFIG "," LAYERS), NULL,
		  MEDIA_DOCKER_MANIFEST },
		{ DOCUMENT(TYPE(MEDIA_DOCKER_MANIFEST) CONFIG "," LAYERS), MEDIA_DOCKER_MANIFEST,
		  MEDIA_DOCKER_MANIFEST },
		{ DOCUMENT(MANIFESTS), NULL, MEDIA_OCI_INDEX },
		{ DOCUMENT(TYPE(MEDIA_OCI_INDEX) MANIFESTS), MEDIA_OCI_INDEX, MEDIA_OCI_INDEX },
		{ DOCUMENT(TYPE(MEDIA_DOCKER_LIST) MANIFESTS), NULL, MEDIA_DOCKER_LIST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_manifest *m = NULL;
		assert_int_equal(parse(cases[i].text, cases[i].outer, &m), 0);
		assert_string_equal(m->media_type, cases[i].type);
		if (m->kind == MANIFEST_IMAGE) {
			assert_int_equal(m->config.size, 2);
			assert_int_equal(m->layers.count, 1);
		} else {
			assert_int_equal(m->manifests.count, 1);
		}
	}
}

static void documents_that_can_be_read_in_two_ways_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *outer;
	} cases[] = {
		{ DOCUMENT(CONFIG "," LAYERS "," MANIFESTS), NULL },
		{ DOCUMENT(LAYERS "," MANIFESTS), MEDIA_OCI_INDEX },
		{ DOCUMENT(CONFIG "," MANIFESTS), MEDIA_OCI_INDEX },
		{ DOCUMENT("\"layers\":null," MANIFESTS), MEDIA_OCI_INDEX },
		{ DOCUMENT(CONFIG "," LAYERS ",\"manifests\":[]"), MEDIA_OCI_MANIFEST },
		{ DOCUMENT(CONFIG "," LAYERS), MEDIA_OCI_INDEX },
		{ DOCUMENT(MANIFESTS), MEDIA_OCI_MANIFEST },
		{ DOCUMENT(TYPE(MEDIA_OCI_INDEX) CONFIG "," LAYERS), NULL },
		{ DOCUMENT(TYPE(MEDIA_OCI_INDEX) CONFIG "," LAYERS), MEDIA_OCI_INDEX },
		{ DOCUMENT(TYPE(MEDIA_OCI_MANIFEST) CONFIG "," LAYERS), MEDIA_OCI_INDEX },
		{ DOCUMENT(TYPE(MEDIA_OCI_MANIFEST) CONFIG "," LAYERS), MEDIA_DOCKER_MANIFEST },
		{ DOCUMENT(TYPE(MEDIA_OCI_MANIFEST) TYPE(MEDIA_OCI_INDEX) MANIFESTS), NULL },
		{ DOCUMENT(LAYERS "," CONFIG "," LAYERS), NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_manifest *m = NULL;
		assert_int_equal(parse(cases[i].text, cases[i].outer, &m), -EBADMSG);
		assert_null(m);
	}
}

static void malformed_documents_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"schemaVersion\":3," CONFIG "," LAYERS "}",
		"{\"schemaVersion\":\"2\"," CONFIG "," LAYERS "}",
		"{" CONFIG "," LAYERS "}",
		DOCUMENT(CONFIG),
		DOCUMENT(LAYERS),
		DOCUMENT(CONFIG ",\"layers\":null"),
		DOCUMENT(CONFIG ",\"layers\":{}"),
		DOCUMENT(CONFIG ",\"layers\":[null]"),
		DOCUMENT(CONFIG ",\"layers\":[{}]"),
		DOCUMENT(CONFIG ",\"layers\":[" DESCRIPTOR(MEDIA_OCI_LAYER, "-1") "]"),
		DOCUMENT(CONFIG ",\"layers\":[" DESCRIPTOR(MEDIA_OCI_LAYER, "1.5") "]"),
		DOCUMENT(CONFIG ",\"layers\":[" DESCRIPTOR(MEDIA_OCI_LAYER, "null") "]"),
		DOCUMENT(CONFIG
			 ",\"layers\":[" DESCRIPTOR(MEDIA_OCI_LAYER, "99999999999999999") "]"),
		DOCUMENT("\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
			 "\",\"digest\":\"sha256:../../../etc/passwd\",\"size\":1}]"),
		DOCUMENT(MANIFESTS) "x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_manifest *m = NULL;
		assert_int_equal(parse(bad[i], NULL, &m), -EBADMSG);
		assert_null(m);
	}
}

static void schema_1_and_unknown_types_are_named_as_such(void **state)
{
	(void)state;
	auto_manifest *m = NULL;

	assert_int_equal(parse("{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, &m), -ENOTSUP);
	assert_int_equal(parse(DOCUMENT(CONFIG "," LAYERS), "text/html", &m), -ENOTSUP);
}

static void more_layers_than_can_be_stacked_are_refused(void **state)
{
	(void)state;
	for (int count = MANIFEST_LAYERS_MAX; count <= MANIFEST_LAYERS_MAX + 1; count++) {
		auto_strbuf text = STRBUF_INIT(MANIFEST_SIZE_MAX);
		strbuf_adds(&text, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
		for (int i = 0; i < count; i++)
			strbuf_addf(&text, "%s" DESCRIPTOR(MEDIA_OCI_LAYER, "1"), i ? "," : "");
		strbuf_adds(&text, "]}");
		auto_manifest *m = NULL;
		int r = manifest_parse(text.data, text.len, NULL, &m, NULL);
		assert_int_equal(r, count > MANIFEST_LAYERS_MAX ? -EFBIG : 0);
	}
}

static void a_manifest_larger_than_the_limit_is_refused(void **state)
{
	(void)state;
	auto_strbuf text = STRBUF_INIT(MANIFEST_SIZE_MAX + 64);
	auto_manifest *m = NULL;

	strbuf_adds(&text, DOCUMENT(CONFIG "," LAYERS));
	while (text.len <= MANIFEST_SIZE_MAX)
		strbuf_addc(&text, ' ');
	assert_int_equal(manifest_parse(text.data, text.len, NULL, &m, NULL), -EFBIG);
	assert_int_equal(manifest_parse(text.data, MANIFEST_SIZE_MAX, NULL, &m, NULL), 0);
}

#define ENTRY(digit, platform)                                                            \
	"{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"size\":1,\"digest\":\"sha256:" digit \
	"3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"" platform "}"
#define FOR(os, arch, more) \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"" more "}"

/* The first digit of the chosen manifest's digest, or '-'. */
static char choose(const char *entries, const char *wanted)
{
	auto_free char *text = xasprintf("{\"schemaVersion\":2,\"manifests\":[%s]}", entries);
	auto_manifest *m = NULL;
	struct platform p;

	assert_int_equal(parse(text, NULL, &m), 0);
	assert_int_equal(platform_parse(wanted, &p, NULL), 0);
	const struct descriptor *d = manifest_select(m, &p);
	return d ? *digest_hex(&d->digest) : '-';
}

static void the_best_platform_of_an_index_is_chosen(void **state)
{
	(void)state;
	static const char entries[] =
		ENTRY("1", FOR("linux", "amd64", "")) "," ENTRY("2", FOR("linux", "arm", ",\"variant\":\"v5\"")) "," ENTRY(
			"3",
			FOR("linux", "arm",
			    ",\"variant\":\"v7\"")) "," ENTRY("4",
							      FOR("linux", "arm64",
								  "")) "," ENTRY("5",
										 FOR("unknown",
										     "unknown",
										     "")) "," ENTRY("6",
												    "");

	assert_int_equal(choose(entries, "linux/amd64"), '1');
	assert_int_equal(choose(entries, "linux/amd64/v4"), '1');
	assert_int_equal(choose(entries, "linux/arm/v6"), '2');
	assert_int_equal(choose(entries, "linux/arm/v7"), '3');
	assert_int_equal(choose(entries, "linux/arm64/v8"), '4');
	assert_int_equal(choose(entries, "linux/s390x"), '6');
	assert_int_equal(choose(ENTRY("1", FOR("linux", "arm64", "")), "linux/amd64"), '-');
	assert_int_equal(choose(ENTRY("1", "") "," ENTRY("2", ""), "linux/amd64"), '-');
}

static void a_manifest_that_was_written_reads_the_same(void **state)
{
	(void)state;
	static const char *const texts[] = {
		DOCUMENT(TYPE(MEDIA_OCI_MANIFEST) CONFIG "," LAYERS),
		DOCUMENT(TYPE(MEDIA_OCI_INDEX) "\"manifests\":[" ENTRY(
			"1", ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"x\"}" FOR(
				     "linux", "arm64", "")) "]"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_manifest *m = NULL;
		auto_manifest *again = NULL;
		auto_strbuf out = STRBUF_INIT(MANIFEST_SIZE_MAX);
		auto_strbuf out_again = STRBUF_INIT(MANIFEST_SIZE_MAX);
		assert_int_equal(parse(texts[i], NULL, &m), 0);
		manifest_write(m, &out);
		assert_int_equal(parse(strbuf_text(&out), NULL, &again), 0);
		manifest_write(again, &out_again);
		assert_string_equal(strbuf_text(&out), strbuf_text(&out_again));
		assert_int_equal(again->kind, m->kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_and_indexes_of_both_kinds_are_read),
		cmocka_unit_test(documents_that_can_be_read_in_two_ways_are_refused),
		cmocka_unit_test(malformed_documents_are_refused),
		cmocka_unit_test(schema_1_and_unknown_types_are_named_as_such),
		cmocka_unit_test(more_layers_than_can_be_stacked_are_refused),
		cmocka_unit_test(a_manifest_larger_than_the_limit_is_refused),
		cmocka_unit_test(the_best_platform_of_an_index_is_chosen),
		cmocka_unit_test(a_manifest_that_was_written_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
