/* SPDX-License-Identifier: ISC */
/* main - the life of bobbind: settings, listeners, threads, accept, drain, exit status. */
#include "log.h"
#include "notify.h"
#include "server/door/acceptor.h"
#include "server/door/listener.h"
#include "server/life/budget.h"
#include "server/life/coordinator.h"
#include "server/settings/command_line.h"
#include "server/settings/settings.h"
#include "server/succession/predecessor.h"
#include "server/succession/program.h"
#include "server/work/registry.h"
#include "server/work/worker.h"
#include "signals.h"

#include "common/barrier.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* Static, for detached threads may still be leaving them when main() returns. */
static struct registry registry;
static struct counters counters;
static struct workers workers;
static struct admission admission;
static struct current current;
static struct identity identity;
static struct barrier busy;
static struct barrier accepting;

static const struct server server = {
	.current = &current,
	.admission = &admission,
	.registry = &registry,
	.counters = &counters,
	.workers = &workers,
	.busy = &busy,
	.accepting = &accepting,
};

/* A descriptor 0 to 2 that is closed would become a socket, and a client would read our log. */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Tell and end: before anything is served there is nothing to undo. */
static void must_start(int rc, const char *what)
{
	struct log_line l;

	if (rc == 0)
		return;
	log_begin(&l, LOG_ERROR, "cannot_start");
	log_text(&l, "what", what);
	log_errno(&l, -rc);
	log_end(&l);
	exit(EX_OSERR);
}

/* Everything that the threads share, from the settings; takes over the hold on them. */
static void make_server(struct settings *s)
{
	barrier_init(&busy);
	barrier_init(&accepting);
	registry_init(&registry, s->max_connections);
	admission_init(&admission, s);
	identity_init(&identity);
	worker_init(&workers, &registry, &admission, &counters, &identity, &busy);
	worker_set_parking(&workers, s->threads_parked, s->park_time_ns);
	current_init(&current, s);
}

static void *must_have(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct acceptors make_acceptors(const struct listener *listeners, size_t count)
{
	struct acceptor *each = must_have(calloc(count, sizeof *each));

	for (size_t i = 0; i < count; i++)
		acceptor_init(&each[i], &listeners[i], &server);
	return (struct acceptors){.each = each, .count = count};
}

static void end_acceptors(const struct acceptors *all)
{
	for (size_t i = 0; i < all->count; i++)
		acceptor_fini(&all->each[i]);
	free(all->each);
}

/* Accept until the end; the last listener to be lost takes the server with it. */
static void *accept_all(void *arg)
{
	struct acceptor *a = arg;

	acceptor_run(a);
	if (atomic_load(&a->state) == ACCEPTOR_LOST && barrier_wait(&accepting, 0) == 0)
		requests_stop();
	return NULL;
}

static void announce(const struct listener *listeners, size_t count)
{
	struct log_line l;

	for (size_t i = 0; i < count; i++)
		listener_announce(&listeners[i]);
	log_begin(&l, LOG_INFO, "ready");
	log_text(&l, "version", BOBBIN_VERSION);
	log_number(&l, "pid", getpid());
	log_end(&l);
}

/* The first acceptor is this thread's, the further ones have threads of their own. */
static int serve(struct coordinator *c, const struct acceptors *acceptors)
{
	acceptors->each[0].thread = pthread_self();
	signals_knock(SIG_UNBLOCK);
	for (size_t i = 1; i < acceptors->count; i++) {
		struct acceptor *a = &acceptors->each[i];
		must_start(-pthread_create(&a->thread, NULL, accept_all, a), "accepting thread");
	}
	/* Last: it knocks at every acceptor's thread. */
	must_start(coordinator_start(c), "coordinator thread");
	announce(c->handover.listeners, acceptors->count);
	coordinator_notify_ready(c);
	predecessor_tell_ready();
	accept_all(&acceptors->each[0]);
	int status = coordinator_join(c);
	for (size_t i = 1; i < acceptors->count; i++)
		(void)pthread_join(acceptors->each[i].thread, NULL);
	return status;
}

/* Serve with these settings and listeners until the stop.  Returns the exit status. */
static int run(struct settings *s, const struct listener *listeners, size_t count,
	const struct command_line *command, const char *program)
{
	signals_block();
	budget_check(s);
	make_server(settings_hold(s));
	struct acceptors acceptors = make_acceptors(listeners, count);
	struct coordinator c = {
		.server = &server,
		.command = command,
		.handover = {program, command->argv, listeners, &acceptors},
	};
	int status = serve(&c, &acceptors);
	/* Threads that did not end still use what we would free, and the stack that we would leave. */
	if (c.result.left > 0)
		_exit(status);
	end_acceptors(&acceptors);
	settings_release(current.settings);
	return status;
}

int main(int argc, char **argv)
{
	const struct command_line command = {argc, argv};
	struct listener *listeners = NULL;
	size_t count;
	int status;

	fill_standard_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	struct settings *s = command_line_load(&command, &status);
	if (!s)
		return status;
	log_open((enum log_level)s->log_level, (enum log_format)s->log_format);
	notify_open();
	char *program = program_path(argv[0]);
	/* Up to here, where a lookup or a file may take its time, signals end the process. */
	status = listener_open_all(s, &listeners, &count);
	if (status == EX_OK)
		status = run(s, listeners, count, &command, program);
	free(listeners);
	free(program);
	/* The listeners kept to the names that they had in it, whatever was in force later. */
	settings_release(s);
	return status;
}
