/* SPDX-License-Identifier: Apache-2.0 */
#include "container/user-lookup.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "container/plan/plan.h"
#include "sys/rootfs.h"

#define NAME_MAX_LEN 256
#define ID_MAX 4294967294u

/* Part of a line, not terminated. */
struct span {
	const char *at;
	size_t len;
};

bool user_parse_id(const char *text, uint32_t *ret)
{
	uint64_t n = 0;
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len > 10 || text[len])
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	if (n > ID_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

static bool span_id(struct span s, uint32_t *ret)
{
	char text[16];
	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	return user_parse_id(text, ret);
}

/* Takes the next line off @text; false at the end. */
static bool next_line(const char **text, struct span *ret)
{
	if (!**text)
		return false;
	ret->at = *text;
	ret->len = strcspn(*text, "\n");
	*text += ret->len + ((*text)[ret->len] == '\n');
	return true;
}

/* Takes what stands before the next @sep off @s; false where nothing is left. */
static bool next_field(struct span *s, char sep, struct span *ret)
{
	if (!s->at)
		return false;
	const char *end = memchr(s->at, sep, s->len);
	ret->at = s->at;
	ret->len = end ? (size_t)(end - s->at) : s->len;
	s->at = end ? end + 1 : NULL;
	s->len = end ? s->len - ret->len - 1 : 0;
	return true;
}

struct passwd_line {
	struct span name;
	struct span home;
	uint32_t uid;
	uint32_t gid;
};

/* name:password:uid:gid:comment:home:shell */
static bool parse_passwd(struct span line, struct passwd_line *ret)
{
	struct span field[7] = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(field) && next_field(&line, ':', &field[i]); i++)
		;
	ret->name = field[0];
	ret->home = field[5];
	return field[0].len > 0 && field[2].at && field[3].at && span_id(field[2], &ret->uid) &&
	       span_id(field[3], &ret->gid);
}

struct group_line {
	struct span name;
	struct span members;
	uint32_t gid;
};

/* name:password:gid:member,member */
static bool parse_group(struct span line, struct group_line *ret)
{
	struct span field[4] = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(field) && next_field(&line, ':', &field[i]); i++)
		;
	ret->name = field[0];
	ret->members = field[3];
	return field[0].len > 0 && field[2].at && span_id(field[2], &ret->gid);
}

static bool has_member(struct span members, struct span name)
{
	struct span one;
	while (next_field(&members, ',', &one)) {
		if (one.len == name.len && name.len && memcmp(one.at, name.at, name.len) == 0)
			return true;
	}
	return false;
}

static int add_group(struct credentials *c, uint32_t gid, struct error *err)
{
	for (size_t i = 0; i < c->group_count; i++) {
		if (c->groups[i] == gid)
			return 0;
	}
	if (c->group_count == USER_GROUPS_MAX)
		return error_say(err, E2BIG, "the user is in more than %u groups", USER_GROUPS_MAX);
	c->groups[c->group_count++] = gid;
	return 0;
}

/* Finds a group. What is a number is one, and never looked up as a name. */
static int find_group(const char *wanted, const char *group, uint32_t *ret, struct error *err)
{
	struct span line;
	struct group_line g;
	if (user_parse_id(wanted, ret))
		return 0;
	while (next_line(&group, &line)) {
		if (parse_group(line, &g) && span_is(g.name, wanted)) {
			*ret = g.gid;
			return 0;
		}
	}
	return error_say(err, ENOENT, "unable to find group %s: no matching entries in group file",
			 wanted);
}

/* Finds a user. What is a number is one: it need not have a line, and no name can stand for it. */
static int find_user(const char *wanted, const char *passwd, struct passwd_line *ret,
		     struct error *err)
{
	struct span line;
	uint32_t uid;
	bool number = user_parse_id(wanted, &uid);
	while (next_line(&passwd, &line)) {
		if (parse_passwd(line, ret) &&
		    (number ? ret->uid == uid : span_is(ret->name, wanted)))
			return 0;
	}
	if (!number)
		return error_say(err, ENOENT,
				 "unable to find user %s: no matching entries in passwd file",
				 wanted);
	*ret = (struct passwd_line){ .uid = uid };
	return 0;
}

