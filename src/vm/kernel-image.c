/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/kernel-image.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vm/decompress.h"

#define SETUP_SECTS 0x1f1
#define HEADER_MAGIC 0x202
#define PROTOCOL 0x206
#define KERNEL_VERSION 0x20e
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END 0x250
#define PROTOCOL_WITH_PAYLOAD 0x0208
#define SECTOR 512U

#define NOTE_PHYS32_ENTRY 18

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static bool is_boot_image(const uint8_t *image, size_t len)
{
	return len >= HEADER_END && memcmp(image + HEADER_MAGIC, "HdrS", 4) == 0;
}

/* Whether a segment of notes holds the PVH entry. */
static bool notes_have_entry(const uint8_t *notes, size_t len)
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		memcpy(&note, notes, sizeof(note));
		uint64_t name = ((uint64_t)note.n_namesz + 3) & ~3ULL;
		uint64_t size = sizeof(note) + name + (((uint64_t)note.n_descsz + 3) & ~3ULL);
		if (size > len)
			return false;
		if (note.n_type == NOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		    memcmp(notes + sizeof(note), "Xen", 4) == 0)
			return true;
		notes += size;
		len -= size;
	}
	return false;
}

static int check_elf(const uint8_t *elf, size_t len, struct error *err)
{
	Elf64_Ehdr head;
	if (len < sizeof(head))
		return error_say(err, EBADMSG, "kernel is not an ELF file");
	memcpy(&head, elf, sizeof(head));
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
		return error_say(err, EBADMSG, "kernel is not a 64-bit ELF file");
	if (head.e_machine != EM_X86_64)
		return error_say(err, ENOTSUP, "kernel is not built for x86-64");

	for (unsigned i = 0; i < head.e_phnum; i++) {
		Elf64_Phdr segment;
		uint64_t at = head.e_phoff + (uint64_t)i * sizeof(segment);
		if (head.e_phoff > len || at + sizeof(segment) > len)
			return error_say(err, EBADMSG, "kernel's ELF header is damaged");
		memcpy(&segment, elf + at, sizeof(segment));
		if (segment.p_type != PT_NOTE || segment.p_offset > len ||
		    segment.p_filesz > len - segment.p_offset)
			continue;
		if (notes_have_entry(elf + segment.p_offset, segment.p_filesz))
			return 0;
	}
	return error_say(err, ENOTSUP, "kernel has no PVH entry (CONFIG_PVH)");
}

int kernel_image_extract(const void *image, size_t len, struct strbuf *ret, struct error *err)
{
	const uint8_t *bytes = image;
	if (len >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0) {
		strbuf_add(ret, image, len);
		if (ret->overflow)
			return error_say(err, EFBIG, "kernel is too big");
		return check_elf(bytes, len, err);
	}
	if (!is_boot_image(bytes, len) || get16(bytes + PROTOCOL) < PROTOCOL_WITH_PAYLOAD)
		return error_say(err, EBADMSG, "not a Linux kernel");

	unsigned sectors = bytes[SETUP_SECTS] ? bytes[SETUP_SECTS] : 4;
	uint64_t offset = (sectors + 1) * (uint64_t)SECTOR + get32(bytes + PAYLOAD_OFFSET);
	uint64_t length = get32(bytes + PAYLOAD_LENGTH);
	if (offset > len || length > len - offset)
		return error_say(err, EBADMSG, "kernel is cut short");

	int rc = decompress(bytes + offset, length, ret, err);
	if (rc < 0)
		return error_prefix(err, "unpack the kernel");
	return check_elf((const uint8_t *)ret->data, ret->len, err);
}

int kernel_image_release(const void *image, size_t len, char ret[KERNEL_RELEASE_TEXT],
			 struct error *err)
{
	const uint8_t *bytes = image;
	if (!is_boot_image(bytes, len))
		return error_say(err, EBADMSG, "not a Linux kernel");

	size_t at = (size_t)get16(bytes + KERNEL_VERSION) + SECTOR;
	size_t n = 0;
	while (at + n < len && n < KERNEL_RELEASE_TEXT && bytes[at + n] > ' ' &&
	       bytes[at + n] < 127)
		n++;
	if (n == 0 || n == KERNEL_RELEASE_TEXT || at + n >= len)
		return error_say(err, EBADMSG, "kernel names no release");
	memcpy(ret, bytes + at, n);
	ret[n] = '\0';
	return 0;
}
