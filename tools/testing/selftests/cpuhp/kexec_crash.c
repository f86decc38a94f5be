// SPDX-License-Identifier: GPL-2.0
/*
 * Load a "crash kernel" that prints a text to the second serial port and resets
 * the machine.  A panic then shows whether it got that far, and the text can be
 * the result of a test that has nobody left to report it.
 *
 *   kexec_crash TEXT		needs crashkernel=16M or more
 */
#include <errno.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KSFT_SKIP	4

#if defined(__x86_64__) && defined(SYS_kexec_load)

/* Interrupts off, identity mapping, no stack needed; the text is right behind. */
extern const char image_start[], image_end[];

__asm__(".pushsection .rodata\n"
	".globl image_start, image_end\n"
	"image_start:\n"
	"	lea	image_end(%rip), %rsi\n"
	"	cld\n"
	"1:	lodsb\n"
	"	test	%al, %al\n"
	"	jz	3f\n"
	"	mov	%al, %bl\n"
	"	mov	$0x2fd, %dx\n"		/* line status */
	"2:	in	%dx, %al\n"
	"	test	$0x20, %al\n"		/* room for a byte */
	"	jz	2b\n"
	"	mov	%bl, %al\n"
	"	mov	$0x2f8, %dx\n"
	"	out	%al, %dx\n"
	"	jmp	1b\n"
	"3:	mov	$0x2fd, %dx\n"
	"4:	in	%dx, %al\n"
	"	test	$0x40, %al\n"		/* all sent */
	"	jz	4b\n"
	"	mov	$0xfe, %al\n"
	"	out	%al, $0x64\n"		/* the keyboard controller's reset */
	"5:	hlt\n"
	"	jmp	5b\n"
	"image_end:\n"
	".popsection\n");

#define PAGE	4096UL

/* Where the kernel has left room for it, or 0 */
static unsigned long crash_base(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long base = 0, from, to;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "Crash kernel") && sscanf(line, "%lx-%lx", &from, &to) == 2)
			base = from;
	if (f)
		fclose(f);
	return base;
}

int main(int argc, char **argv)
{
	size_t code = image_end - image_start;
	struct kexec_segment segment = { .memsz = PAGE };
	unsigned long base = crash_base();
	static char image[PAGE];

	if (argc != 2 || code + strlen(argv[1]) >= sizeof(image)) {
		fputs("usage: kexec_crash TEXT\n", stderr);
		return 2;
	}
	if (!base) {
		puts("# no crash kernel: needs crashkernel=16M");
		return KSFT_SKIP;
	}
	memcpy(image, image_start, code);
	memcpy(image + code, argv[1], strlen(argv[1]) + 1);
	segment.buf = image;
	segment.bufsz = code + strlen(argv[1]) + 1;
	segment.mem = (void *)base;
	if (syscall(SYS_kexec_load, base, 1UL, &segment, KEXEC_ARCH_DEFAULT | KEXEC_ON_CRASH)) {
		printf("# kexec_load: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

#else

int main(void)
{
	puts("# there is no image for this architecture");
	return KSFT_SKIP;
}

#endif
