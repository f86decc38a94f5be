// SPDX-License-Identifier: GPL-2.0
/*
 * Load a "kernel" that prints a text to the second serial port and resets the
 * machine.  That shows whether it got that far, and the text can be the result
 * of a test that has nobody left to report it.
 *
 *   kexec_crash TEXT			a crash kernel, for a panic.  Needs
 *					crashkernel=16M or more
 *   kexec_crash TEXT CPU OTHER		prints OTHER if the panic has left no
 *					registers of CPU for the dump
 *   kexec_crash -e TEXT OTHER		start it at once, in place of the code of
 *					the running kernel; a CPU that still runs
 *					there prints OTHER
 */
#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KSFT_SKIP	4

#if defined(__x86_64__) && defined(SYS_kexec_load)

/* Interrupts off, all memory readable, no stack needed; struct tail is right behind. */
extern const char image_start[], image_end[];

__asm__(".pushsection .rodata\n"
	".globl image_start, image_end\n"
	"image_start:\n"
	"	cld\n"
	"	lea	image_end(%rip), %rsi\n"
	"	mov	$0x2fd, %dx\n"		/* line status */
	"	lodsq\n"			/* reads of it to wait for */
	"	mov	%rax, %rcx\n"
	"1:	jrcxz	2f\n"
	"	in	%dx, %al\n"
	"	dec	%rcx\n"
	"	jmp	1b\n"
	"2:	lodsq\n"			/* the CPU's note */
	"	test	%rax, %rax\n"
	"	jz	4f\n"
	"	cmpl	$0, (%rax)\n"		/* the length of its name */
	"	jne	4f\n"
	"3:	lodsb\n"			/* skip the first text */
	"	test	%al, %al\n"
	"	jnz	3b\n"
	"4:	lodsb\n"
	"	test	%al, %al\n"
	"	jz	6f\n"
	"	mov	%al, %bl\n"
	"	mov	$0x2fd, %dx\n"
	"5:	in	%dx, %al\n"
	"	test	$0x20, %al\n"		/* room for a byte */
	"	jz	5b\n"
	"	mov	%bl, %al\n"
	"	mov	$0x2f8, %dx\n"
	"	out	%al, %dx\n"
	"	jmp	4b\n"
	"6:	mov	$0x2fd, %dx\n"
	"7:	in	%dx, %al\n"
	"	test	$0x40, %al\n"		/* all sent */
	"	jz	7b\n"
	"	mov	$0xfe, %al\n"
	"	out	%al, $0x64\n"		/* the keyboard controller's reset */
	"8:	hlt\n"
	"	jmp	8b\n"
	"image_end:\n"
	".popsection\n");

#define PAGE	4096UL
#define NOP	0x90
/* Some 0.1 s or more, whatever the machine is */
#define WHILE	100000UL

struct tail {
	unsigned long wait, note;
	char text[2048];
};

/* Fill a page: instructions that do nothing, and what prints TEXT or OTHER. */
static int fill(char *page, unsigned long wait, unsigned long note, const char *text,
		const char *other)
{
	struct tail tail = { .wait = wait, .note = note };
	size_t code = image_end - image_start, size = strlen(text) + strlen(other) + 2;

	if (size > sizeof(tail.text)) {
		fputs("kexec_crash: the text is too long\n", stderr);
		return -1;
	}
	memcpy(tail.text, text, strlen(text) + 1);
	memcpy(tail.text + strlen(text) + 1, other, strlen(other) + 1);
	size += offsetof(struct tail, text);
	memset(page, NOP, PAGE);
	memcpy(page + PAGE - size - code, image_start, code);
	memcpy(page + PAGE - size, &tail, size);
	return 0;
}

/* Where /proc/iomem has a resource, 0 for nowhere */
static unsigned long resource(const char *name, unsigned long *to)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long base = 0, from, end;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, name) && sscanf(line, "%lx-%lx", &from, &end) == 2) {
			base = from;
			*to = end;
		}
	if (f)
		fclose(f);
	return base;
}

/* Where a panic leaves the registers of a CPU, 0 for nowhere */
static unsigned long crash_note(const char *cpu)
{
	unsigned long note = 0;
	char name[128];
	FILE *f;

	snprintf(name, sizeof(name), "/sys/devices/system/cpu/cpu%s/crash_notes", cpu);
	f = fopen(name, "r");
	if (f && fscanf(f, "%lx", &note) != 1)
		note = 0;
	if (f)
		fclose(f);
	return note;
}

static int load(char *buf, size_t size, unsigned long base, unsigned long flags)
{
	struct kexec_segment segment = {
		.buf = buf, .bufsz = size, .mem = (void *)base, .memsz = size,
	};

	if (!syscall(SYS_kexec_load, base, 1UL, &segment, KEXEC_ARCH_DEFAULT | flags))
		return 0;
	printf("# kexec_load: %s\n", strerror(errno));
	return 1;
}

static int load_crash(const char *text, const char *cpu, const char *other)
{
	unsigned long to, base = resource("Crash kernel", &to), note = 0;
	static char page[PAGE];

	if (!base) {
		puts("# no crash kernel: needs crashkernel=16M");
		return KSFT_SKIP;
	}
	if (cpu) {
		note = crash_note(cpu);
		if (!note) {
			puts("# no crash_notes of this CPU: needs CONFIG_CRASH_DUMP");
			return KSFT_SKIP;
		}
	}
	return fill(page, 0, note, text, other) ? 2 : load(page, PAGE, base, KEXEC_ON_CRASH);
}

static int start(const char *text, const char *other)
{
	unsigned long to, base = resource("Kernel code", &to), size, at;
	char *image;

	if (!base || base % PAGE) {
		puts("# no place of the kernel's code in /proc/iomem");
		return KSFT_SKIP;
	}
	size = (to - base + PAGE) & -PAGE;
	image = malloc(size);
	if (!image)
		return 1;
	if (fill(image, WHILE, 0, text, ""))
		return 2;
	for (at = PAGE; at < size; at += PAGE)
		if (fill(image + at, 0, 0, other, ""))
			return 2;
	if (load(image, size, base, 0))
		return 1;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	printf("# reboot: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "-e"))
		return start(argv[2], argv[3]);
	if (argc == 2 || argc == 4)
		return load_crash(argv[1], argv[2], argc == 4 ? argv[3] : "");
	fputs("usage: kexec_crash TEXT [CPU OTHER]\n"
	      "       kexec_crash -e TEXT OTHER\n", stderr);
	return 2;
}

#else

int main(void)
{
	puts("# there is no image for this architecture");
	return KSFT_SKIP;
}

#endif
