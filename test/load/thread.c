/* SPDX-License-Identifier: ISC */
/* thread - one thread of the load. */
#include "thread.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EVENTS 256

/* A burst of connects overflows the server's queue, and then SYNs are dropped and sent again after
 * a second. */
#define OPENING_MAX 128

/* And so many are begun in one turn of the loop, under load. */
#define OPENING_BURST 16

/* A slot whose connection failed waits for so long: a server that is down is not to be flooded with
 * connects. */
#define REST_NS (100 * NS_PER_MS)

/* Slots. */

static void queue_init(struct thread_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_put(struct thread_queue *q, struct connection *c)
{
	c->next = NULL;
	*q->last = c;
	q->last = &c->next;
}

static struct connection *queue_take(struct thread_queue *q)
{
	struct connection *c = q->first;

	q->first = c->next;
	if (!q->first)
		q->last = &q->first;
	return c;
}

static uint64_t power_of_two(uint64_t at_least)
{
	uint64_t p = 1;

	while (p < at_least)
		p *= 2;
	return p;
}

/* Slots are dealt like cards: thread 1 of 4 has 1, 5, 9 and so on. */
static int make_connections(struct thread *t, const struct settings *s)
{
	uint64_t window = power_of_two(s->in_flight);

	t->count = (uint32_t)((s->connections - t->index - 1) / s->threads + 1);
	t->connections = calloc(t->count, sizeof *t->connections);
	t->stamps = calloc(t->count * window, sizeof *t->stamps);
	if (!t->connections || !t->stamps)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t slot = t->index + i * (uint32_t)s->threads;
		connection_init(&t->connections[i], slot, t->stamps + i * window, window - 1);
		queue_put(&t->to_open, &t->connections[i]);
	}
	t->untried = t->count;
	return 0;
}

static int watch_wake(const struct thread *t)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

	return epoll_ctl(t->bench.epoll_fd, EPOLL_CTL_ADD, t->wake_fd, &ev) < 0 ? -errno : 0;
}

/* Part index of total, cut into parts that differ by at most one. */
static uint64_t share(uint64_t total, uint64_t index, uint64_t parts)
{
	return total / parts + (index < total % parts);
}

