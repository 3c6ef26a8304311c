/* SPDX-License-Identifier: ISC */
/* engine - a whole run. */
#include "engine.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "common/quantity.h"
#include "test/load/report/progress.h"
#include "thread.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* If the run ends so soon after a signal, nothing is printed about it. */
#define PATIENCE_NS (50 * NS_PER_MS)

struct engine {
	const struct settings *settings;
	struct result *result;
	struct payload payload;
	struct wire wire;
	struct schedule schedule;
	struct control control;
	struct thread *threads;
	unsigned made;    /* threads that were initialized */
	unsigned running; /* and those that were started */
	int signal_fd;
	sigset_t mask_before;
	bool signals_blocked;
	struct progress progress;
	int64_t opened_ns; /* when the first connect began */
	int64_t told_ns;   /* when to print that the run is ending; never, if there is no need */
	unsigned marks_printed;
	unsigned looks_shown;
};

/* Asking. */

static void wake_all(struct engine *e)
{
	for (unsigned i = 0; i < e->running; i++)
		thread_wake(&e->threads[i]);
}

static void stop(struct engine *e, int how)
{
	atomic_store(&e->control.stop, how);
	wake_all(e);
}

static void ask_for_mark(struct engine *e)
{
	/* One at a time: the sums of two would run together. */
	if (atomic_load(&e->control.marks) != e->marks_printed)
		return;
	atomic_store(&e->control.mark_connections, 0);
	atomic_store(&e->control.mark_owed, 0);
	atomic_fetch_add(&e->control.marks, 1);
	wake_all(e);
}

static void ask_for_look(struct engine *e)
{
	if (atomic_load(&e->control.looks) != e->looks_shown)
		return;
	/* The ended threads are in; the others add themselves. */
	lock_take(&e->control.lock);
	*e->control.seen = *e->control.ended;
	atomic_fetch_add(&e->control.looks, 1);
	lock_drop(&e->control.lock);
	wake_all(e);
}

/* Answering. */

static void start_load(struct engine *e)
{
	e->result->opening_ns = deadline_now() - e->opened_ns;
	if (atomic_load(&e->control.open) == 0) {
		stop(e, CONTROL_ABANDON);
		return;
	}
	atomic_store(&e->control.start_ns, deadline_now());
	wake_all(e);
}

static void print_marked(struct engine *e)
{
	progress_clear(&e->progress);
	fprintf(stderr,
		"marked: %" PRIuLEAST64 " connections, %" PRIuLEAST64
		" requests acknowledged and unanswered\n",
		atomic_load(&e->control.mark_connections), atomic_load(&e->control.mark_owed));
	e->marks_printed++;
	e->result->marked = true;
}

static void show_progress(struct engine *e)
{
	int64_t start_ns = atomic_load(&e->control.start_ns);

	lock_take(&e->control.lock);
	if (start_ns == 0)
		progress_draw_opening(&e->progress, e->control.seen, e->settings->connections);
	else
		progress_draw(&e->progress, e->control.seen, deadline_now() - start_ns);
	lock_drop(&e->control.lock);
	e->looks_shown++;
}

/* True if every thread that has not ended has answered each request. */
static bool all_answered(
	struct engine *e, atomic_uint *asked, atomic_uint *answered, atomic_uint *gone)
{
	unsigned there = e->running - atomic_load(&e->control.done);

	return atomic_load(asked) * there + atomic_load(gone) == atomic_load(answered);
}

static void read_news(struct engine *e)
{
	struct control *c = &e->control;
	uint64_t news;

	if (read(c->news_fd, &news, sizeof news) < 0)
		return;
	if (atomic_load(&c->start_ns) == 0 && atomic_load(&c->ready) == e->running &&
		atomic_load(&c->stop) == CONTROL_RUN)
		start_load(e);
	if (all_answered(e, &c->marks, &c->marked, &c->gone_marks) &&
		atomic_load(&c->marks) != e->marks_printed)
		print_marked(e);
	if (all_answered(e, &c->looks, &c->looked, &c->gone_looks) &&
		atomic_load(&c->looks) != e->looks_shown)
		show_progress(e);
}

static void read_signal(struct engine *e)
{
	struct signalfd_siginfo info;

	if (read(e->signal_fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGUSR1) {
		/* Nothing is under way before the load. */
		if (atomic_load(&e->control.start_ns) > 0)
			ask_for_mark(e);
		return;
	}
	/* While connections are opened there is nothing to finish; after a first signal, or when
	 * all messages are begun, the run is finishing already. */
	bool finishing = e->result->interrupted || atomic_load(&e->control.start_ns) == 0 ||
		atomic_load(&e->control.winding_up) == e->running;
	if (atomic_load(&e->control.start_ns) == 0)
		e->result->opening_ns = deadline_now() - e->opened_ns;
	e->result->interrupted = true;
	e->told_ns = finishing ? DEADLINE_NEVER : deadline_after(PATIENCE_NS);
	stop(e, finishing ? CONTROL_ABANDON : CONTROL_FINISH);
}

static void say_what_is_waited_for(struct engine *e)
{
	char timeout[QUANTITY_TEXT_MAX];

	progress_clear(&e->progress);
	fprintf(stderr,
		"bobbin-load: ending; replies under way are waited for, %s at most, or until the "
		"next signal\n",
		quantity_format_duration(e->settings->timeout_ns, timeout));
	e->told_ns = DEADLINE_NEVER;
}

/* For poll(2). */
static int patience_ms(const struct engine *e)
{
	int interval_ms = progress_interval_ms(&e->progress);

	if (e->told_ns == DEADLINE_NEVER)
		return interval_ms;
	int64_t left_ns = e->told_ns - deadline_now();
	return left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0;
}

static void supervise(struct engine *e)
{
	struct pollfd fds[] = {
		{.fd = e->control.news_fd, .events = POLLIN},
		{.fd = e->signal_fd, .events = POLLIN},
	};

	while (atomic_load(&e->control.done) < e->running) {
		int n = poll(fds, 2, patience_ms(e));
		if (deadline_now() >= e->told_ns)
			say_what_is_waited_for(e);
		else if (n == 0)
			ask_for_look(e);
		if (n > 0 && fds[0].revents)
			read_news(e);
		if (n > 0 && fds[1].revents)
			read_signal(e);
	}
	progress_clear(&e->progress);
}

/* Setting up, and undoing it. */

static int open_signals(struct engine *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, &e->mask_before) < 0)
		return -errno;
	e->signals_blocked = true;
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* From here on a signal ends the program, even while its output is stuck.  Signals that have
 * already come were meant for the load. */