static void set_home(struct credentials *c, struct span home)
{
	if (!home.at || home.len == 0 || home.len >= sizeof(c->home) || home.at[0] != '/') {
		memcpy(c->home, "/", 2);
		return;
	}
	memcpy(c->home, home.at, home.len);
	c->home[home.len] = '\0';
}

static int resolve_name(const char *user, const char *passwd, const char *group,
			struct credentials *ret, struct error *err)
{
	char name[NAME_MAX_LEN];
	const char *colon = strchr(user, ':');
	size_t len = colon ? (size_t)(colon - user) : strlen(user);
	if (len >= sizeof(name))
		return error_say(err, EINVAL, "the name of the user is too long");
	memcpy(name, user, len);
	name[len] = '\0';

	struct passwd_line u;
	int r = find_user(len ? name : "0", passwd, &u, err);
	if (r < 0)
		return r;
	ret->uid = u.uid;
	ret->gid = u.gid;
	set_home(ret, u.home);
	if (colon && colon[1]) {
		r = find_group(colon + 1, group, &ret->gid, err);
		return r < 0 ? r : add_group(ret, ret->gid, err);
	}
	r = add_group(ret, ret->gid, err);
	struct span line;
	struct group_line g;
	while (r == 0 && next_line(&group, &line)) {
		if (u.name.at && parse_group(line, &g) && has_member(g.members, u.name))
			r = add_group(ret, g.gid, err);
	}
	return r;
}

/* The home of a user that came as numbers, where a line knows it. */
static void find_home(uint32_t uid, const char *passwd, struct credentials *ret)
{
	struct span line;
	struct passwd_line u;
	set_home(ret, (struct span){ 0 });
	while (next_line(&passwd, &line)) {
		if (parse_passwd(line, &u) && u.uid == uid) {
			set_home(ret, u.home);
			return;
		}
	}
}

int user_resolve(const struct plan_user *user, const char *passwd, const char *group,
		 struct credentials *ret, struct error *err)
{
	ret->group_count = 0;
	int r = 0;
	if (user->user) {
		r = resolve_name(user->user, passwd, group, ret, err);
	} else {
		ret->uid = user->uid;
		ret->gid = user->gid;
		if (ret->uid > ID_MAX || ret->gid > ID_MAX)
			return error_say(err, EINVAL, "the user's id is out of range");
		find_home(user->uid, passwd, ret);
		r = add_group(ret, ret->gid, err);
	}
	for (uint32_t i = 0; r == 0 && i < user->groups.count; i++)
		r = add_group(ret, user->groups.items[i], err);
	for (uint32_t i = 0; r == 0 && i < user->group_names.count; i++) {
		uint32_t gid;
		r = find_group(user->group_names.items[i], group, &gid, err);
		if (r == 0)
			r = add_group(ret, gid, err);
	}
	return r;
}

/* Reads one of the files; none, or one that is no file to read, is as an empty one. */
static int read_names(int root_fd, const char *path, struct strbuf *ret, struct error *err)
{
	int r = rootfs_read_file(root_fd, path, USER_FILE_MAX, ret, err);
	return r == -EFBIG ? r : 0;
}

int user_resolve_in(int root_fd, const struct plan_user *user, struct credentials *ret,
		    struct error *err)
{
	auto_strbuf passwd = STRBUF_INIT(USER_FILE_MAX + 1);
	auto_strbuf group = STRBUF_INIT(USER_FILE_MAX + 1);
	int r = read_names(root_fd, "/etc/passwd", &passwd, err);
	if (r == 0 && (user->user || user->group_names.count))
		r = read_names(root_fd, "/etc/group", &group, err);
	if (r < 0)
		return r;
	return user_resolve(user, strbuf_text(&passwd), strbuf_text(&group), ret, err);
}