int thread_init(struct thread *t, uint32_t index, const struct settings *settings,
	const struct wire *wire, const struct schedule *schedule, struct control *control)
{
	*t = (struct thread){
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.figures = calloc(1, sizeof *t->figures),
		.control = control,
		.index = index,
		.due_ns = DEADLINE_NEVER,
		.end_ns = DEADLINE_NEVER,
		.finish_ns = DEADLINE_NEVER,
		.bench =
			{
				.settings = settings,
				.wire = wire,
				.schedule = schedule,
				.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
				.measure_ns = DEADLINE_NEVER,
				.budget = settings->messages
					? share(settings->messages, index, settings->threads)
					: UINT64_MAX,
				.in = malloc(BENCH_BUFFER_BYTES),
				.out = malloc(BENCH_BUFFER_BYTES),
			},
	};
	t->bench.figures = t->figures;
	queue_init(&t->to_open);
	queue_init(&t->resting);
	if (t->wake_fd < 0 || t->bench.epoll_fd < 0)
		return -errno;
	if (!t->figures || !t->bench.in || !t->bench.out)
		return -ENOMEM;
	int rc = make_connections(t, settings);
	return rc < 0 ? rc : watch_wake(t);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void thread_fini(struct thread *t)
{
	close_if_open(t->wake_fd);
	close_if_open(t->bench.epoll_fd);
	free(t->figures);
	free(t->connections);
	free(t->stamps);
	free(t->bench.in);
	free(t->bench.out);
}

static void raise_eventfd(int fd)
{
	/* Only a counter of 2^64 - 1 would refuse it. */
	ssize_t n = write(fd, &(uint64_t){1}, sizeof(uint64_t));

	(void)n;
}

void thread_wake(struct thread *t)
{
	raise_eventfd(t->wake_fd);
}

static void tell(struct thread *t, atomic_uint *what)
{
	atomic_fetch_add(what, 1);
	raise_eventfd(t->control->news_fd);
}

/* Opening and reopening. */

static void note_state(struct thread *t, struct connection *c, bool was_opening)
{
	if (was_opening && c->state != CONNECTION_OPENING) {
		t->opening--;
		if (c->generation == 1)
			t->untried--;
	}
	if (c->state != CONNECTION_CLOSED)
		return;
	c->rest_until_ns = t->bench.now_ns + REST_NS;
	queue_put(c->failed ? &t->resting : &t->to_open, c);
}

static void open_one(struct thread *t)
{
	struct connection *c = queue_take(&t->to_open);

	t->opening++;
	connection_open(c, &t->bench);
	if (c->state != CONNECTION_OPENING)
		note_state(t, c, true);
}

/* After the last message was begun, a connection is opened only for what is still owed. */
static bool may_open(const struct thread *t)
{
	return (t->finish_ns == DEADLINE_NEVER && t->bench.budget > (uint64_t)t->opening) ||
		t->bench.owed > 0;
}

/*
 * While nothing is measured but the connects, one at a time: what the next one takes is not to be
 * counted as the last one's connect time.  Under load a few, or a server that comes back is met by
 * few connections for long.
 */
static void open_connections(struct thread *t)
{
	int burst = t->bench.start_ns > 0 ? OPENING_BURST : 1;

	while (t->resting.first && t->resting.first->rest_until_ns <= t->bench.now_ns)
		queue_put(&t->to_open, queue_take(&t->resting));
	while (burst-- > 0 && t->to_open.first && may_open(t) && t->opening < OPENING_MAX &&
		pace_take(&t->pace, t->bench.now_ns))
		open_one(t);
}

static void pump(struct thread *t, struct connection *c)
{
	if (c->state != CONNECTION_OPEN)
		return;
	connection_pump(c, &t->bench);
	note_state(t, c, false);
}

/* The load. */

static void stop_beginning(struct thread *t)
{
	t->bench.beginning = false;
	t->due_ns = DEADLINE_NEVER;
	if (t->finish_ns == DEADLINE_NEVER)
		t->finish_ns = deadline_from(t->bench.now_ns, t->bench.settings->timeout_ns);
}

static void set_due(struct thread *t)
{
	const struct schedule *s = t->bench.schedule;
	uint64_t k = schedule_number(s, t->connections[t->due_index].slot, t->due_round);

	t->due_ns = t->bench.start_ns + schedule_due(s, k);
	if (t->due_ns >= t->end_ns)
		stop_beginning(t);
}

static void begin_load(struct thread *t, int64_t start_ns)
{
	const struct settings *s = t->bench.settings;

	t->cost_at_start = cost_of_thread();
	t->bench.start_ns = start_ns;
	t->bench.measure_ns = start_ns + s->ramp_ns;
	t->bench.beginning = true;
	if (s->duration_ns > 0)
		t->end_ns = t->bench.measure_ns + s->duration_ns;
	if (s->rate > 0)
		set_due(t);
	else
		t->due_ns = start_ns;
}

/* Open loop: hand each message that is due to its slot, whatever state that is in. */
static void notice_due(struct thread *t)
{
	struct bench *b = &t->bench;

	while (t->due_ns <= b->now_ns) {
		struct connection *c = &t->connections[t->due_index];
		if (t->due_ns >= b->measure_ns)
			histogram_record(&b->figures->lateness, b->now_ns - t->due_ns);
		c->noticed++;
		b->owed++;
		b->budget--;
		if (++t->due_index == t->count) {
			t->due_index = 0;
			t->due_round++;
		}
		if (b->budget == 0)
			stop_beginning(t);
		else
			set_due(t);
		pump(t, c);
	}
}

/* Closed loop: let the next slots begin, all at once if there is no ramp. */
static void start_due(struct thread *t)
{
	while (t->due_ns <= t->bench.now_ns) {
		struct connection *c = &t->connections[t->started++];
		c->started = true;
		pump(t, c);
		t->due_ns = t->started == t->count ? DEADLINE_NEVER
						   : t->bench.start_ns +
				schedule_begin(t->bench.schedule, t->connections[t->started].slot);
	}
}

static void keep_schedule(struct thread *t)
{
	if (t->due_ns > t->bench.now_ns)
		return;
	if (t->bench.schedule->rate > 0)
		notice_due(t);
	else
		start_due(t);
}

/* Messages without a time to end by: a server that is gone for longer than the timeout ends the
 * run. */
static bool is_hopeless(struct thread *t)
{
	const struct settings *s = t->bench.settings;
	bool open = t->figures->opened > t->opened_seen;

	for (uint32_t i = 0; i < t->count && !open; i++)
		open = t->connections[i].state == CONNECTION_OPEN;
	t->opened_seen = t->figures->opened;
	if (open)
		t->down_ns = t->bench.now_ns;
	return s->duration_ns == 0 && t->bench.start_ns > 0 &&
		t->bench.now_ns - t->down_ns > s->timeout_ns;
}

/*
 * Look for timeouts: seldom, so that 10,000 connections cost nothing, and often enough to be late
 * by an eighth at most.
 */
static void sweep(struct thread *t)
{
	int64_t interval = t->bench.settings->timeout_ns / 8;

	if (t->bench.now_ns < t->sweep_ns)
		return;
	t->sweep_ns = t->bench.now_ns + (interval < NS_PER_S ? interval : NS_PER_S);
	for (uint32_t i = 0; i < t->count; i++) {
		struct connection *c = &t->connections[i];
		if (c->state == CONNECTION_CLOSED)
			continue;
		bool was_opening = c->state == CONNECTION_OPENING;
		connection_check_timeout(c, &t->bench);
		note_state(t, c, was_opening);
	}
	if (is_hopeless(t))
		stop_beginning(t);
}

static void finish(struct thread *t)
{
	struct bench *b = &t->bench;

	if (b->beginning && (b->now_ns >= t->end_ns || b->budget == 0))
		stop_beginning(t);
	if (t->finish_ns == DEADLINE_NEVER)
		return;
	if (b->now_ns >= t->finish_ns) {
		for (uint32_t i = 0; i < t->count && b->owed > 0; i++)
			connection_give_up(&t->connections[i], b);
	}
	if (b->outstanding == 0 && b->owed == 0)
		t->over = true;
}

static void report_ready(struct thread *t)
{
	uint64_t open = 0;

	if (t->ready || t->untried > 0)
		return;
	t->ready = true;
	for (uint32_t i = 0; i < t->count; i++)
		open += t->connections[i].state == CONNECTION_OPEN;
	/* One that has been open and was closed by the server at once is a server that can be
	 * reached. */
	atomic_fetch_add(&t->control->open, open > 0 ? open : t->figures->opened > 0);
	tell(t, &t->control->ready);
}

/* What the main thread asks for. */

static void take_mark(struct thread *t)
{
	uint64_t connections = 0;
	uint64_t owed = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		struct connection *c = &t->connections[i];
		connection_mark(c, &t->bench);
		if (c->state != CONNECTION_OPEN)
			continue;
		connections++;
		owed += c->marked > c->answered ? c->marked - c->answered : 0;
	}
	t->bench.marked = true;
	atomic_fetch_add(&t->control->mark_connections, connections);
	atomic_fetch_add(&t->control->mark_owed, owed);
	tell(t, &t->control->marked);
}

