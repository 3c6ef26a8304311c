/* SPDX-License-Identifier: ISC */
/* thread - one thread of the load. */
#include "thread.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "conversation.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EVENTS 256

/* The longest wait between two looks at the clock: a stall can hide in a wait. */
#define WAIT_MAX_NS (10 * NS_PER_MS)

/* What waited until the end and is sent last has so long for its replies. */
#define LAST_REPLIES_NS (900 * NS_PER_MS)

/* After so long in one turn the thread answers its control. */
#define TURN_NS (10 * NS_PER_MS)

static uint64_t power_of_two(uint64_t at_least)
{
	uint64_t p = 1;

	while (p < at_least)
		p *= 2;
	return p;
}

/* Connections are dealt like cards: thread 1 of 4 has 1, 5, 9 and so on. */
static int make_connections(
	struct thread *t, const struct settings *s, const struct schedule *schedule)
{
	uint64_t window = power_of_two(s->in_flight);

	t->count = (uint32_t)((s->connections - t->index - 1) / s->threads + 1);
	t->connections = calloc(t->count, sizeof *t->connections);
	t->stamps = calloc(t->count * window, sizeof *t->stamps);
	if (!t->connections || !t->stamps)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		struct connection *c = &t->connections[i];
		uint32_t slot = t->index + i * (uint32_t)s->threads;
		connection_init(c, slot, schedule, t->stamps + i * window, window - 1);
		if (s->messages > 0)
			t->lane.budget += c->slot.quota;
	}
	if (s->messages == 0)
		t->lane.budget = UINT64_MAX;
	return 0;
}

static int watch_wake(const struct thread *t)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

	return epoll_ctl(t->lane.epoll_fd, EPOLL_CTL_ADD, t->wake_fd, &ev) < 0 ? -errno : 0;
}

int thread_init(struct thread *t, uint32_t index, const struct settings *settings,
	const struct wire *wire, const struct schedule *schedule, struct control *control)
{
	*t = (struct thread){
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.figures = calloc(1, sizeof *t->figures),
		.control = control,
		.index = index,
		.lane =
			{
				.settings = settings,
				.wire = wire,
				.schedule = schedule,
				.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
				.measure_ns = DEADLINE_NEVER,
				.end_ns = DEADLINE_NEVER,
				.in = malloc(LANE_BUFFER_BYTES),
				.out = malloc(LANE_BUFFER_BYTES),
			},
	};
	t->lane.figures = t->figures;
	if (t->wake_fd < 0 || t->lane.epoll_fd < 0)
		return -errno;
	if (!t->figures || !t->lane.in || !t->lane.out)
		return -ENOMEM;
	int rc = make_connections(t, settings, schedule);
	t->agenda = (struct agenda){
		.connections = t->connections,
		.count = t->count,
		.part = index,
		.parts = (uint32_t)settings->threads,
		.opening = &t->opening,
		.due_ns = DEADLINE_NEVER,
	};
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
	close_if_open(t->lane.epoll_fd);
	free(t->figures);
	free(t->connections);
	free(t->stamps);
	free(t->lane.in);
	free(t->lane.out);
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

/* The load. */

static void begin_load(struct thread *t, int64_t start_ns)
{
	t->cost_at_start = cost_of_thread();
	t->lane.start_ns = start_ns;
	t->lane.measure_ns = start_ns + t->lane.settings->ramp_ns;
	agenda_begin(&t->agenda, &t->lane);
}

static void note_cost(struct thread *t)
{
	struct cost cost = cost_of_thread();
	struct figures *f = t->figures;

	f->user_ns = cost.user_ns - t->cost_at_start.user_ns;
	f->system_ns = cost.system_ns - t->cost_at_start.system_ns;
	f->waiting_ns = cost.waiting_ns - t->cost_at_start.waiting_ns;
}

static void end_load(struct thread *t, enum agenda_end why)
{
	struct figures *f = t->figures;

	agenda_end(&t->agenda, &t->lane, why);
	t->ended_ns = t->lane.now_ns;
	note_cost(t);
	f->busiest_running_ns = f->user_ns + f->system_ns;
	f->busiest_ns = f->busiest_running_ns + f->waiting_ns;
	f->busiest_of_ns = t->ended_ns - t->lane.start_ns;
	tell(t, &t->control->winding_up);
}

/* Look for timeouts: seldom, so that 10,000 connections cost nothing, and often enough to be late
 * by an eighth at most. */
static void sweep(struct thread *t)
{
	int64_t interval = t->lane.settings->timeout_ns / 8;

	if (t->lane.now_ns < t->sweep_ns)
		return;
	t->sweep_ns = t->lane.now_ns + (interval < NS_PER_S ? interval : NS_PER_S);
	for (uint32_t i = 0; i < t->count; i++) {
		struct connection *c = &t->connections[i];
		bool was_closed = c->state == CONNECTION_CLOSED;
		bool was_opening = connection_is_opening(c);
		conversation_check_timeout(c, &t->lane);
		if (!was_closed)
			opening_note(&t->opening, c, &t->lane, was_opening);
	}
}

/* When what is due is given up, and after that when the replies to the last of it are. */
static int64_t finish_moment(const struct thread *t)
{
	int64_t patience_ns =
		t->lane.settings->timeout_ns + lane_stalled_since(&t->lane, t->ended_ns);

	return deadline_from(t->ended_ns, patience_ns + (t->gave_up_due ? LAST_REPLIES_NS : 0));
}

static void finish(struct thread *t)
{
	struct lane *lane = &t->lane;
	enum agenda_end why;

	if (agenda_is_over(lane, &why))
		end_load(t, why);
	if (t->ended_ns == 0)
		return;
	if (lane->now_ns >= finish_moment(t)) {
		for (uint32_t i = 0; i < t->count; i++)
			conversation_finish(&t->connections[i], lane, t->gave_up_due);
		t->gave_up_due = true;
	}
	if (lane->outstanding == 0 && lane->owed == 0)
		t->over = true;
}

static void report_ready(struct thread *t)
{
	uint64_t open = 0;

	if (t->ready || !opening_all_tried(&t->opening))
		return;
	t->ready = true;
	for (uint32_t i = 0; i < t->count; i++)
		open += t->connections[i].state == CONNECTION_OPEN;
	/* If the server closed every connection at once, it could still be reached. */
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
		conversation_mark(c, &t->lane);
		if (c->state != CONNECTION_OPEN)
			continue;
		connections++;
		owed += c->marked > c->answered ? c->marked - c->answered : 0;
	}
	t->lane.marked = true;
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
	if (start_ns > 0 && t->lane.start_ns == 0)
		begin_load(t, start_ns);
	for (; t->marks_seen != atomic_load(&control->marks); t->marks_seen++)
		take_mark(t);
	for (; t->looks_seen != atomic_load(&control->looks); t->looks_seen++)
		show_figures(t);
	int stop = atomic_load(&control->stop);
	if (stop == CONTROL_ABANDON)
		t->over = true;
	else if (stop == CONTROL_FINISH && t->lane.beginning)
		end_load(t, AGENDA_SIGNAL);
}

