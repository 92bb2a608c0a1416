/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel images, modules and the initramfs, from small ones made here. */
#include <elf.h>
#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "base/test.h"
#include "vm/decompress.h"
#include "vm/initramfs.h"
#include "vm/kernel-image.h"
#include "vm/kernel-modules.h"

#define SETUP_BYTES 1024

/* An ELF file with one note; @type 18 is the PVH entry. */
static void add_elf(struct strbuf *out, uint32_t type)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segment;
		Elf64_Nhdr note;
		char name[4];
		uint32_t entry;
	} elf = { .head = { .e_machine = EM_X86_64, .e_phnum = 1, .e_phoff = sizeof(Elf64_Ehdr) },
		  .segment = { .p_type = PT_NOTE,
			       .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			       .p_filesz = sizeof(Elf64_Nhdr) + 8 },
		  .note = { 4, 4, type },
		  .name = "Xen" };
	memcpy(elf.head.e_ident, ELFMAG, SELFMAG);
	elf.head.e_ident[EI_CLASS] = ELFCLASS64;
	strbuf_add(out, &elf, sizeof(elf));
}

/* A boot image of one setup sector around @payload. */
static void add_boot_image(struct strbuf *out, const void *payload, size_t len)
{
	uint8_t setup[SETUP_BYTES] = { 0 };
	uint32_t offset = 0, length = (uint32_t)len;
	uint16_t protocol = 0x20f, version_at = 0x100;
	setup[0x1f1] = 1;
	memcpy(setup + 0x202, "HdrS", 4);
	memcpy(setup + 0x206, &protocol, 2);
	memcpy(setup + 0x20e, &version_at, 2);
	memcpy(setup + 0x248, &offset, 4);
	memcpy(setup + 0x24c, &length, 4);
	memcpy(setup + 0x300, "6.12.30-cloud (maker) #1", 24);
	strbuf_add(out, setup, sizeof(setup));
	strbuf_add(out, payload, len);
}

static size_t pack_zstd(const struct strbuf *in, char *ret, size_t size)
{
	size_t n = ZSTD_compress(ret, size, in->data, in->len, 1);
	assert_false(ZSTD_isError(n));
	memset(ret + n, 0, 4); /* the unpacked length, which the kernel's build appends */
	return n + 4;
}

static void a_packed_kernel_comes_out_whole(void **state)
{
	(void)state;
	char packed[4096];
	auto_strbuf elf = STRBUF_INIT(65536), image = STRBUF_INIT(65536),
		    ret = STRBUF_INIT(1 << 20);
	struct error err = { 0 };

	add_elf(&elf, 18);
	add_boot_image(&image, packed, pack_zstd(&elf, packed, sizeof(packed)));
	assert_int_equal(kernel_image_extract(image.data, image.len, &ret, &err), 0);
	assert_int_equal(ret.len, elf.len);
	assert_memory_equal(ret.data, elf.data, elf.len);
	char release[KERNEL_RELEASE_TEXT];
	assert_int_equal(kernel_image_release(image.data, image.len, release, &err), 0);
	assert_string_equal(release, "6.12.30-cloud");
}

static void a_kernel_without_pvh_is_refused(void **state)
{
	(void)state;
	auto_strbuf elf = STRBUF_INIT(65536), ret = STRBUF_INIT(1 << 20);
	struct error err = { 0 };

	add_elf(&elf, 17);
	assert_int_equal(kernel_image_extract(elf.data, elf.len, &ret, &err), -ENOTSUP);
	assert_string_equal(err.text, "kernel has no PVH entry (CONFIG_PVH)");
}

static void a_kernel_cut_anywhere_is_refused(void **state)
{
	(void)state;
	char packed[4096];
	auto_strbuf elf = STRBUF_INIT(65536), image = STRBUF_INIT(65536);

	add_elf(&elf, 18);
	add_boot_image(&image, packed, pack_zstd(&elf, packed, sizeof(packed)));
	for (size_t len = 0; len + 5 < image.len; len += 7) {
		auto_strbuf ret = STRBUF_INIT(1 << 20);
		assert_true(kernel_image_extract(image.data, len, &ret, NULL) < 0);
	}
}