static void show_figures(struct thread *t)
{
	lock_take(&t->control->lock);
	figures_add(t->control->seen, t->figures);
	lock_drop(&t->control->lock);
	tell(t, &t->control->looked);
}

static void answer_control(struct thread *t)
{
	struct control *control = t->control;
	int64_t start_ns = atomic_load(&control->start_ns);
	uint64_t wakes;

	if (read(t->wake_fd, &wakes, sizeof wakes) < 0)
		return;
	if (start_ns > 0 && t->bench.start_ns == 0)
		begin_load(t, start_ns);
	for (; t->marks_seen != atomic_load(&control->marks); t->marks_seen++)
		take_mark(t);
	for (; t->looks_seen != atomic_load(&control->looks); t->looks_seen++)
		show_figures(t);
	int stop = atomic_load(&control->stop);
	if (stop == CONTROL_ABANDON)
		t->over = true;
	else if (stop == CONTROL_FINISH)
		stop_beginning(t);
}

/* The loop. */

static int64_t next_moment(const struct thread *t)
{
	int64_t next = deadline_earlier(t->sweep_ns, t->due_ns);

	if (t->to_open.first && may_open(t) && t->opening < OPENING_MAX)
		next = deadline_earlier(next, pace_next(&t->pace));
	if (t->resting.first)
		next = deadline_earlier(next, t->resting.first->rest_until_ns);
	if (t->bench.beginning)
		return deadline_earlier(next, t->end_ns);
	/* Once that has passed, what is left ends by its own timeout. */
	return t->finish_ns > t->bench.now_ns ? deadline_earlier(next, t->finish_ns) : next;
}

