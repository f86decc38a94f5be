// SPDX-License-Identifier: GPL-2.0
/*
 * Jump into another "kernel" and come back.  kexec with KEXEC_PRESERVE_CONTEXT
 * takes all CPUs but the boot CPU off, swaps the pages of the image with those
 * at its destination, calls it, and when it returns swaps them back and brings
 * the CPUs on again.  The other kernel here does nothing but return.
 */
#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KSFT_SKIP	4

#if defined(__x86_64__) && defined(SYS_kexec_load)

/*
 * What runs: interrupts off, identity mapping, on the stack of the caller, see
 * arch/x86/kernel/relocate_kernel_64.S.  After the return, the caller takes the
 * word on the top of the stack for the address at which to enter us again.
 */
extern const char image_start[], image_end[];

__asm__(".pushsection .rodata\n"
	".globl image_start, image_end\n"
	"image_start:\n"
	"	pop	%rax\n"
	"	lea	image_start(%rip), %rcx\n"
	"	push	%rcx\n"
	"	push	%rax\n"
	"	ret\n"
	"image_end:\n"
	".popsection\n");

/* RAM on every PC; what is there now comes back */
#define DESTINATION	0x1000000UL
#define PAGE		4096UL

static int load(void)
{
	struct kexec_segment segment = {
		.buf = image_start,
		.bufsz = image_end - image_start,
		.mem = (void *)DESTINATION,
		.memsz = PAGE,
	};

	return syscall(SYS_kexec_load, DESTINATION, 1UL, &segment,
		       KEXEC_ARCH_DEFAULT | KEXEC_PRESERVE_CONTEXT);
}

static void unload(void)
{
	syscall(SYS_kexec_load, 0UL, 0UL, NULL, KEXEC_ARCH_DEFAULT);
}

int main(void)
{
	int ret;

	if (load()) {
		printf("# kexec_load: %s\n", strerror(errno));
		return 1;
	}
	sync();
	ret = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		      LINUX_REBOOT_CMD_KEXEC, NULL);
	if (ret)
		printf("# reboot: %s\n", strerror(errno));
	else
		puts("# jumped, and came back");
	unload();
	return !!ret;
}

#else

int main(void)
{
	puts("# there is no image for this architecture");
	return KSFT_SKIP;
}

#endif
