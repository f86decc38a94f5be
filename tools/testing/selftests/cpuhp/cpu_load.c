// SPDX-License-Identifier: GPL-2.0
/*
 * Loads that the shell scripts next to this file cannot make by themselves. Each
 * runs until SIGTERM, prints how often it did what it does, and fails as soon as
 * that goes wrong:
 *
 *   cpu_load push PID		PID may run on one CPU alone, and on another one next
 *   cpu_load stay CPU		comes to CPU, which may go, and looks whether it runs
 *				where it may
 *   cpu_load read FILE		reads from a device, from each CPU in turn
 *   cpu_load memory MIB	writes as much memory, which compresses well, and
 *				looks whether it is still what it was
 *   cpu_load crypt NAME	encrypts by the AEAD of that name
 *   cpu_load deadline US US	runs under SCHED_DEADLINE: runtime and period
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#ifndef AF_ALG
#define AF_ALG		38
#endif
#ifndef SOL_ALG
#define SOL_ALG		279
#endif

/* struct sched_attr: old and new headers cannot be included both */
struct load_attr {
	__u32 size;
	__u32 policy;
	__u64 flags;
	__s32 nice;
	__u32 priority;
	__u64 runtime;		/* these three in ns */
	__u64 deadline;
	__u64 period;
};

#define MIB		1048576UL
#define SLOWEST_NS	(20 * NSEC_PER_SEC)	/* of a read: less than until a driver gives up */
#define KEY_SIZE	20	/* of rfc4106(gcm(aes)): 16, and 4 of the nonce */
#define AUTH_SIZE	16
#define IV_SIZE		8
#define TEXT_SIZE	256

static int ended;

static void on_term(int sig)
{
	(void)sig;
	__atomic_store_n(&ended, 1, __ATOMIC_RELAXED);
}

static int has_ended(void)
{
	return __atomic_load_n(&ended, __ATOMIC_RELAXED);
}

static int fails(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	return 1;
}

static int done(const char *what, unsigned long count)
{
	printf("# %s: %lu times\n", what, count);
	return !count;
}

static int push(pid_t pid)
{
	int cpu = 0, cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned long count = 0;

	while (!has_ended()) {
		if (!to_cpu(pid, cpu))
			count++;
		else if (errno != EINVAL)
			return fails("sched_setaffinity");
		cpu = (cpu + 1) % cpus;
	}
	return done("affinity set", count);
}

/*
 * On CPU nothing is said of it: while that goes it counts as one where nobody may run,
 * and who does is pushed off.
 */
static int stay(int cpu)
{
	int other = 0, cpus = sysconf(_SC_NPROCESSORS_CONF), here;
	unsigned long count = 0;
	cpu_set_t may;

	while (!has_ended()) {
		other = (other + 1) % cpus;
		if (other == cpu || to_cpu(0, other) || to_cpu(0, cpu))
			continue;
		here = sched_getcpu();
		if (sched_getaffinity(0, sizeof(may), &may))
			return fails("sched_getaffinity");
		if (here != cpu && !CPU_ISSET(here, &may) && sched_getcpu() == here) {
			printf("# sent to CPU %d, still on %d, after %lu times\n",
			       cpu, here, count);
			return 1;
		}
		count++;
	}
	return done("came to the CPU", count);
}

static int read_all_over(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT), cpu = 0;
	int cpus = sysconf(_SC_NPROCESSORS_CONF);
	char *buf = aligned_alloc(BLOCK, BLOCK), *first = malloc(BLOCK);
	__u64 from, took, worst = 0;
	unsigned long count = 0;

	if (fd < 0)
		return fails(path);
	while (!has_ended()) {
		to_cpu(0, cpu);
		cpu = (cpu + 1) % cpus;
		from = now_ns();
		if (pread(fd, buf, BLOCK, 0) != BLOCK)
			return fails(path);
		took = now_ns() - from;
		if (!count)
			memcpy(first, buf, BLOCK);
		if (memcmp(first, buf, BLOCK)) {
			printf("# %s: the same block reads otherwise\n", path);
			return 1;
		}
		if (took > worst)
			worst = took;
		count++;
	}
	printf("# %s: the slowest read took %llu ms\n", path,
	       (unsigned long long)(worst / NSEC_PER_MSEC));
	return done(path, count) || worst > SLOWEST_NS;
}

