/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/process-table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/printable.h"
#include "sys/cgroup-usage.h"

#define STAT_MAX 4096
/* Bytes of one command line that are shown, and of all together until the rest is cut short. */
#define COMMAND_MAX (32u << 10)
#define COMMANDS_MAX (8u << 20)
#define COMMAND_SHORT 64u
#define CELL_MAX 64
#define DAY_S 86400

/* One process as /proc shows it; it is read once, by descriptors of its folder. */
struct process {
	pid_t pid;
	pid_t ppid;
	uint32_t uid;
	char name[32];
	char state;
	int tty;
	int64_t nice;
	int64_t priority;
	uint64_t cpu_ticks;
	int64_t age_ticks;
	int64_t threads;
	uint64_t vsize_bytes;
	uint64_t rss_bytes;
	char *command;
};

void process_table_done(struct process_table *table)
{
	strv_done(&table->titles);
	for (size_t i = 0; i < table->row_count; i++)
		strv_done(&table->rows[i]);
	free(table->rows);
	*table = (struct process_table){};
}

/* ---- One process ---------------------------------------------------------------------------- */

/* The name stands in brackets and may hold anything, brackets too. */
static bool parse_stat(char *text, struct process *p)
{
	char *open = strchr(text, '(');
	char *close = strrchr(text, ')');
	uint64_t user;
	uint64_t kernel;
	uint64_t start;
	int64_t rss;

	if (!open || !close || close < open)
		return false;
	*close = '\0';
	(void)snprintf(p->name, sizeof(p->name), "%s", open + 1);
	printable_make(p->name, strlen(p->name), "");
	if (sscanf(close + 1,
		   " %c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %" SCNd64 " %" SCNd64 " %" SCNd64 " %*d %" SCNu64 " %" SCNu64
		   " %" SCNd64,
		   &p->state, &p->ppid, &p->tty, &user, &kernel, &p->priority, &p->nice,
		   &p->threads, &start, &p->vsize_bytes, &rss) != 11)
		return false;
	struct timespec up;
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	p->cpu_ticks = user + kernel;
	p->age_ticks = up.tv_sec * sysconf(_SC_CLK_TCK) - (int64_t)start;
	if (p->age_ticks < 0)
		p->age_ticks = 0;
	p->rss_bytes = (uint64_t)(rss * sysconf(_SC_PAGESIZE));
	return true;
}

/* The arguments with blanks between; what no terminal should get is shown as '?'. */
static char *command_text(int proc_fd, const char *name, size_t max)
{
	auto_free char *text = xmalloc(max);
	auto_close int fd = openat(proc_fd, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, max);

	while (len > 0 && text[len - 1] == '\0')
		len--;
	if (len <= 0)
		return xasprintf("[%s]", name);
	for (ssize_t i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : ' ';
	printable_make(text, (size_t)len, "");
	return xstrndup(text, (size_t)len);
}

/* False for one that has ended meanwhile. */
static bool read_process(pid_t pid, size_t command_max, struct process *p)
{
	auto_strbuf stat = STRBUF_INIT(STAT_MAX);
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || read_file_at(fd, "stat", STAT_MAX, &stat, NULL) < 0 ||
	    !stat.data)
		return false;
	*p = (struct process){ .pid = pid };
	if (!parse_stat(stat.data, p))
		return false;
	auto_strbuf status = STRBUF_INIT(65536);
	(void)!read_file_at(fd, "status", 65536, &status, NULL);
	const char *uid = strstr(strbuf_text(&status), "\nUid:\t");
	const char *effective = uid ? strchr(uid + 6, '\t') : NULL;
	p->uid = effective ? (uint32_t)strtoul(effective, NULL, 10) : st.st_uid;
	p->command = command_text(fd, p->name, command_max);
	return true;
}

/* ---- Columns -------------------------------------------------------------------------------- */

struct context {
	uint32_t id_base;
	uint32_t id_count;
	int64_t now_s;
	uint64_t memory_bytes;
};

static void cell_number(struct strv *row, int64_t value)
{
	strv_addf(row, "%" PRId64, value);
}

static uint32_t inside(const struct context *c, uint32_t uid)
{
	return uid >= c->id_base && uid - c->id_base < c->id_count ? uid - c->id_base : uid;
}

/* No name is looked up: neither the host's nor the image's would be everybody's. */
static void cell_user(const struct context *c, const struct process *p, struct strv *row)
{
	uint32_t uid = inside(c, p->uid);

	if (uid == 0)
		strv_add(row, "root");
	else
		cell_number(row, uid);
}