/* The loop. */

static int64_t next_moment(const struct thread *t)
{
	int64_t next = deadline_earlier(t->sweep_ns, t->agenda.due_ns);

	next = deadline_earlier(next, opening_next(&t->opening));
	if (t->lane.beginning)
		return deadline_earlier(next, t->lane.end_ns);
	return t->ended_ns == 0 ? next : deadline_earlier(next, finish_moment(t));
}

static int wait_for_events(struct thread *t, struct epoll_event *events)
{
	int64_t left = next_moment(t) - t->lane.now_ns;

	left = left < 0 ? 0 : left < WAIT_MAX_NS ? left : WAIT_MAX_NS;
	struct timespec ts = deadline_timespec(left);
	int n = epoll_pwait2(t->lane.epoll_fd, events, EVENTS, &ts, NULL);
	assert(n >= 0 || errno == EINTR);
	lane_look(&t->lane, left);
	t->turn_end_ns = t->lane.now_ns + TURN_NS;
	return n;
}

static void serve(struct thread *t, struct connection *c, uint32_t events)
{
	bool was_opening = connection_is_opening(c);

	/* The agenda has closed it since the kernel reported the event. */
	if (c->state == CONNECTION_CLOSED)
		return;
	conversation_ready(c, &t->lane, events);
	opening_note(&t->opening, c, &t->lane, was_opening);
	agenda_keep(&t->agenda, &t->lane, t->turn_end_ns);
}

static void wait_and_serve(struct thread *t)
{
	struct epoll_event events[EVENTS];
	int n = wait_for_events(t, events);
	bool woken = false;

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			serve(t, events[i].data.ptr, events[i].events);
		else
			woken = true;
	}
	if (woken)
		answer_control(t);
}

/* Give up what is left, and add the figures to those of the ended threads.  A look at the figures
 * either finds them there or is answered with them, never both. */
static void end_thread(struct thread *t)
{
	struct lane *lane = &t->lane;

	for (uint32_t i = 0; i < t->count; i++) {
		slot_give_up_due(&t->connections[i].slot, lane);
		conversation_close(&t->connections[i], lane);
	}
	if (lane->start_ns > 0)
		note_cost(t);
	lock_take(&t->control->lock);
	bool is_asked = t->looks_seen != atomic_load(&t->control->looks);
	if (is_asked)
		figures_add(t->control->seen, t->figures);
	figures_add(t->control->ended, t->figures);
	t->looks_seen = atomic_load(&t->control->looks);
	lock_drop(&t->control->lock);
	if (is_asked)
		tell(t, &t->control->looked);
}

void *thread_run(void *arg)
{
	struct thread *t = arg;
	const struct settings *s = t->lane.settings;

	/* The default slack of 50 us would make every message of an open loop that much late. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	t->lane.now_ns = deadline_now();
	opening_init(&t->opening, &s->connect_rate, t->index, (uint32_t)s->threads, t->lane.now_ns);
	for (uint32_t i = 0; i < t->count; i++)
		opening_add(&t->opening, &t->connections[i]);
	while (!t->over) {
		opening_go_on(&t->opening, &t->lane);
		sweep(t);
		report_ready(t);
		agenda_keep(&t->agenda, &t->lane, t->turn_end_ns);
		finish(t);
		if (!t->over)
			wait_and_serve(t);
	}
	end_thread(t);
	/* What it has answered comes before that it has ended: see control.h. */
	atomic_fetch_add(&t->control->gone_marks, t->marks_seen);
	atomic_fetch_add(&t->control->gone_looks, t->looks_seen);
	tell(t, &t->control->done);
	return NULL;
}
