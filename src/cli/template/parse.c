/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/template/tree.h"

struct reader {
	const char *text;
	const char *at;     /* inside an action: the next character */
	const char *action; /* end of the present action's content */
	const char *after;  /* where the text goes on behind it */
	bool trim;          /* ... without its leading space */
	bool else_block;    /* an "else" was read that has an "if" or "with" behind it */
	int depth;
	struct error *err;
};

static void operand_free(struct operand *o);

static void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	while (p->commands) {
		struct command *c = p->commands;
		p->commands = c->next;
		operand_free(c->operands);
		free(c);
	}
	free(p->index_variable);
	free(p->element_variable);
	free(p);
}
DEFINE_AUTO(struct pipeline, pipeline_free);

static void operand_free(struct operand *o)
{
	while (o) {
		struct operand *next = o->next;
		free(o->text);
		json_put_p(&o->value);
		pipeline_free(o->pipeline);
		strv_done(&o->fields);
		free(o);
		o = next;
	}
}
DEFINE_AUTO(struct operand, operand_free);

static void node_free(struct node *n)
{
	while (n) {
		struct node *next = n->next;
		free(n->text);
		pipeline_free(n->pipeline);
		node_free(n->body);
		node_free(n->otherwise);
		free(n);
		n = next;
	}
}

void template_free(struct template *t)
{
	if (!t)
		return;
	node_free(t->nodes);
	free(t);
}

static int bad(struct reader *r, const char *what)
{
	int line = 1;

	for (const char *c = r->text; c < r->at; c++)
		line += *c == '\n';
	return error_say(r->err, EINVAL, "template parsing error: template: :%d: %s", line, what);
}

/* ---- Inside an action ----------------------------------------------------------------------- */

static void skip_space(struct reader *r)
{
	while (r->at < r->action && isspace((unsigned char)*r->at))
		r->at++;
}

static bool at_end(const struct reader *r)
{
	return r->at >= r->action;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char *take_word(struct reader *r)
{
	const char *from = r->at;

	while (!at_end(r) && is_word(*r->at))
		r->at++;
	return xstrndup(from, (size_t)(r->at - from));
}

/* Takes @word where it stands next as a whole word. */
static bool take_keyword(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	skip_space(r);
	if ((size_t)(r->action - r->at) < len || strncmp(r->at, word, len) != 0)
		return false;
	if (r->at + len < r->action && is_word(r->at[len]))
		return false;
	r->at += len;
	return true;
}

static int add_escape(struct reader *r, struct strbuf *out)
{
	static const char names[] = "ntr\\\"'abfv";
	static const char values[] = "\n\t\r\\\"'\a\b\f\v";
	const char *known = at_end(r) ? NULL : strchr(names, *r->at);

	if (!known || !*known)
		return bad(r, "invalid syntax in a string");
	strbuf_addc(out, values[known - names]);
	r->at++;
	return 0;
}

static int parse_string(struct reader *r, struct json_object **ret)
{
	auto_strbuf out = STRBUF_INIT(65536);
	char quote = *r->at++;

	while (!at_end(r) && *r->at != quote) {
		char c = *r->at++;
		if (c == '\\' && quote == '"') {
			int e = add_escape(r, &out);
			if (e < 0)
				return e;
		} else {
			strbuf_addc(&out, c);
		}
	}
	if (at_end(r))
		return bad(r, "unterminated quoted string");
	r->at++;
	*ret = json_object_new_string_len(strbuf_text(&out), (int)out.len);
	return 0;
}

static int parse_number(struct reader *r, struct json_object **ret)
{
	auto_free char *text = NULL;
	const char *from = r->at++;
	char *end;

	while (!at_end(r) && (is_word(*r->at) || *r->at == '.'))
		r->at++;
	text = xstrndup(from, (size_t)(r->at - from));
	long long whole = strtoll(text, &end, 0);
	if (!*end) {
		*ret = json_object_new_int64(whole);
		return 0;
	}
	double real = strtod(text, &end);
	if (*end)
		return bad(r, "bad number syntax");
	*ret = json_object_new_double(real);
	return 0;
}

/* ".A.B" directly behind an operand. */
static int parse_fields(struct reader *r, struct strv *fields)
{
	while (!at_end(r) && *r->at == '.') {
		r->at++;
		if (at_end(r) || !is_word(*r->at))
			return bad(r, "unexpected <.> in operand");
		strv_add_take(fields, take_word(r));
	}
	return 0;
}

static int parse_pipeline(struct reader *r, bool closed, struct pipeline **ret);

static int parse_name(struct reader *r, struct operand *o)
{
	auto_free char *word = take_word(r);

	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
		o->kind = OPERAND_VALUE;
		o->value = json_object_new_boolean(word[0] == 't');
	} else if (strcmp(word, "nil") == 0) {
		o->kind = OPERAND_VALUE;
	} else if (template_has_function(word)) {
		o->kind = OPERAND_FUNCTION;
		o->text = take_ptr(word);
	} else {
		char text[96];
		(void)snprintf(text, sizeof(text), "function \"%.60s\" not defined", word);
		return bad(r, text);
	}
	return 0;
}

