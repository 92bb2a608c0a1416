/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template/template.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static const char document[] =
	"{\"Name\":\"web\",\"Count\":3,\"Zero\":0,\"Yes\":true,\"Half\":0.5,\"Empty\":\"\","
	"\"List\":[\"a\",\"b\",\"c\"],\"Map\":{\"k2\":\"v2\",\"k1\":\"v1\"},"
	"\"State\":{\"Status\":\"running\",\"Health\":null},"
	"\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}],\"443/tcp\":null}}";

static int apply(const char *text, bool strict, struct strbuf *out, struct error *err)
{
	auto_json *root = NULL;
	auto_json *methods = json_object_new_object();
	auto_template *t = NULL;

	assert_int_equal(json_parse(document, strlen(document), 65536, "document", &root, err), 0);
	json_add_string(json_add(methods, "Label", json_object_new_object()), "com.x", "L");
	const struct template_data data = { .root = root, .methods = methods, .strict = strict };
	int r = template_parse(text, &t, err);
	return r < 0 ? r : template_run(t, &data, out, err);
}

static void assert_gives(const char *text, const char *expected)
{
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	if (apply(text, false, &out, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(strbuf_text(&out), expected);
}

static void assert_fails(const char *text, bool strict)
{
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	if (apply(text, strict, &out, &err) != -EINVAL)
		fail_msg("'%s' was accepted: %s", text, strbuf_text(&out));
}

static void text_passes_through(void **state)
{
	(void)state;
	assert_gives("plain } text", "plain } text");
	assert_gives("", "");
}

static void fields_are_followed(void **state)
{
	(void)state;
	assert_gives("{{.Name}}-{{ .State.Status }}", "web-running");
	assert_gives("{{$.Name}}", "web");
	assert_gives("{{.Nope}}", "<no value>");
	assert_gives("{{.Nope.Deeper}}", "<no value>");
}

static void values_print_as_go_prints_them(void **state)
{
	(void)state;
	assert_gives("{{.Count}} {{.Yes}} {{.Half}}", "3 true 0.5");
	assert_gives("{{.List}} {{.Map}}", "[a b c] map[k1:v1 k2:v2]");
	assert_gives("{{1}} {{-5}} {{0x10}} {{1.25}} {{\"a\\tb\"}} {{`raw\\`}}",
		     "1 -5 16 1.25 a\tb raw\\");
}

static void dashes_trim_space(void **state)
{
	(void)state;
	assert_gives("a  {{- .Name -}}  b", "awebb");
	assert_gives("{{if .Yes -}}  x  {{- end}}", "x");
	assert_gives("{{if .Zero}}{{else -}}  y{{end}}", "y");
}

static void comments_say_nothing(void **state)
{
	(void)state;
	assert_gives("a{{/* }} not */}}b", "a not */}}b");
	assert_gives("a{{/* a comment */}}b", "ab");
}

static void choices_go_by_truth(void **state)
{
	(void)state;
	assert_gives("{{if .Name}}y{{else}}n{{end}}", "y");
	assert_gives("{{if .Empty}}y{{else}}n{{end}}", "n");
	assert_gives("{{if .Zero}}y{{end}}", "");
	assert_gives("{{if .Zero}}a{{else if .Empty}}b{{else if .Yes}}c{{else}}d{{end}}!", "c!");
	assert_gives("{{if .Zero}}a{{else if .Empty}}b{{else}}d{{end}}!", "d!");
	assert_gives("{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none");
}

static void with_moves_the_dot(void **state)
{
	(void)state;
	assert_gives("{{with .State}}{{.Status}} of {{$.Name}}{{end}}", "running of web");
	assert_gives("{{with .Empty}}x{{else}}y{{end}}", "y");
	assert_gives("{{with $x := .Name}}{{$x}}{{end}}", "web");
}

static void ranges_walk_lists_and_maps(void **state)
{
	(void)state;
	assert_gives("{{range .List}}<{{.}}>{{end}}", "<a><b><c>");
	assert_gives("{{range $i, $e := .List}}{{$i}}={{$e}} {{end}}", "0=a 1=b 2=c ");
	assert_gives("{{range $k, $v := .Map}}{{$k}}={{$v}};{{end}}", "k1=v1;k2=v2;");
	assert_gives("{{range .Nope}}x{{else}}none{{end}}", "none");
	assert_gives("{{range $p, $c := .Ports}}{{$p}}{{if $c}}:{{(index $c 0).HostPort}}{{end}} "
		     "{{end}}",
		     "443/tcp 80/tcp:8080 ");
}

static void variables_live_in_their_block(void **state)
{
	(void)state;
	assert_gives("{{$x := 1}}{{if .Yes}}{{$x = 2}}{{$y := 3}}{{$y}}{{end}}{{$x}}", "32");
	assert_fails("{{if .Yes}}{{$y := 3}}{{end}}{{$y}}", false);
}

static void pipelines_hand_on_the_last_value(void **state)
{
	(void)state;
	assert_gives("{{.Name | upper | printf \"%s!\"}}", "WEB!");
	assert_gives("{{.Name | upper | printf \"%5s|%-5s|\" \"x\"}}", "    x|WEB  |");
	assert_gives("{{(.Name | upper) | lower}}", "web");
}

static void texts_are_worked_on(void **state)
{
	(void)state;
	assert_gives("{{upper .Name}} {{lower \"ABC\"}} {{title \"some words\"}}",
		     "WEB abc Some Words");
	assert_gives("{{join .List \", \"}}", "a, b, c");
	assert_gives("{{range split \"x:y\" \":\"}}<{{.}}>{{end}}", "<x><y>");
	assert_gives("[{{pad .Name 1 2}}] [{{pad .Empty 1 2}}]", "[ web  ] []");
	assert_gives("{{truncate .Name 2}} {{truncate .Name 9}}", "we web");
	assert_gives("{{json .Map}} {{json .Name}} {{json .Nope}}",
		     "{\"k2\":\"v2\",\"k1\":\"v1\"} \"web\" null");
	assert_gives("{{println .Name 1}}{{print .Name 1}}", "web 1\nweb1");
	assert_gives("{{printf \"%d %05d %x %q %v %%\" 7 7 255 .Name .Yes}}",
		     "7 00007 ff \"web\" true %");
}

static void parts_are_taken(void **state)
{
	(void)state;
	assert_gives("{{index .List 1}} {{index .Map \"k2\"}}", "b v2");
	assert_gives("{{index .Map \"none\"}}", "<no value>");
	assert_gives("{{len .List}} {{len .Map}} {{len .Name}}", "3 2 3");
	assert_gives("{{slice .Name 1}} {{slice .List 1 2}}", "eb [b]");
	assert_fails("{{index .List 3}}", false);
	assert_fails("{{slice .Name 2 1}}", false);
}

static void logic_compares(void **state)
{
	(void)state;
	assert_gives("{{eq .Name \"web\"}} {{eq .Name \"x\" \"web\"}} {{ne .Count 3}}",
		     "true true false");
	assert_gives("{{lt .Count 4}} {{gt .Count 4}} {{le 3 .Count}} {{ge 2 .Count}}",
		     "true false true false");
	assert_gives("{{and .Name .Empty}}|{{or .Empty .Name}}|{{not .Zero}}", "|web|true");
}

static void methods_are_maps(void **state)
{
	(void)state;
	assert_gives("{{.Label \"com.x\"}}|{{.Label \"none\"}}", "L|");
	assert_fails("{{.Name \"x\"}}", false);
}

static void strict_documents_know_their_fields(void **state)
{
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	(void)state;
	assert_fails("{{.Nope}}", true);
	assert_fails("{{.State.Health.Status}}", true);
	assert_int_equal(apply("{{.State.Health}}{{.Map.none}}", true, &out, &err), 0);
	assert_string_equal(strbuf_text(&out), "<no value><no value>");
}

static void mistakes_are_refused(void **state)
{
	static const char *const bad[] = {
		"{{",
		"{{.Name",
		"{{}}",
		"{{if}}x{{end}}",
		"{{if .A}}x",
		"{{end}}",
		"{{else}}",
		"{{nope .A}}",
		"{{.A | }}",
		"{{\"open}}",
		"{{(.Name}}",
		"{{.Name)}}",
		"{{.Name..X}}",
		"{{$nope}}",
		"{{join .List}}",
		"{{range 5}}{{end}}",
		"{{.Name.X}}",
		"{{if .A}}{{else what}}{{end}}",
		"{{1x}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_fails(bad[i], false);
}

static void nesting_has_a_limit(void **state)
{
	auto_strbuf text = STRBUF_INIT(1U << 20);

	(void)state;
	strbuf_adds(&text, "{{");
	for (int i = 0; i < 10000; i++)
		strbuf_addc(&text, '(');
	strbuf_adds(&text, "}}");
	assert_fails(strbuf_text(&text), false);
	strbuf_clear(&text);
	for (int i = 0; i < 10000; i++)
		strbuf_adds(&text, "{{if .Yes}}");
	assert_fails(strbuf_text(&text), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_passes_through),
		cmocka_unit_test(fields_are_followed),
		cmocka_unit_test(values_print_as_go_prints_them),
		cmocka_unit_test(dashes_trim_space),
		cmocka_unit_test(comments_say_nothing),
		cmocka_unit_test(choices_go_by_truth),
		cmocka_unit_test(with_moves_the_dot),
		cmocka_unit_test(ranges_walk_lists_and_maps),
		cmocka_unit_test(variables_live_in_their_block),
		cmocka_unit_test(pipelines_hand_on_the_last_value),
		cmocka_unit_test(texts_are_worked_on),
		cmocka_unit_test(parts_are_taken),
		cmocka_unit_test(logic_compares),
		cmocka_unit_test(methods_are_maps),
		cmocka_unit_test(strict_documents_know_their_fields),
		cmocka_unit_test(mistakes_are_refused),
		cmocka_unit_test(nesting_has_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