static void unpacking_stops_at_the_cap(void **state)
{
	(void)state;
	static char zeros[8 << 20], packed[1 << 20];
	auto_strbuf ret = STRBUF_INIT(1 << 20);
	struct error err = { 0 };

	size_t n = ZSTD_compress(packed, sizeof(packed), zeros, sizeof(zeros), 1);
	assert_int_equal(decompress(packed, n, &ret, &err), -EFBIG);
	assert_true(ret.len <= 1 << 20);
	assert_int_equal(decompress("plain text", 10, &ret, &err), -ENOTSUP);
}

/* A module: an ELF file with names of sections and a .modinfo. */
static void write_module(int dir, const char *path, const char *info, size_t info_len)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	Elf64_Ehdr head = { .e_shnum = 3, .e_shstrndx = 2, .e_shoff = sizeof(head) };
	Elf64_Shdr sections[3] = {
		{ 0 },
		{ .sh_name = 1,
		  .sh_type = SHT_PROGBITS,
		  .sh_offset = sizeof(head) + 3 * sizeof(Elf64_Shdr),
		  .sh_size = info_len },
		{ .sh_name = 10,
		  .sh_type = SHT_STRTAB,
		  .sh_offset = sizeof(head) + 3 * sizeof(Elf64_Shdr) + info_len,
		  .sh_size = sizeof(names) },
	};
	memcpy(head.e_ident, ELFMAG, SELFMAG);
	auto_strbuf out = STRBUF_INIT(65536);
	strbuf_add(&out, &head, sizeof(head));
	strbuf_add(&out, sections, sizeof(sections));
	strbuf_add(&out, info, info_len);
	strbuf_add(&out, names, sizeof(names));

	uint8_t packed[8192];
	size_t n = 0;
	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, (uint8_t *)out.data,
						 out.len, packed, &n, sizeof(packed)),
			 LZMA_OK);
	struct error err = { 0 };
	test_write(dir, path, "");
	assert_int_equal(write_file_at(dir, path, packed, n, 0644, false, &err), 0);
}

static void modules_come_after_what_they_need(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	static const char first[] = "license=GPL\0depends=crc-helper,built_in\0name=fs_one";
	static const char helper[] = "depends=\0name=crc_helper";
	write_module(dir, "kernel/fs/fs-one.ko.xz", first, sizeof(first));
	write_module(dir, "kernel/lib/crc-helper.ko.xz", helper, sizeof(helper));
	test_write(dir, "modules.builtin", "kernel/lib/built-in.ko\n");

	static const char *const names[] = { "fs_one", "?absent", NULL };
	auto_kernel_modules modules = { 0 };
	struct error err = { 0 };
	assert_int_equal(kernel_modules_load(test_dir_path(dir), names, &modules, &err), 0);
	assert_int_equal(modules.count, 2);
	assert_string_equal(modules.items[0].name, "crc_helper");
	assert_string_equal(modules.items[1].name, "fs_one");

	static const char *const missing[] = { "absent", NULL };
	auto_kernel_modules none = { 0 };
	assert_int_equal(kernel_modules_load(test_dir_path(dir), missing, &none, &err), -ENOENT);
	assert_string_equal(err.text, "no kernel module absent");
}

static void an_initramfs_is_a_newc_archive(void **state)
{
	(void)state;
	auto_initramfs fs;
	initramfs_init(&fs, 4096);
	initramfs_add_dir(&fs, "dev", 0755);
	initramfs_add_file(&fs, "init", 0700, "abcde", 5);
	assert_int_equal(initramfs_finish(&fs), 0);

	const char *text = fs.out.data;
	assert_memory_equal(text, "07070100000001000041ED", 22);
	assert_memory_equal(text + 110, "dev", 4);
	assert_int_equal(fs.out.len % 4, 0);
	const char *file = text + 116;
	assert_memory_equal(file, "07070100000002000081C0", 22);
	assert_memory_equal(file + 110, "init", 5);
	assert_memory_equal(file + 116, "abcde\0\0\0", 8);
	assert_memory_equal(file + 124 + 110, "TRAILER!!!", 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packed_kernel_comes_out_whole),
		cmocka_unit_test(a_kernel_without_pvh_is_refused),
		cmocka_unit_test(a_kernel_cut_anywhere_is_refused),
		cmocka_unit_test(unpacking_stops_at_the_cap),
		cmocka_unit_test(modules_come_after_what_they_need),
		cmocka_unit_test(an_initramfs_is_a_newc_archive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