static int parse_operand_head(struct reader *r, struct operand *o)
{
	char c = *r->at;

	if (c == '.') {
		o->kind = OPERAND_DOT;
		if (r->at + 1 >= r->action || !is_word(r->at[1]))
			r->at++;
		return 0;
	}
	if (c == '$') {
		o->kind = OPERAND_VARIABLE;
		r->at++;
		o->text = take_word(r);
		return 0;
	}
	if (c == '(') {
		o->kind = OPERAND_PIPELINE;
		r->at++;
		return parse_pipeline(r, true, &o->pipeline);
	}
	if (c == '"' || c == '`') {
		o->kind = OPERAND_VALUE;
		return parse_string(r, &o->value);
	}
	if (isdigit((unsigned char)c) || c == '-' || c == '+') {
		o->kind = OPERAND_VALUE;
		return parse_number(r, &o->value);
	}
	if (is_word(c))
		return parse_name(r, o);
	return bad(r, "unexpected character in command");
}

static int parse_command(struct reader *r, struct command *c)
{
	struct operand **tail = &c->operands;

	for (;;) {
		skip_space(r);
		if (at_end(r) || *r->at == '|' || *r->at == ')')
			return c->operands ? 0 : bad(r, "missing value for command");
		struct operand *o = xnew(struct operand);
		*tail = o;
		tail = &o->next;
		int e = parse_operand_head(r, o);
		if (e == 0)
			e = parse_fields(r, &o->fields);
		if (e < 0)
			return e;
	}
}

/* "$x :=", "$x =", "$i, $e :="; leaves the reader as it was where there is none of them. */
static void parse_declaration(struct reader *r, struct pipeline *p)
{
	const char *from = r->at;
	char *names[2] = {};
	size_t count = 0;

	while (count < 2 && !at_end(r) && *r->at == '$') {
		r->at++;
		names[count++] = take_word(r);
		skip_space(r);
		if (at_end(r) || *r->at != ',')
			break;
		r->at++;
		skip_space(r);
	}
	bool declares = r->action - r->at > 2 && r->at[0] == ':' && r->at[1] == '=';
	bool assigns = r->action - r->at > 1 && r->at[0] == '=';
	if (count > 0 && (declares || assigns)) {
		r->at += declares ? 2 : 1;
		p->assigns = assigns;
		p->element_variable = names[count - 1];
		p->index_variable = count > 1 ? names[0] : NULL;
		return;
	}
	free(names[0]);
	free(names[1]);
	r->at = from;
}

/* Up to the action's end, or with @closed to the closing parenthesis. */
static int parse_pipeline(struct reader *r, bool closed, struct pipeline **ret)
{
	auto_(pipeline_freep) struct pipeline *p = xnew(struct pipeline);
	struct command **tail = &p->commands;

	if (r->depth++ > TEMPLATE_DEPTH_MAX)
		return bad(r, "nested too deep");
	skip_space(r);
	parse_declaration(r, p);
	for (;;) {
		*tail = xnew(struct command);
		int e = parse_command(r, *tail);
		if (e < 0)
			return e;
		tail = &(*tail)->next;
		if (at_end(r) || *r->at == ')')
			break;
		r->at++;
	}
	if (closed != !at_end(r))
		return bad(r, closed ? "unclosed left paren" : "unexpected right paren");
	if (closed)
		r->at++;
	r->depth--;
	*ret = take_ptr(p);
	return 0;
}

/* ---- Text and actions ----------------------------------------------------------------------- */

enum stop { STOP_END, STOP_ELSE, STOP_TEXT };

static int parse_nodes(struct reader *r, struct node **ret, enum stop *stop);

/* Text up to the next action, "{{-" trimmed; false where none follows, else behind its "{{". */
static bool parse_text(struct reader *r, struct node ***tail)
{
	const char *end = strstr(r->at, "{{");
	const char *from = r->at;
	const char *to = end ? end : from + strlen(from);

	r->at = end ? end + 2 : to;
	if (end && r->at[0] == '-' && isspace((unsigned char)r->at[1])) {
		r->at++;
		while (to > from && isspace((unsigned char)to[-1]))
			to--;
	}
	while (r->trim && from < to && isspace((unsigned char)*from))
		from++;
	if (from == to)
		return end != NULL;
	struct node *n = xnew(struct node);
	n->kind = NODE_TEXT;
	n->text = xstrndup(from, (size_t)(to - from));
	**tail = n;
	*tail = &n->next;
	return end != NULL;
}