static void wait_and_serve(struct thread *t)
{
	struct epoll_event events[EVENTS];
	int64_t left = next_moment(t) - t->bench.now_ns;
	struct timespec ts = deadline_timespec(left > 0 ? left : 0);
	int n = epoll_pwait2(t->bench.epoll_fd, events, EVENTS, &ts, NULL);
	bool woken = false;

	t->bench.now_ns = deadline_now();
	assert(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		struct connection *c = events[i].data.ptr;
		if (!c) {
			woken = true;
			continue;
		}
		/* keep_schedule() has closed it since the kernel told of it: it waits for its turn. */
		if (c->state == CONNECTION_CLOSED)
			continue;
		bool was_opening = c->state == CONNECTION_OPENING;
		connection_ready(c, &t->bench, events[i].events);
		note_state(t, c, was_opening);
		keep_schedule(t);
	}
	if (woken)
		answer_control(t);
}

static void add_cost(struct thread *t)
{
	struct cost cost = cost_of_thread();
	struct figures *f = t->figures;

	f->user_ns = cost.user_ns - t->cost_at_start.user_ns;
	f->system_ns = cost.system_ns - t->cost_at_start.system_ns;
	f->waiting_ns = cost.waiting_ns - t->cost_at_start.waiting_ns;
	f->busiest_running_ns = f->user_ns + f->system_ns;
	f->busiest_ns = f->busiest_running_ns + f->waiting_ns;
}

void *thread_run(void *arg)
{
	struct thread *t = arg;
	const struct settings *s = t->bench.settings;

	/* The default slack of 50 us would make every message of an open loop that much late. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	t->bench.now_ns = deadline_now();
	t->down_ns = t->bench.now_ns;
	pace_init(&t->pace, s->connect_rate, t->index, (uint32_t)s->threads, t->bench.now_ns);
	while (!t->over) {
		open_connections(t);
		sweep(t);
		report_ready(t);
		keep_schedule(t);
		finish(t);
		if (!t->over)
			wait_and_serve(t);
	}
	if (t->bench.start_ns > 0)
		add_cost(t);
	for (uint32_t i = 0; i < t->count; i++)
		connection_close(&t->connections[i], &t->bench);
	/* First what it has answered, then that it is gone: see control.h. */
	atomic_fetch_add(&t->control->gone_marks, t->marks_seen);
	atomic_fetch_add(&t->control->gone_looks, t->looks_seen);
	tell(t, &t->control->done);
	return NULL;
}
