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

static struct acceptor *make_acceptors(const struct listener *listeners, size_t count)
{
	struct acceptor *acceptors = must_have(calloc(count, sizeof *acceptors));

	for (size_t i = 0; i < count; i++)
		acceptor_init(&acceptors[i], &listeners[i], &server);
	return acceptors;
}

static void end_acceptors(struct acceptor *acceptors, size_t count)
{
	for (size_t i = 0; i < count; i++)
		acceptor_fini(&acceptors[i]);
	free(acceptors);
}

/* Accept until the end; the last listener to be lost takes the server with it. */
static void *accept_all(void *arg)
{
	struct acceptor *a = arg;

	acceptor_run(a);
	if (atomic_load(&a->lost) && barrier_wait(&accepting, 0) == 0)
		coordinator_ask_stop();
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
static int serve(struct coordinator *c)
{
	c->acceptors[0].thread = pthread_self();
	signals_knock(SIG_UNBLOCK);
	for (size_t i = 1; i < c->acceptor_count; i++) {
		struct acceptor *a = &c->acceptors[i];
		must_start(-pthread_create(&a->thread, NULL, accept_all, a), "accepting thread");
	}
	/* Last: it knocks at every acceptor's thread. */
	must_start(coordinator_start(c), "coordinator thread");
	announce(c->listeners, c->acceptor_count);
	coordinator_notify_ready(c);
	predecessor_tell_ready();
	accept_all(&c->acceptors[0]);
	int status = coordinator_join(c);
	for (size_t i = 1; i < c->acceptor_count; i++)
		(void)pthread_join(c->acceptors[i].thread, NULL);
	return status;
}

int main(int argc, char **argv)
{
	const struct command_line command = {argc, argv};
	struct listener *listeners;
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
	status = listener_open_all(s, &listeners, &count);
	if (status != EX_OK) {
		settings_release(s);
		free(program);
		return status;
	}
	/* Up to here, where a lookup or a file may take its time, signals end the process. */
	signals_block();
	budget_check(s);
	/* The listeners keep to the names that they have in it, whatever is in force later. */
	make_server(settings_hold(s));
	struct coordinator c = {
		.server = &server,
		.command = &command,
		.acceptors = make_acceptors(listeners, count),
		.listeners = listeners,
		.acceptor_count = count,
		.program = program,
		.places = must_have(calloc(count, sizeof(size_t))),
	};
	status = serve(&c);
	/*
	 * Threads that would not end still use what we would free, and the stack that we would
	 * leave.
	 */
	if (c.left > 0)
		_exit(status);
	end_acceptors(c.acceptors, count);
	settings_release(current.settings);
	free(c.places);
	free(listeners);
	free(program);
	settings_release(s);
	return status;
}