/* Finds the end of the action that starts here, jumping over strings. */
static int find_action_end(struct reader *r)
{
	char quote = 0;

	for (const char *c = r->at; *c; c++) {
		if (quote) {
			if (*c == '\\' && quote == '"' && c[1])
				c++;
			else if (*c == quote)
				quote = 0;
		} else if (*c == '"' || *c == '`') {
			quote = *c;
		} else if (c[0] == '}' && c[1] == '}') {
			r->trim = c - r->at >= 2 && c[-1] == '-' && isspace((unsigned char)c[-2]);
			r->action = r->trim ? c - 1 : c;
			r->after = c + 2;
			return 0;
		}
	}
	return bad(r, quote ? "unterminated quoted string" : "unclosed action");
}

static bool is_comment(const struct reader *r)
{
	const char *from = r->at;

	while (from < r->action && isspace((unsigned char)*from))
		from++;
	return from[0] == '/' && from[1] == '*';
}

static bool take_block(struct reader *r, enum node_kind *ret)
{
	static const struct {
		const char *word;
		enum node_kind kind;
	} blocks[] = { { "if", NODE_IF }, { "range", NODE_RANGE }, { "with", NODE_WITH } };

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		if (take_keyword(r, blocks[i].word)) {
			*ret = blocks[i].kind;
			return true;
		}
	}
	return false;
}

/*
 * From behind a block's word: its pipeline, its body, and what stands between "else" and "end". The
 * end of an "else if" is the end of all the blocks that it hangs on.
 */
static int parse_block(struct reader *r, struct node *n)
{
	enum stop stop;

	if (r->depth++ > TEMPLATE_DEPTH_MAX)
		return bad(r, "nested too deep");
	int e = parse_pipeline(r, false, &n->pipeline);
	if (e < 0)
		return e;
	r->at = r->after;
	e = parse_nodes(r, &n->body, &stop);
	if (e < 0)
		return e;
	if (stop == STOP_ELSE && r->else_block) {
		r->else_block = false;
		n->otherwise = xnew(struct node);
		if (!take_block(r, &n->otherwise->kind))
			return bad(r, "unexpected word after else");
		e = parse_block(r, n->otherwise);
		stop = STOP_END;
	} else if (stop == STOP_ELSE) {
		e = parse_nodes(r, &n->otherwise, &stop);
	}
	if (e < 0)
		return e;
	if (stop != STOP_END)
		return bad(r, "unexpected EOF: an {{end}} is missing");
	r->depth--;
	return 0;
}

/* One action; true in @ret_stopped where it ends the list of nodes, told by @stop. */
static int parse_action(struct reader *r, struct node ***tail, enum stop *stop, bool *ret_stopped)
{
	enum node_kind kind = NODE_ACTION;

	*ret_stopped = true;
	if (take_keyword(r, "end")) {
		*stop = STOP_END;
		r->at = r->after;
		return 0;
	}
	if (take_keyword(r, "else")) {
		*stop = STOP_ELSE;
		skip_space(r);
		r->else_block = !at_end(r);
		if (at_end(r))
			r->at = r->after;
		return 0;
	}
	*ret_stopped = false;
	bool block = take_block(r, &kind);
	struct node *n = xnew(struct node);
	n->kind = kind;
	**tail = n;
	*tail = &n->next;
	if (block)
		return parse_block(r, n);
	int e = parse_pipeline(r, false, &n->pipeline);
	r->at = r->after;
	return e;
}

static int parse_nodes(struct reader *r, struct node **ret, enum stop *stop)
{
	struct node **tail = ret;

	while (*r->at) {
		bool stopped = false;
		if (!parse_text(r, &tail))
			break;
		int e = find_action_end(r);
		if (e < 0)
			return e;
		if (is_comment(r)) {
			r->at = r->after;
			continue;
		}
		e = parse_action(r, &tail, stop, &stopped);
		if (e < 0 || stopped)
			return e;
	}
	*stop = STOP_TEXT;
	return 0;
}

int template_parse(const char *text, struct template **ret, struct error *err)
{
	auto_template *t = xnew(struct template);
	struct reader r = { .text = text, .at = text, .err = err };
	enum stop stop = STOP_TEXT;

	int e = parse_nodes(&r, &t->nodes, &stop);
	if (e < 0)
		return e;
	if (stop != STOP_TEXT)
		return bad(&r, stop == STOP_END ? "unexpected {{end}}" : "unexpected {{else}}");
	*ret = take_ptr(t);
	return 0;
}
