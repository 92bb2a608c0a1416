/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "container/config/capabilities.h"
#include "container/seccomp/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_seccomp_program program = {};
	struct runtime_seccomp profile;
	struct error err = {};

	if (seccomp_profile_parse((const char *)data, size, CAPABILITY_DEFAULT, &profile, &err) < 0)
		return 0;
	if (seccomp_compile(&profile, &program, &err) == 0) {
		/* every jump of a program lands inside of it, and its last word is an answer */
		for (size_t i = 0; i < program.count; i++) {
			const struct sock_filter *f = &program.instructions[i];
			if (BPF_CLASS(f->code) != BPF_JMP)
				continue;
			size_t far = f->jt > f->jf ? f->jt : f->jf;
			if (BPF_OP(f->code) == BPF_JA)
				far = f->k;
			FUZZ_CHECK(i + 1 + far < program.count);
		}
		FUZZ_CHECK(BPF_CLASS(program.instructions[program.count - 1].code) == BPF_RET);
	}
	runtime_seccomp_done(&profile);
	return 0;
}