static void cell_uid(const struct context *c, const struct process *p, struct strv *row)
{
	cell_number(row, inside(c, p->uid));
}

static void cell_pid(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, p->pid);
}

static void cell_ppid(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, p->ppid);
}

static double cpu_percent(const struct process *p)
{
	return p->age_ticks > 0 ? 100.0 * (double)p->cpu_ticks / (double)p->age_ticks : 0;
}

static void cell_c(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, (int64_t)cpu_percent(p));
}

static void cell_pcpu(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	strv_addf(row, "%.1f", cpu_percent(p));
}

static void cell_pmem(const struct context *c, const struct process *p, struct strv *row)
{
	strv_addf(row, "%.1f", 100.0 * (double)p->rss_bytes / (double)c->memory_bytes);
}

static void cell_start(const struct context *c, const struct process *p, struct strv *row)
{
	char text[CELL_MAX];
	int64_t age_s = p->age_ticks / sysconf(_SC_CLK_TCK);
	time_t start = (time_t)(c->now_s - age_s);
	struct tm tm;

	(void)localtime_r(&start, &tm);
	if (age_s < DAY_S)
		(void)strftime(text, sizeof(text), "%H:%M", &tm);
	else
		(void)strftime(text, sizeof(text), "%b%d", &tm);
	strv_add(row, text);
}

static void cell_tty(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	if (p->tty == 0)
		strv_add(row, "?");
	else if (major((dev_t)p->tty) >= 136 && major((dev_t)p->tty) <= 143)
		strv_addf(row, "pts/%u", minor((dev_t)p->tty) + (major((dev_t)p->tty) - 136) * 256);
	else
		strv_addf(row, "tty%u", minor((dev_t)p->tty));
}

static void cell_time(const struct context *c, const struct process *p, struct strv *row)
{
	uint64_t s = p->cpu_ticks / (uint64_t)sysconf(_SC_CLK_TCK);

	(void)c;
	strv_addf(row, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
}

static void cell_elapsed(const struct context *c, const struct process *p, struct strv *row)
{
	int64_t s = p->age_ticks / sysconf(_SC_CLK_TCK);

	(void)c;
	if (s >= 3600)
		strv_addf(row, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60,
			  s % 60);
	else
		strv_addf(row, "%02" PRId64 ":%02" PRId64, s / 60, s % 60);
}

static void cell_command(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	strv_add(row, p->command);
}

static void cell_name(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	strv_add(row, p->name);
}

static void cell_state(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	strv_addf(row, "%c", p->state);
}

static void cell_vsize(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, (int64_t)(p->vsize_bytes / 1024));
}

static void cell_rss(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, (int64_t)(p->rss_bytes / 1024));
}

static void cell_nice(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, p->nice);
}

static void cell_priority(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, p->priority);
}

static void cell_threads(const struct context *c, const struct process *p, struct strv *row)
{
	(void)c;
	cell_number(row, p->threads);
}

struct column {
	const char *word;
	const char *title;
	void (*add)(const struct context *c, const struct process *p, struct strv *row);
};

/* ps(1)'s words of "-o". */
static const struct column columns[] = {
	{ "user", "USER", cell_user },       { "euser", "EUSER", cell_user },
	{ "uid", "UID", cell_uid },          { "pid", "PID", cell_pid },
	{ "ppid", "PPID", cell_ppid },       { "c", "C", cell_c },
	{ "pcpu", "%CPU", cell_pcpu },       { "%cpu", "%CPU", cell_pcpu },
	{ "pmem", "%MEM", cell_pmem },       { "%mem", "%MEM", cell_pmem },
	{ "stime", "STIME", cell_start },    { "start", "STARTED", cell_start },
	{ "tty", "TT", cell_tty },           { "tt", "TT", cell_tty },
	{ "tname", "TTY", cell_tty },        { "time", "TIME", cell_time },
	{ "cputime", "TIME", cell_time },    { "etime", "ELAPSED", cell_elapsed },
	{ "args", "COMMAND", cell_command }, { "command", "COMMAND", cell_command },
	{ "cmd", "CMD", cell_command },      { "comm", "COMMAND", cell_name },
	{ "ucmd", "CMD", cell_name },        { "stat", "STAT", cell_state },
	{ "state", "S", cell_state },        { "s", "S", cell_state },
	{ "vsz", "VSZ", cell_vsize },        { "rss", "RSS", cell_rss },
	{ "ni", "NI", cell_nice },           { "nice", "NI", cell_nice },
	{ "pri", "PRI", cell_priority },     { "nlwp", "NLWP", cell_threads },
};