static void close_signals(struct engine *e)
{
	struct signalfd_siginfo info;

	if (e->signal_fd >= 0) {
		while (read(e->signal_fd, &info, sizeof info) == sizeof info)
			;
		close(e->signal_fd);
	}
	if (e->signals_blocked)
		sigprocmask(SIG_SETMASK, &e->mask_before, NULL);
}

static void describe(struct engine *e)
{
	const struct settings *s = e->settings;

	e->wire = (struct wire){
		.service = s->endpoint.service,
		.prefix = s->prefix,
		.prefix_len = s->endpoint.service == SERVICE_LINE && !s->prefix_any
			? strlen(s->prefix)
			: 0,
		.prefix_any = s->prefix_any,
		.payload = &e->payload,
	};
	e->schedule = (struct schedule){
		.rate = s->rate,
		.ramp_ns = s->ramp_ns,
		.connections = s->connections,
		.messages = s->messages > 0 ? s->messages : UINT64_MAX,
	};
}

static int set_up(struct engine *e)
{
	const struct settings *s = e->settings;

	describe(e);
	e->signal_fd = open_signals(e);
	if (e->signal_fd < 0)
		return e->signal_fd;
	e->control.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->control.news_fd < 0)
		return -errno;
	lock_init(&e->control.lock);
	e->control.seen = calloc(1, sizeof *e->control.seen);
	e->control.ended = calloc(1, sizeof *e->control.ended);
	e->threads = calloc(s->threads, sizeof *e->threads);
	if (!e->control.seen || !e->control.ended || !e->threads)
		return -ENOMEM;
	int rc = payload_init(&e->payload, s->seed, (size_t)s->size.min_bytes,
		(size_t)s->size.max_bytes, s->endpoint.service == SERVICE_LINE);
	while (rc == 0 && e->made < s->threads) {
		rc = thread_init(
			&e->threads[e->made], e->made, s, &e->wire, &e->schedule, &e->control);
		e->made++;
	}
	return rc;
}

static void tear_down(struct engine *e)
{
	for (unsigned i = 0; i < e->made; i++)
		thread_fini(&e->threads[i]);
	payload_fini(&e->payload);
	free(e->threads);
	free(e->control.seen);
	free(e->control.ended);
	if (e->control.news_fd >= 0)
		close(e->control.news_fd);
	close_signals(e);
}

static int start_threads(struct engine *e)
{
	e->opened_ns = deadline_now();
	for (; e->running < e->made; e->running++) {
		struct thread *t = &e->threads[e->running];
		int rc = pthread_create(&t->handle, NULL, thread_run, t);
		if (rc != 0) {
			stop(e, CONTROL_ABANDON);
			return -rc;
		}
	}
	return 0;
}

/* Join the threads, and add up what they have. */
static void gather(struct engine *e)
{
	const struct settings *s = e->settings;
	struct result *r = e->result;
	int64_t start_ns = atomic_load(&e->control.start_ns);
	int64_t measure_ns = start_ns + s->ramp_ns;

	for (unsigned i = 0; i < e->running; i++) {
		pthread_join(e->threads[i].handle, NULL);
		figures_add(&r->figures, e->threads[i].figures);
	}
	if (!schedule_is_open(&e->schedule)) {
		r->figures.actual = r->figures.latency;
		r->figures.own_actual = r->figures.own;
	}
	r->reached = r->figures.opened > 0;
	r->loaded = start_ns > 0;
	if (!r->loaded)
		return;
	/* If the messages ended the load, the wait for the last replies counts, too. */
	int64_t end_ns = r->figures.load_end_ns;
	if (end_ns == 0)
		end_ns = r->figures.last_settled_ns;
	r->window_ns = end_ns > measure_ns ? end_ns - measure_ns : 0;
}

int engine_run(const struct settings *settings, struct result *result)
{
	struct engine *e = calloc(1, sizeof *e);

	if (!e)
		return -ENOMEM;
	memset(result, 0, sizeof *result);
	clock_gettime(CLOCK_REALTIME, &result->started);
	e->told_ns = DEADLINE_NEVER;
	e->settings = settings;
	e->result = result;
	result->rate = settings->rate;
	e->signal_fd = -1;
	e->control.news_fd = -1;
	progress_init(&e->progress, settings->quiet);
	int rc = set_up(e);
	if (rc == 0)
		rc = start_threads(e);
	if (rc == 0)
		supervise(e);
	gather(e);
	tear_down(e);
	free(e);
	return rc;
}
