/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

/*
 * bash parts words at colons and equal signs, which names of images have: so the line is parted at
 * spaces here, and what bash takes for earlier words is cut off the candidates again.
 */
static const char bash[] =
	"# bash completion for berth\n"
	"_berth() {\n"
	"\tlocal line cur kind IFS=$' \\t\\n'\n"
	"\tlocal -a words\n"
	"\tread -ra words <<<\"${COMP_LINE:0:COMP_POINT}\"\n"
	"\t[[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=('')\n"
	"\tcur=${words[-1]}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tcase $line in\n"
	"\t\t:*) kind=$line ;;\n"
	"\t\t*) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
	"\t\tesac\n"
	"\tdone < <(\"${words[0]}\" __complete \"${words[@]:1}\" 2>/dev/null)\n"
	"\tif [[ $cur == *[:=]* ]]; then\n"
	"\t\tlocal head=${cur%\"${cur##*[:=]}\"}\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$head\"}\")\n"
	"\t\tcur=${cur##*[:=]}\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\t:files) compopt -o filenames; COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
	"\t:folders) compopt -o filenames; COMPREPLY+=($(compgen -d -- \"$cur\")) ;;\n"
	"\t:commands) COMPREPLY+=($(compgen -c -- \"$cur\")) ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _berth berth\n";

static const char zsh[] = "#compdef berth\n"
			  "_berth() {\n"
			  "\tlocal -a lines candidates\n"
			  "\tlocal line kind word\n"
			  "\tlines=(\"${(@f)$(\"${words[1]}\" __complete "
			  "\"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
			  "\tfor line in \"${lines[@]}\"; do\n"
			  "\t\tif [[ $line == :* ]]; then\n"
			  "\t\t\tkind=$line\n"
			  "\t\t\tcontinue\n"
			  "\t\tfi\n"
			  "\t\tword=${line%%$'\\t'*}\n"
			  "\t\tword=${word//:/\\\\:}\n"
			  "\t\tif [[ $line == *$'\\t'* ]]; then\n"
			  "\t\t\tcandidates+=(\"$word:${line#*$'\\t'}\")\n"
			  "\t\telse\n"
			  "\t\t\tcandidates+=(\"$word\")\n"
			  "\t\tfi\n"
			  "\tdone\n"
			  "\t(( ${#candidates} )) && _describe 'berth' candidates\n"
			  "\tcase $kind in\n"
			  "\t:files) _files ;;\n"
			  "\t:folders) _files -/ ;;\n"
			  "\t:commands) _command_names ;;\n"
			  "\tesac\n"
			  "}\n"
			  "if [ \"$funcstack[1]\" = _berth ]; then\n"
			  "\t_berth \"$@\"\n"
			  "else\n"
			  "\tcompdef _berth berth\n"
			  "fi\n";

static const char fish[] =
	"# fish completion for berth\n"
	"function __berth_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l current (commandline -ct)\n"
	"\tset -l lines ($words[1] __complete $words[2..-1] \"$current\" 2>/dev/null)\n"
	"\tfor line in $lines\n"
	"\t\tswitch $line\n"
	"\t\t\tcase ':files'\n"
	"\t\t\t\t__fish_complete_path \"$current\"\n"
	"\t\t\tcase ':folders'\n"
	"\t\t\t\t__fish_complete_directories \"$current\"\n"
	"\t\t\tcase ':commands'\n"
	"\t\t\t\t__fish_complete_command\n"
	"\t\t\tcase ':*'\n"
	"\t\t\tcase '*'\n"
	"\t\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c berth -f -a '(__berth_complete)'\n";

static const struct shell {
	const char *name;
	const char *script;
} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

static int run(struct call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (strcmp(call->operands[0], shells[i].name) == 0) {
			(void)fputs(shells[i].script, stdout);
			return 0;
		}
	}
	return call_say(call, "no completion for '%s': want bash, zsh or fish", call->operands[0]);
}

const struct verb verb_completion = {
	.names = (const char *const[]){ "completion", NULL },
	.operands = "SHELL",
	.help = "Print the completion script of a shell",
	.details = "For this shell only: source <(berth completion bash). For good: write it to "
		   "/usr/share/bash-completion/completions/berth, to _berth in a folder of zsh's "
		   "fpath, or to ~/.config/fish/completions/berth.fish.",
	.operands_min = 1,
	.operands_max = 1,
	.choices = "bash|zsh|fish",
	.local = true,
	.run = run,
};