static const struct column full[] = {
	{ NULL, "UID", cell_user },  { NULL, "PID", cell_pid },     { NULL, "PPID", cell_ppid },
	{ NULL, "C", cell_c },       { NULL, "STIME", cell_start }, { NULL, "TTY", cell_tty },
	{ NULL, "TIME", cell_time }, { NULL, "CMD", cell_command },
};

static const struct column bsd[] = {
	{ NULL, "USER", cell_user },       { NULL, "PID", cell_pid },
	{ NULL, "%CPU", cell_pcpu },       { NULL, "%MEM", cell_pmem },
	{ NULL, "VSZ", cell_vsize },       { NULL, "RSS", cell_rss },
	{ NULL, "TTY", cell_tty },         { NULL, "STAT", cell_state },
	{ NULL, "START", cell_start },     { NULL, "TIME", cell_time },
	{ NULL, "COMMAND", cell_command },
};

#define CHOSEN_MAX 32

struct choice {
	const struct column *items[CHOSEN_MAX];
	size_t count;
};

static void choose_all(struct choice *choice, const struct column *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		choice->items[choice->count++] = &from[i];
}

/* A list "pid,args" or "pid args". */
static int choose_words(struct choice *choice, const char *text, struct error *err)
{
	for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
		size_t len = strcspn(text, ", ");
		const struct column *found = NULL;
		for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
			if (strlen(columns[i].word) == len &&
			    strncmp(columns[i].word, text, len) == 0)
				found = &columns[i];
		}
		if (!found)
			return error_say(err, EINVAL, "ps: unknown column '%.*s'", (int)len, text);
		if (choice->count == CHOSEN_MAX)
			return error_say(err, EINVAL, "ps: too many columns");
		choice->items[choice->count++] = found;
		text += len;
	}
	return choice->count ? 0 : error_say(err, EINVAL, "ps: a list of columns is missing");
}

static int choose(const char *ps_args, struct choice *ret, struct error *err)
{
	static const char *const as_list[] = { "-o", "-eo", "o", "-Ao", "axo", "-axo", "eo" };
	const char *text = ps_args ? ps_args + strspn(ps_args, " ") : "";
	size_t len = strcspn(text, " ");

	if (!*text || strcmp(text, "-ef") == 0 || strcmp(text, "ef") == 0 ||
	    strcmp(text, "-f") == 0) {
		choose_all(ret, full, ARRAY_SIZE(full));
		return 0;
	}
	if (strcmp(text, "aux") == 0 || strcmp(text, "-aux") == 0 || strcmp(text, "u") == 0 ||
	    strcmp(text, "auxw") == 0 || strcmp(text, "auxww") == 0) {
		choose_all(ret, bsd, ARRAY_SIZE(bsd));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(as_list); i++) {
		if (strlen(as_list[i]) == len && strncmp(as_list[i], text, len) == 0)
			return choose_words(ret, text + len, err);
	}
	if (strncmp(text, "-o", 2) == 0)
		return choose_words(ret, text + 2, err);
	return error_say(err, EINVAL,
			 "ps arguments '%s': only -ef, aux and -o COLUMNS are understood", text);
}

/* ---- The table ------------------------------------------------------------------------------ */

static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a;
	pid_t y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int process_table_read(const struct cgroup *cg, uint32_t id_base, uint32_t id_count,
		       const char *ps_args, struct process_table *ret, struct error *err)
{
	struct choice choice = {};
	auto_free pid_t *pids = NULL;
	struct sysinfo host = {};
	int result = choose(ps_args, &choice, err);
	if (result < 0)
		return result;

	size_t count = cgroup_processes(cg, &pids);
	(void)sysinfo(&host);
	const struct context c = {
		.id_base = id_base,
		.id_count = id_count,
		.now_s = clock_now() / NSEC_PER_SEC,
		.memory_bytes = (uint64_t)host.totalram * host.mem_unit,
	};
	if (count > 1)
		qsort(pids, count, sizeof(*pids), by_pid);
	ret->rows = xcalloc(count + 1, sizeof(*ret->rows));
	size_t room = COMMANDS_MAX;
	for (size_t i = 0; i < count; i++) {
		struct process p;
		if (!read_process(pids[i], room > COMMAND_MAX ? COMMAND_MAX : COMMAND_SHORT, &p))
			continue;
		size_t len = strlen(p.command);
		room -= len < room ? len : room;
		for (size_t k = 0; k < choice.count; k++)
			choice.items[k]->add(&c, &p, &ret->rows[ret->row_count]);
		ret->row_count++;
		free(p.command);
	}
	for (size_t k = 0; k < choice.count; k++)
		strv_add(&ret->titles, choice.items[k]->title);
	return 0;
}
