/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <json-c/json_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/template/tree.h"

#define ARGUMENTS_MAX 32
#define VARIABLES_MAX 64

struct variable {
	const char *name;
	struct json_object *value; /* an own reference */
};

struct run {
	const struct template_data *data;
	struct strbuf *out;
	struct error *err;
	struct variable variables[VARIABLES_MAX];
	size_t variable_count;
};

static int evaluate(struct run *run, const struct pipeline *p, struct json_object *dot,
		    struct json_object **ret);

static int fail(struct run *run, const char *fmt, ...) printf_like(2, 3);
static int fail(struct run *run, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_say(run->err, EINVAL, "template: %s", text);
}

/* ---- Variables ------------------------------------------------------------------------------ */

static void forget_variables(struct run *run, size_t count)
{
	while (run->variable_count > count)
		json_put_p(&run->variables[--run->variable_count].value);
}

static struct variable *find_variable(struct run *run, const char *name)
{
	for (size_t i = run->variable_count; i > 0; i--)
		if (strcmp(run->variables[i - 1].name, name) == 0)
			return &run->variables[i - 1];
	return NULL;
}

static int set_variable(struct run *run, const char *name, bool assigns, struct json_object *value)
{
	struct variable *v = assigns ? find_variable(run, name) : NULL;

	if (assigns && !v)
		return fail(run, "undefined variable \"$%s\"", name);
	if (!v) {
		if (run->variable_count == VARIABLES_MAX)
			return fail(run, "too many variables");
		v = &run->variables[run->variable_count++];
		*v = (struct variable){ .name = name };
	}
	json_put_p(&v->value);
	v->value = json_object_get(value);
	return 0;
}

/* ---- Operands ------------------------------------------------------------------------------- */

/* One field of a borrowed value; the result is borrowed too. */
static int field_of(struct run *run, struct json_object *value, const char *name,
		    struct json_object **ret)
{
	bool object = value && json_object_get_type(value) == json_type_object;
	struct json_object *found = NULL;

	if (object && json_object_object_get_ex(value, name, &found)) {
		*ret = found;
		return 0;
	}
	if (value && !object)
		return fail(run, "can't evaluate field %s in type %s", name,
			    json_type_to_name(json_object_get_type(value)));
	if (run->data->strict && (!value || value == run->data->root))
		return value ? fail(run, "map has no entry for key \"%s\"", name)
			     : fail(run, "nil pointer evaluating field %s", name);
	*ret = NULL;
	return 0;
}

/* The operand's own value before its fields; *ret is an own reference. */
static int operand_head(struct run *run, const struct operand *o, struct json_object *dot,
			struct json_object **ret)
{
	switch (o->kind) {
	case OPERAND_DOT:
		*ret = json_object_get(dot);
		return 0;
	case OPERAND_VALUE:
		*ret = json_object_get(o->value);
		return 0;
	case OPERAND_VARIABLE: {
		struct variable *v = find_variable(run, o->text);
		if (!v)
			return fail(run, "undefined variable \"$%s\"", o->text);
		*ret = json_object_get(v->value);
		return 0;
	}
	case OPERAND_PIPELINE:
		return evaluate(run, o->pipeline, dot, ret);
	case OPERAND_FUNCTION:
		return template_call(o->text, NULL, 0, ret, run->err);
	}
	return -EINVAL;
}

static int operand_value(struct run *run, const struct operand *o, struct json_object *dot,
			 struct json_object **ret)
{
	auto_json *head = NULL;

	int r = operand_head(run, o, dot, &head);
	struct json_object *value = head;
	for (size_t i = 0; r == 0 && i < o->fields.count; i++)
		r = field_of(run, value, o->fields.items[i], &value);
	if (r == 0)
		*ret = json_object_get(value);
	return r;
}

/* ".Label NAME": the map Label among the methods. */
static int call_method(struct run *run, const struct operand *o, struct json_object **args,
		       size_t count, struct json_object **ret)
{
	struct json_object *map = NULL;
	struct json_object *value = NULL;

	if (run->data->headers && count == 1 && args[0]) {
		const char *name = json_object_get_string(args[0]);
		const char *dot = strrchr(name, '.');
		*ret = json_object_new_string(dot ? dot + 1 : name);
		return 0;
	}
	if (o->kind != OPERAND_DOT || o->fields.count != 1 || count != 1 || !run->data->methods ||
	    !json_object_object_get_ex(run->data->methods, o->fields.items[0], &map))
		return fail(run, "can't give argument to non-function %s",
			    o->fields.count > 0 ? o->fields.items[0] : "operand");
	if (map && args[0])
		(void)json_object_object_get_ex(map, json_object_get_string(args[0]), &value);
	*ret = value ? json_object_get(value) : json_object_new_string("");
	return 0;
}

static int run_command(struct run *run, const struct command *c, struct json_object *dot,
		       struct json_object *last, bool piped, struct json_object **ret)
{
	struct json_object *args[ARGUMENTS_MAX];
	size_t count = 0;
	int r = 0;

