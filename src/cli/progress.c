/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/printable.h"
#include "cli/client/json-stream.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/terminal.h"
#include "cli/text.h"

#define BAR_CELLS 50
#define BAR_CELLS_MIN 8
#define BAR_BESIDE 50

/* What is on the screen: one line for each id, the first one on top. */
struct screen {
	const struct progress *p;
	bool terminal;
	bool redraw;
	int width;
	struct strv ids;
	struct strbuf out;
};

void progress_bar(int64_t current, int64_t total, int width, char *ret, size_t room)
{
	char done[HUMAN_TEXT];
	char all[HUMAN_TEXT];
	char bar[BAR_CELLS + 8] = "";

	ret[0] = '\0';
	if (current <= 0 && total <= 0)
		return;
	human_size((double)current, 4, done);
	if (total <= 0) {
		(void)snprintf(ret, room, "%8s", done);
		return;
	}
	human_size((double)total, 4, all);
	/* what stands beside the bar takes some fifty columns */
	int cells = width - BAR_BESIDE < BAR_CELLS ? width - BAR_BESIDE : BAR_CELLS;
	if (cells >= BAR_CELLS_MIN) {
		char fill[BAR_CELLS + 1];
		int done_cells = current >= total ? cells : (int)(current * cells / total);
		memset(fill, '=', BAR_CELLS);
		fill[BAR_CELLS] = '\0';
		(void)snprintf(bar, sizeof(bar), "[%.*s>%*s] ", done_cells, fill,
			       cells - done_cells, "");
	}
	if (current > total)
		(void)snprintf(ret, room, "%s%8s", bar, done);
	else
		(void)snprintf(ret, room, "%s%8s/%s", bar, done, all);
}

/* Line of @id counted from the bottom, making a new one where there is none. */
static size_t line_of(struct screen *s, const char *id)
{
	for (size_t i = 0; i < s->ids.count; i++)
		if (strcmp(s->ids.items[i], id) == 0)
			return s->ids.count - i;
	strv_add(&s->ids, id);
	strbuf_adds(&s->out, "\n");
	return 1;
}

/* Prints over the id's own line and comes back to the bottom. */
static void draw_line(struct screen *s, const char *id, const char *text)
{
	size_t up = line_of(s, id);
	int room = s->width - (int)strlen(id) - 2;

	/* a line that wraps would put all the others in the wrong place */
	strbuf_addf(&s->out, "\033[%zuA\r\033[2K%s: %.*s\r\033[%zuB", up, id, room > 0 ? room : 0,
		    text, up);
}

/* A word of the engine's, which may be an image's: for a terminal without control characters. */
static char *shown(const struct screen *s, const char *text)
{
	char *copy = xstrdup(text);

	if (s->terminal)
		printable_make(copy, strlen(copy), "\n\t");
	return copy;
}

static void show_status(struct screen *s, struct json_object *message)
{
	auto_free char *id = shown(s, document_text(message, "id"));
	auto_free char *status = shown(s, document_text(message, "status"));
	char bar[160];

	progress_bar(document_int(message, "progressDetail.current"),
		     document_int(message, "progressDetail.total"), s->width, bar, sizeof(bar));
	if (!s->redraw) {
		if (!*bar)
			strbuf_addf(&s->out, "%s%s%s\n", id, *id ? ": " : "", status);
		return;
	}
	auto_free char *text = xasprintf("%s%s%s", status, *bar ? " " : "", bar);
	if (*id) {
		draw_line(s, id, text);
		return;
	}
	strbuf_addf(&s->out, "%s\n", text);
	/* what follows is a new block of lines */
	strv_done(&s->ids);
}

static int show_message(struct json_object *message, void *arg, struct error *err)
{
	struct screen *s = arg;
	const char *failure = document_text(message, "errorDetail.message");
	const char *stream = document_text(message, "stream");

	if (!*failure)
		failure = document_text(message, "error");
	if (*failure)
		return error_say(err, EIO, "%s", failure);
	if (document_at(message, "aux") && s->p->aux)
		s->p->aux(document_at(message, "aux"), s->p->arg);
	if (*stream) {
		auto_free char *text = shown(s, stream);
		strbuf_adds(&s->out, text);
	} else if (*document_text(message, "status")) {
		show_status(s, message);
	}
	return 0;
}

static void flush_screen(struct screen *s)
{
	if (s->p->fd >= 0)
		(void)!write_full(s->p->fd, s->out.data, s->out.len);
	strbuf_clear(&s->out);
}

static void pause_screen(void *arg)
{
	flush_screen(arg);
}

int progress_show(const struct progress *p, struct http *http, struct error *err)
{
	uint16_t rows;
	uint16_t cols = 0;
	struct screen s = {
		.p = p,
		.terminal = p->fd >= 0 && text_is_terminal(p->fd),
		.out = STRBUF_INIT(JSON_STREAM_LINE_MAX * 4),
	};
	const struct json_stream stream = {
		.take = show_message,
		.pause = pause_screen,
		.arg = &s,
	};

	s.redraw = s.terminal && !p->plain;
	s.width = s.redraw && terminal_size(&rows, &cols) ? cols : 200;
	int r = json_stream_read(&stream, http, err);
	flush_screen(&s);
	strv_done(&s.ids);
	strbuf_done(&s.out);
	return r;
}
