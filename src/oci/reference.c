/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define LIBRARY "library/"
#define LEGACY_DOMAIN "index.docker.io"

/* Longest text looked at: name, tag, digest and what joins them. */
#define REFERENCE_TEXT_MAX (REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + DIGEST_TEXT + 2)

void reference_done(struct reference *ref)
{
	free(ref->domain);
	free(ref->path);
	free(ref->tag);
	*ref = (struct reference){};
}

/* letters, digits and inner dashes, joined by dots */
static bool host_is_valid(const char *host, size_t len)
{
	const char *end = host + len;

	for (;;) {
		size_t part = strspn(host, LOWER UPPER DIGITS "-");
		if (part == 0 || host[0] == '-' || host[part - 1] == '-')
			return false;
		host += part;
		if (host >= end)
			return host == end;
		if (*host++ != '.')
			return false;
	}
}

static bool domain_is_valid(const char *domain)
{
	size_t host = 0;

	if (domain[0] == '[') {
		host = 1 + strspn(domain + 1, DIGITS "abcdefABCDEF:");
		if (host == 1 || domain[host++] != ']')
			return false;
	} else {
		host = strcspn(domain, ":");
		if (!host_is_valid(domain, host))
			return false;
	}
	if (domain[host] == '\0')
		return true;

	const char *port = domain + host + 1;
	size_t digits = strspn(port, DIGITS);
	return domain[host] == ':' && digits > 0 && digits <= 5 && port[digits] == '\0' &&
	       strtoul(port, NULL, 10) <= 65535;
}

/* '.', '_', "__" or any number of '-': the length of what joins two words, or 0 */
static size_t joint_length(const char *s)
{
	if (s[0] == '.')
		return 1;
	if (s[0] == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

static bool path_is_valid(const char *path)
{
	for (;;) {
		size_t word = strspn(path, LOWER DIGITS);
		if (word == 0)
			return false;
		path += word;
		if (*path == '\0')
			return true;
		size_t joint = *path == '/' ? 1 : joint_length(path);
		if (joint == 0)
			return false;
		path += joint;
	}
}

bool reference_tag_is_valid(const char *tag)
{
	size_t len = strspn(tag, LOWER UPPER DIGITS "_.-");

	return len > 0 && len <= REFERENCE_TAG_MAX && tag[len] == '\0' && tag[0] != '.' &&
	       tag[0] != '-';
}

static bool is_image_id(const char *name)
{
	return strlen(name) == 64 && strspn(name, DIGITS "abcdef") == 64;
}

/* Whether the @len bytes before the first slash name a host rather than a user of Docker Hub. */
static bool looks_like_domain(const char *first, size_t len)
{
	if (len == strlen("localhost") && strncmp(first, "localhost", len) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (strchr(".:[", first[i]) || isupper((unsigned char)first[i]))
			return true;
	return false;
}

/* Splits a name without tag and digest by Docker's rules. */
static void split_name(const char *name, struct reference *ret)
{
	size_t first = strcspn(name, "/");

	if (name[first] == '/' && looks_like_domain(name, first)) {
		ret->domain = xstrndup(name, first);
		name += first + 1;
		if (strcmp(ret->domain, LEGACY_DOMAIN) == 0) {
			free(ret->domain);
			ret->domain = xstrdup(REFERENCE_DEFAULT_DOMAIN);
		}
	} else {
		ret->domain = xstrdup(REFERENCE_DEFAULT_DOMAIN);
	}

	bool library = strcmp(ret->domain, REFERENCE_DEFAULT_DOMAIN) == 0 && !strchr(name, '/');
	ret->path = xasprintf("%s%s", library ? LIBRARY : "", name);
}

static int invalid(const char *text, const char *why, struct error *err)
{
	return error_say(err, EINVAL, "invalid reference '%.300s': %s", text, why);
}

static int check_name(const char *text, const struct reference *ref, struct error *err)
{
	for (const char *c = ref->path; *c; c++)
		if (isupper((unsigned char)*c))
			return invalid(text, "the name of a repository is lower case", err);
	if (!domain_is_valid(ref->domain))
		return invalid(text, "the registry's host is malformed", err);
	if (!path_is_valid(ref->path))
		return invalid(text, "the name of the repository is malformed", err);
	if (strlen(ref->domain) + 1 + strlen(ref->path) > REFERENCE_NAME_MAX)
		return invalid(text, "the name has more than 255 characters", err);
	return 0;
}

int reference_parse(const char *text, struct reference *ret, struct error *err)
{
	if (text[0] == '\0')
		return error_say(err, EINVAL, "invalid reference: it is empty");
	if (strlen(text) > REFERENCE_TEXT_MAX)
		return invalid(text, "it is too long", err);

	auto_free char *name = xstrdup(text);
	auto_reference ref = {};
	char *at = strchr(name, '@');
	if (at) {
		*at = '\0';
		if (digest_parse(at + 1, &ref.digest, err) < 0)
			return invalid(text, "what stands behind '@' is no digest", err);
	}
	char *slash = strrchr(name, '/');
	char *colon = strchr(slash ? slash : name, ':');
	if (colon) {
		*colon = '\0';
		if (!reference_tag_is_valid(colon + 1))
			return invalid(text, "the tag is malformed", err);
		ref.tag = xstrdup(colon + 1);
	}
	if (is_image_id(name))
		return invalid(text, "64 hexadecimal digits are an image id, not a name", err);
	split_name(name, &ref);

	int r = check_name(text, &ref, err);
	if (r < 0)
		return r;
	*ret = take_struct(ref);
	return 0;
}

void reference_default_tag(struct reference *ref)
{
	if (!ref->tag && digest_is_empty(&ref->digest))
		ref->tag = xstrdup("latest");
}

void reference_copy(struct reference *to, const struct reference *from)
{
	struct reference copy = {
		.domain = xstrdup_or_null(from->domain),
		.path = xstrdup_or_null(from->path),
		.tag = xstrdup_or_null(from->tag),
		.digest = from->digest,
	};

	reference_done(to);
	*to = copy;
}

char *reference_name(const struct reference *ref)
{
	return xasprintf("%s/%s", ref->domain, ref->path);
}

char *reference_familiar_name(const struct reference *ref)
{
	if (strcmp(ref->domain, REFERENCE_DEFAULT_DOMAIN) != 0)
		return reference_name(ref);

	const char *path = ref->path;
	if (strncmp(path, LIBRARY, strlen(LIBRARY)) == 0) {
		const char *word = path + strlen(LIBRARY);
		/* "library/a/b" needs its first part to be read back as it is */
		if (!strchr(word, '/') && !is_image_id(word))
			return xstrdup(word);
	}
	/* a user that reads as a host needs the domain before it */
	if (looks_like_domain(path, strcspn(path, "/")))
		return reference_name(ref);
	return xstrdup(path);
}

static char *with_tag_and_digest(const char *name, const struct reference *ref)
{
	bool digest = !digest_is_empty(&ref->digest);

	return xasprintf("%s%s%s%s%s", name, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
			 digest ? "@" : "", ref->digest.text);
}

char *reference_text(const struct reference *ref)
{
	auto_free char *name = reference_name(ref);

	return with_tag_and_digest(name, ref);
}

char *reference_familiar(const struct reference *ref)
{
	auto_free char *name = reference_familiar_name(ref);

	return with_tag_and_digest(name, ref);
}
