// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuhp-lat - How long CPUs take to go offline, and what the others notice of it
 *
 * See Documentation/tools/cpuhp-lat/cpuhp-lat.rst.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lat.h"

#define DEFAULT_COUNT	10
#define DEFAULT_KB	4096
#define SETTLE_US	10000		/* from one operation to the next */
#define DRAIN_US	100000
#define TRIES		3		/* to bring a CPU online again */

struct options {
	const char *command;
	bool cpus[MAX_CPUS];
	int count, seconds, kb;
	bool spin, json;
	char **argv;			/* of the command to run */
};

static struct options opt = { .count = DEFAULT_COUNT, .kb = DEFAULT_KB };
static struct events events;
static bool online[MAX_CPUS];		/* at the begin */
static bool is_off[MAX_CPUS];		/* by us */
static int stop;			/* a signal says so */
static pid_t child = -1;

int nr_cpus;

static void print_help(FILE *f)
{
	fputs("usage: cpuhp-lat run -c CPUS [-n COUNT] [-b KB] [--spin] [--json]\n"
	      "       cpuhp-lat record [-d SECONDS] [-b KB] [--json] [-- COMMAND...]\n"
	      "\n"
	      "run takes the CPUs off and on, record watches while something else does.\n"
	      "  -c, --cpus CPUS         the CPUs, like 1-3,5\n"
	      "  -n, --count COUNT       how often each of them (default 10)\n"
	      "  -s, --spin              a task spins on each bystander, and tells of its gaps\n"
	      "  -d, --duration SECONDS  when to stop (default: at Ctrl-C)\n"
	      "  -b, --buffer KB         of the trace, for each CPU (default 4096)\n"
	      "  -j, --json              print JSON\n"
	      "  -h, --help              this text\n", f);
}

static noreturn void usage(const char *what, const char *arg)
{
	fprintf(stderr, "cpuhp-lat: %s%s\n", what, arg);
	print_help(stderr);
	exit(2);
}

static int number(const char *what, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || *end || errno || n < 1 || n > 1000000)
		usage(what, text);
	return n;
}

static void parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "cpus", required_argument, NULL, 'c' },
		{ "count", required_argument, NULL, 'n' },
		{ "spin", no_argument, NULL, 's' },
		{ "duration", required_argument, NULL, 'd' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool run, cpus = false;
	int c;

	opt.command = argc > 1 ? argv[1] : "";
	if (!strcmp(opt.command, "-h") || !strcmp(opt.command, "--help")) {
		print_help(stdout);
		exit(0);
	}
	run = !strcmp(opt.command, "run");
	if (!run && strcmp(opt.command, "record"))
		usage("run or record? not: ", opt.command);
	optind = 2;
	while ((c = getopt_long(argc, argv, run ? "+c:n:b:sjh" : "+d:b:jh", longs, NULL)) != -1) {
		if (c != 'b' && c != 'j' && c != 'h' && c != '?' && run == (c == 'd'))
			usage("not an option of ", opt.command);
		switch (c) {
		case 'c':
			if (cpus_parse(optarg, opt.cpus) < 0)
				usage("not a list of CPUs: ", optarg);
			cpus = true;
			break;
		case 'n':
			opt.count = number("not a number of times: ", optarg);
			break;
		case 'd':
			opt.seconds = number("not a number of seconds: ", optarg);
			break;
		case 'b':
			opt.kb = number("not a number of KB: ", optarg);
			break;
		case 's':
			opt.spin = true;
			break;
		case 'j':
			opt.json = true;
			break;
		case 'h':
			print_help(stdout);
			exit(0);
		default:
			print_help(stderr);
			exit(2);
		}
	}
	if (run && !cpus)
		usage("run needs ", "-c CPUS");
	if (run && optind != argc)
		usage("what is that: ", argv[optind]);
	if (optind != argc)
		opt.argv = argv + optind;
}

static void on_signal(int sig)
{
	__atomic_store_n(&stop, sig, __ATOMIC_RELAXED);
}

static bool is_stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* Ctrl-C and the like end the measurement, not us. */
static void catch_signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Runs at each exit, whatever the reason */
static void clean_up(void)
{
	int cpu, i, error;

	spin_end();
	if (child > 0)
		kill(child, SIGTERM);
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		error = is_off[cpu];
		for (i = 0; i < TRIES && error; i++)
			error = cpu_write_online(cpu, true);
		if (error)
			fprintf(stderr, "cpuhp-lat: CPU%d does not come online again: %s\n", cpu,
				strerror(error));
	}
	trace_end();
}

