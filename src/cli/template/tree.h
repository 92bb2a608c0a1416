/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/linkhash.h>

#include "cli/template/template.h"

/**
 * DOC: A parsed template
 *
 * What parse.c makes and run.c walks. An action's pipeline is a list of commands;
 * the result of one becomes the last argument of the next. A command is a list of operands; where
 * the first is a function's name or a method with arguments, the others are its arguments.
 */

enum operand_kind {
	OPERAND_DOT,      /* "." and fields from it */
	OPERAND_VARIABLE, /* "$x"; @text is its name without the dollar, "" for "$" */
	OPERAND_VALUE,    /* @value */
	OPERAND_FUNCTION, /* @text */
	OPERAND_PIPELINE, /* @pipeline, in parentheses */
};

struct operand {
	enum operand_kind kind;
	char *text;
	struct json_object *value;
	struct pipeline *pipeline;
	struct strv fields; /* ".A.B" behind the operand */
	struct operand *next;
};

struct command {
	struct operand *operands;
	struct command *next;
};

struct pipeline {
	char *index_variable;   /* "$i, $e := ": both; NULL where there is none */
	char *element_variable; /* "$x := " */
	bool assigns;           /* "=" rather than ":=" */
	struct command *commands;
};

enum node_kind { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_RANGE, NODE_WITH };

struct node {
	enum node_kind kind;
	char *text;
	struct pipeline *pipeline;
	struct node *body;
	struct node *otherwise;
	struct node *next;
};

struct template
{
	struct node *nodes;
};

/* Deepest nesting of blocks and parentheses. */
#define TEMPLATE_DEPTH_MAX 64

/**
 * template_call() - apply a function
 * @name:  its name
 * @args:  borrowed arguments
 * @count: how many
 * @ret:   receives the result, a reference of the caller's own (NULL is nil)
 *
 * Return: 0; -ENOENT where there is no such function; other negative errno.
 */
must_check int template_call(const char *name, struct json_object **args, size_t count,
			     struct json_object **ret, struct error *err);

/* True where a function of that name exists. */
bool template_has_function(const char *name);

/* Appends @value as Go's fmt prints it with %v. */
void template_print(struct json_object *value, struct strbuf *ret);

/* Go's truth: not nil, false, 0, "" or empty. */
bool template_true(struct json_object *value);