static int memory(unsigned long mib)
{
	unsigned long pages = mib * MIB / BLOCK, page, count = 0;
	unsigned long *map, *word;

	map = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return fails("mmap");
	while (!has_ended()) {
		page = count % pages;
		word = map + page * (BLOCK / sizeof(*map));
		/* What was left here the last time, once around ago */
		if (count >= pages && (word[0] != count - pages || word[1] != ~word[0])) {
			printf("# page %lu is not what it was\n", page);
			return 1;
		}
		word[0] = count;
		word[1] = ~count;
		count++;
	}
	return done("pages", count);
}

static int crypt_once(int op)
{
	static char text[TEXT_SIZE], out[TEXT_SIZE + AUTH_SIZE];
	char control[CMSG_SPACE(sizeof(__u32)) + CMSG_SPACE(sizeof(struct af_alg_iv) + IV_SIZE) +
		     CMSG_SPACE(sizeof(__u32))] = {};
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct af_alg_iv *iv;

	c->cmsg_level = SOL_ALG;
	c->cmsg_type = ALG_SET_OP;
	c->cmsg_len = CMSG_LEN(sizeof(__u32));
	*(__u32 *)CMSG_DATA(c) = ALG_OP_ENCRYPT;
	c = CMSG_NXTHDR(&msg, c);
	c->cmsg_level = SOL_ALG;
	c->cmsg_type = ALG_SET_IV;
	c->cmsg_len = CMSG_LEN(sizeof(*iv) + IV_SIZE);
	iv = (struct af_alg_iv *)CMSG_DATA(c);
	iv->ivlen = IV_SIZE;
	c = CMSG_NXTHDR(&msg, c);
	c->cmsg_level = SOL_ALG;
	c->cmsg_type = ALG_SET_AEAD_ASSOCLEN;
	c->cmsg_len = CMSG_LEN(sizeof(__u32));
	*(__u32 *)CMSG_DATA(c) = 16;
	return sendmsg(op, &msg, 0) == sizeof(text) && read(op, out, sizeof(out)) > 0 ? 0 : -1;
}

/* While allocations are made to fail, a text may be lost: that is not counted */
static int encrypt(const char *name)
{
	struct sockaddr_alg addr = { .salg_family = AF_ALG, .salg_type = "aead" };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0), op;
	unsigned long count = 0;
	char key[KEY_SIZE] = {};

	snprintf((char *)addr.salg_name, sizeof(addr.salg_name), "%s", name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_ALG, ALG_SET_KEY, key, sizeof(key)) ||
	    setsockopt(fd, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, NULL, AUTH_SIZE))
		return fails(name);
	while (!has_ended()) {
		op = accept(fd, NULL, 0);
		if (op < 0)
			continue;
		if (!crypt_once(op))
			count++;
		close(op);
	}
	return done(name, count);
}

static int deadline(unsigned long long runtime_us, unsigned long long period_us)
{
	struct load_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime = runtime_us * 1000,
		.deadline = period_us * 1000,
		.period = period_us * 1000,
	};
	unsigned long count = 0;

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		return fails("SCHED_DEADLINE");
	while (!has_ended()) {
		sched_yield();
		count++;
	}
	return done("periods", count);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };

	sigaction(SIGTERM, &sa, NULL);
	if (argc == 3 && !strcmp(argv[1], "push"))
		return push(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "stay"))
		return stay(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "read"))
		return read_all_over(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "memory"))
		return memory(strtoul(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "crypt"))
		return encrypt(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "deadline"))
		return deadline(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	fputs("usage: cpu_load push PID | stay CPU | read FILE | memory MIB | crypt NAME |\n"
	      "       deadline US US\n", stderr);
	return 2;
}