static void write_online(int cpu, bool on)
{
	__u64 begin = now_ns();
	int error = cpu_write_online(cpu, on);
	struct event *e = event_add(&events, EV_WRITE, begin);

	e->len = now_ns() - begin;
	e->victim = cpu;
	e->arg = on;
	e->step = error;
	if (!error)
		is_off[cpu] = !on;
}

static void off_and_on(int cpu)
{
	spin_pause(cpu);
	usleep(SETTLE_US);
	trace_on();
	write_online(cpu, false);
	if (is_off[cpu]) {
		usleep(SETTLE_US);
		write_online(cpu, true);
	}
	trace_off();
	trace_drain(&events);
	if (!is_off[cpu])
		spin_resume(cpu);
	spin_collect(&events);
}

static void run(void)
{
	int cpu, home, i;

	cpus_check(opt.cpus, online);
	for (home = 0; !online[home] || opt.cpus[home]; home++)
		;
	errno = cpu_bind(0, home);
	if (errno)
		err(1, "cannot be bound to CPU%d", home);
	trace_start(opt.kb);
	for (cpu = 0; cpu < nr_cpus && opt.spin; cpu++)
		if (online[cpu] && cpu != home)
			spin_start(cpu);
	can.gaps = opt.spin;
	for (i = 0; i < opt.count; i++)
		for (cpu = 0; cpu < nr_cpus && !is_stopped(); cpu++)
			if (opt.cpus[cpu] && !is_off[cpu])
				off_and_on(cpu);
}

static void start_child(void)
{
	child = fork();
	if (child < 0)
		err(1, "cannot fork");
	if (child)
		return;
	/* Nothing but our own report may be between the braces. */
	if (opt.json)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	execvp(opt.argv[0], opt.argv);
	fprintf(stderr, "cpuhp-lat: cannot run %s: %s\n", opt.argv[0], strerror(errno));
	_exit(127);
}

static bool has_ended(int flags)
{
	int status;

	if (child < 0 || waitpid(child, &status, flags) != child)
		return false;
	child = -1;
	if (WIFSIGNALED(status))
		fprintf(stderr, "cpuhp-lat: %s was ended by signal %d\n", opt.argv[0],
			WTERMSIG(status));
	else if (WEXITSTATUS(status) == 127)
		exit(1);
	else if (WEXITSTATUS(status))
		fprintf(stderr, "cpuhp-lat: %s ended with status %d\n", opt.argv[0],
			WEXITSTATUS(status));
	return true;
}

static void record(void)
{
	__u64 end = opt.seconds ? now_ns() + opt.seconds * 1000000000ULL : ULLONG_MAX;

	trace_start(opt.kb);
	trace_on();
	if (opt.argv)
		start_child();
	else
		fputs("cpuhp-lat: recording\n", stderr);
	while (!is_stopped() && now_ns() < end && !has_ended(WNOHANG)) {
		usleep(DRAIN_US);
		trace_drain(&events);
	}
	trace_off();
	trace_drain(&events);
}

int main(int argc, char **argv)
{
	static bool possible[MAX_CPUS];
	struct stats stats = { 0 };
	struct ops ops = { 0 };
	int i;

	parse_options(argc, argv);
	if (geteuid())
		errx(1, "only root can do this");
	cpus_read("possible", possible);
	cpus_read("online", online);
	for (i = 0; i < MAX_CPUS; i++) {
		stats.cpus += online[i];
		if (possible[i])
			nr_cpus = i + 1;
	}
	catch_signals();
	atexit(clean_up);

	if (!strcmp(opt.command, "run"))
		run();
	else
		record();

	stats.lost = trace_lost();
	ops_build(&ops, &events, online);
	stats_build(&stats, &ops, &events);
	if (opt.json)
		report_json(&stats, opt.command);
	else
		report_text(&stats);
	if (fflush(stdout))
		err(1, "cannot write the report");
	if (stats.lost)
		errx(1, "%lu events were lost, the figures are incomplete: use a larger -b than %d",
		     stats.lost, opt.kb);
	return stats.nr_refusals ? 1 : 0;
}
