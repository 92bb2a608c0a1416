/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/platform.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__x86_64__)
#define HOST_ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define HOST_ARCHITECTURE "arm64"
#elif defined(__riscv)
#define HOST_ARCHITECTURE "riscv64"
#elif defined(__powerpc64__)
#define HOST_ARCHITECTURE "ppc64le"
#elif defined(__s390x__)
#define HOST_ARCHITECTURE "s390x"
#elif defined(__arm__)
#define HOST_ARCHITECTURE "arm"
#elif defined(__i386__)
#define HOST_ARCHITECTURE "386"
#else
/* no index has an image for it, and the error says so */
#define HOST_ARCHITECTURE "unknown"
#endif

/* Other names of architectures, and the variant that a bare name implies. */
static const struct {
	const char *name;
	const char *architecture;
	const char *variant;
} aliases[] = {
	{ "x86_64", "amd64", "" },    { "x86-64", "amd64", "" },
	{ "i386", "386", "" },        { "i686", "386", "" },
	{ "aarch64", "arm64", "v8" }, { "arm64", "arm64", "v8" },
	{ "armhf", "arm", "v7" },     { "armel", "arm", "v6" },
	{ "arm", "arm", "v7" },       { "powerpc64le", "ppc64le", "" },
};

static void set_word(char word[PLATFORM_WORD], const char *text)
{
	(void)snprintf(word, PLATFORM_WORD, "%s", text);
}

void platform_host(struct platform *ret)
{
	*ret = (struct platform){ .os = "linux", .architecture = HOST_ARCHITECTURE };
	platform_normalize(ret);
}

void platform_normalize(struct platform *p)
{
	char *words[] = { p->os, p->architecture, p->variant };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (char *c = words[i]; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (strcmp(p->architecture, aliases[i].name) != 0)
			continue;
		set_word(p->architecture, aliases[i].architecture);
		if (p->variant[0] == '\0')
			set_word(p->variant, aliases[i].variant);
		break;
	}
	if (isdigit((unsigned char)p->variant[0])) {
		char bare[PLATFORM_WORD];
		memcpy(bare, p->variant, sizeof(bare));
		(void)snprintf(p->variant, PLATFORM_WORD, "v%.30s", bare);
	}
	/* the baseline of amd64 has a name that nobody writes */
	if (strcmp(p->architecture, "amd64") == 0 && strcmp(p->variant, "v1") == 0)
		p->variant[0] = '\0';
}

static bool word_is_valid(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-");

	return len > 0 && len < PLATFORM_WORD && word[len] == '\0';
}

int platform_parse(const char *text, struct platform *ret, struct error *err)
{
	auto_free char *copy = xstrdup(text);
	char *words[3] = {};
	size_t count = 0;

	for (char *rest = copy; rest && count <= ARRAY_SIZE(words);) {
		char *word = strsep(&rest, "/");
		if (count == ARRAY_SIZE(words) || !word_is_valid(word))
			return error_say(err, EINVAL,
					 "'%.64s' is not a platform: os[/architecture[/variant]]",
					 text);
		words[count++] = word;
	}

	struct platform p;
	platform_host(&p);
	bool os_alone = count == 1 && strcasecmp(words[0], p.os) == 0;
	if (count > 1 || os_alone)
		set_word(p.os, words[0]);
	if (!os_alone) {
		set_word(p.architecture, count > 1 ? words[1] : words[0]);
		set_word(p.variant, count > 2 ? words[2] : "");
	}
	platform_normalize(&p);
	*ret = p;
	return 0;
}

char *platform_text(const struct platform *p)
{
	return xasprintf("%s/%s%s%s", p->os, p->architecture, p->variant[0] ? "/" : "", p->variant);
}

/* The number of a variant such as "v7"; the baseline of amd64 counts as 1; -1 for other words. */
static int variant_number(const struct platform *p)
{
	if (p->variant[0] == '\0')
		return strcmp(p->architecture, "amd64") == 0 ? 1 : 0;
	if (p->variant[0] != 'v' || !isdigit((unsigned char)p->variant[1]) || p->variant[2] != '\0')
		return -1;
	return p->variant[1] - '0';
}

int platform_score(const struct platform *wanted, const struct platform *offered)
{
	if (strcmp(wanted->os, offered->os) != 0 ||
	    strcmp(wanted->architecture, offered->architecture) != 0)
		return 0;
	if (strcmp(wanted->variant, offered->variant) == 0)
		return 100;

	int have = variant_number(wanted);
	int need = variant_number(offered);
	if (have < 0 || need < 0 || need > have)
		return 0;
	return 1 + need;
}
