/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times whole commands, one after another in turn, so that drift of the machine meets all alike.
 *
 *	bench-interleave RUNS FILE
 *
 * FILE holds one command a line: NAME, a tab, then the words of the command, separated by tabs.
 * A line that starts with '-' instead of a name is a command to run untimed after the one before
 *it. Prints a line for each measurement: NAME, a tab, nanoseconds. Output of the commands is
 *dropped; a command that fails ends the run, since the time of a failure says nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 64
#define WORDS_MAX 256

struct command {
	char *name;
	char *words[WORDS_MAX];
};

extern char **environ;

static long long now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void split(char *line, struct command *c)
{
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	c->name = line;
	for (char *tab = strchr(line, '\t'); tab && count < WORDS_MAX - 1;
	     tab = strchr(tab, '\t')) {
		*tab++ = '\0';
		c->words[count++] = tab;
	}
	c->words[count] = NULL;
}

static size_t read_commands(const char *path, struct command *commands)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		perror(path);
		exit(2);
	}

	size_t count = 0;
	char *line = NULL;
	size_t size = 0;
	while (count < COMMANDS_MAX && getline(&line, &size, file) > 1) {
		split(line, &commands[count++]);
		line = NULL;
		size = 0;
	}
	(void)fclose(file);
	return count;
}

static long long run(const struct command *c)
{
	posix_spawn_file_actions_t actions;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);

	long long start = now();
	pid_t pid;
	int r = posix_spawn(&pid, c->words[0], &actions, NULL, c->words, environ);
	int status = 0;
	if (r == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	long long took = now() - start;

	(void)posix_spawn_file_actions_destroy(&actions);
	if (r != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "bench-interleave: '%s' failed: %s %d\n", c->name,
			      r ? strerror(r) : "status", status);
		exit(1);
	}
	return took;
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];

	if (argc != 3) {
		(void)fprintf(stderr, "usage: bench-interleave RUNS FILE\n");
		return 2;
	}

	long runs = strtol(argv[1], NULL, 10);
	size_t count = read_commands(argv[2], commands);
	for (long round = -1; round < runs; round++) {
		for (size_t i = 0; i < count; i++) {
			long long took = run(&commands[i]);
			/* the first round warms caches and is not counted */
			if (round >= 0 && commands[i].name[0] != '-')
				(void)printf("%s\t%lld\n", commands[i].name, took);
		}
	}
	return 0;
}