	for (const struct operand *o = c->operands->next; o && r == 0; o = o->next) {
		if (count == ARGUMENTS_MAX - 1)
			r = fail(run, "too many arguments");
		else
			r = operand_value(run, o, dot, &args[count]);
		count += r == 0;
	}
	if (r == 0 && piped)
		args[count++] = json_object_get(last);
	if (r == 0 && c->operands->kind == OPERAND_FUNCTION)
		r = template_call(c->operands->text, args, count, ret, run->err);
	else if (r == 0 && count > 0)
		r = call_method(run, c->operands, args, count, ret);
	else if (r == 0)
		r = operand_value(run, c->operands, dot, ret);
	while (count > 0)
		json_put_p(&args[--count]);
	return r;
}

static int evaluate(struct run *run, const struct pipeline *p, struct json_object *dot,
		    struct json_object **ret)
{
	auto_json *value = NULL;

	for (const struct command *c = p->commands; c; c = c->next) {
		struct json_object *next = NULL;
		int r = run_command(run, c, dot, value, c != p->commands, &next);
		if (r < 0)
			return r;
		json_put_p(&value);
		value = next;
	}
	*ret = take_ptr(value);
	return 0;
}

/* ---- Nodes ---------------------------------------------------------------------------------- */

static int run_nodes(struct run *run, const struct node *n, struct json_object *dot);

static int run_action(struct run *run, const struct node *n, struct json_object *dot)
{
	auto_json *value = NULL;

	int r = evaluate(run, n->pipeline, dot, &value);
	if (r < 0)
		return r;
	if (n->pipeline->element_variable)
		return set_variable(run, n->pipeline->element_variable, n->pipeline->assigns,
				    value);
	template_print(value, run->out);
	return 0;
}

static int run_choice(struct run *run, const struct node *n, struct json_object *dot)
{
	auto_json *value = NULL;
	size_t outer = run->variable_count;

	int r = evaluate(run, n->pipeline, dot, &value);
	if (r == 0 && n->pipeline->element_variable)
		r = set_variable(run, n->pipeline->element_variable, n->pipeline->assigns, value);
	if (r == 0 && template_true(value))
		r = run_nodes(run, n->body, n->kind == NODE_WITH ? value : dot);
	else if (r == 0)
		r = run_nodes(run, n->otherwise, dot);
	forget_variables(run, outer);
	return r;
}

static int run_element(struct run *run, const struct node *n, struct json_object *index,
		       struct json_object *element)
{
	const struct pipeline *p = n->pipeline;
	size_t outer = run->variable_count;

	int r = p->index_variable ? set_variable(run, p->index_variable, p->assigns, index) : 0;
	if (r == 0 && p->element_variable)
		r = set_variable(run, p->element_variable, p->assigns, element);
	if (r == 0)
		r = run_nodes(run, n->body, element);
	forget_variables(run, outer);
	return r;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Go walks a map in the order of its keys. */
static int range_object(struct run *run, const struct node *n, struct json_object *map)
{
	size_t count = 0;
	auto_free const char **keys =
		xcalloc((size_t)json_object_object_length(map) + 1, sizeof(char *));

	json_object_object_foreach(map, key, value)
	{
		(void)value;
		keys[count++] = key;
	}
	qsort(keys, count, sizeof(char *), compare_keys);

	int r = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		auto_json *index = json_object_new_string(keys[i]);
		r = run_element(run, n, index, json_object_object_get(map, keys[i]));
	}
	return r;
}

static int run_range(struct run *run, const struct node *n, struct json_object *dot)
{
	auto_json *value = NULL;

	int r = evaluate(run, n->pipeline, dot, &value);
	if (r < 0)
		return r;
	if (!template_true(value))
		return run_nodes(run, n->otherwise, dot);
	if (json_object_get_type(value) == json_type_object)
		return range_object(run, n, value);
	if (json_object_get_type(value) != json_type_array)
		return fail(run, "range can't iterate over %s", json_object_get_string(value));
	for (size_t i = 0; i < json_object_array_length(value) && r == 0; i++) {
		auto_json *index = json_object_new_int64((int64_t)i);
		r = run_element(run, n, index, json_object_array_get_idx(value, i));
	}
	return r;
}

static int run_nodes(struct run *run, const struct node *n, struct json_object *dot)
{
	int r = 0;

	for (; n && r == 0; n = n->next) {
		switch (n->kind) {
		case NODE_TEXT:
			strbuf_adds(run->out, n->text);
			break;
		case NODE_ACTION:
			r = run_action(run, n, dot);
			break;
		case NODE_IF:
		case NODE_WITH:
			r = run_choice(run, n, dot);
			break;
		case NODE_RANGE:
			r = run_range(run, n, dot);
			break;
		}
	}
	return r;
}

int template_run(const struct template *t, const struct template_data *data, struct strbuf *ret,
		 struct error *err)
{
	struct run run = { .data = data, .out = ret, .err = err };

	int r = set_variable(&run, "", false, data->root);
	if (r == 0)
		r = run_nodes(&run, t->nodes, data->root);
	forget_variables(&run, 0);
	return r;
}
