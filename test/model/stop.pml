/* SPDX-License-Identifier: ISC */
/*
 * stop - a model of bobbind's threads: how connections are dispatched, counted and closed, and
 * how the stop finds every one of them.
 *
 * spin(1) follows every order in which these threads can run; check, beside this file, starts it.
 * Read it as the C code with everything left out but what threads share:
 *
 *   proctype acceptor      acceptor_run()      server/door/acceptor.c, and the waits of registry.c
 *   proctype worker        live(), converse()  server/work/worker.c, and the status of common/stream.h
 *   proctype coordinator   stop()              server/life/stop.c, and the walks of registry.c
 *   proctype clock         the moments at which all is at rest, and only time goes on
 *
 * Steps.  What happens under a mutex is one atomic block, and a comment names the mutex.  What
 * happens without one is a block for each access that another thread could notice.  Three things
 * are larger, because nothing is lost by it:
 *   - A walk over the slots is one block, though workers change their statuses without the lock.
 *     What the walk does to a slot reaches only that slot's worker, and this worker needs the lock
 *     before it can reach anybody else.  So whatever happens between two steps of the walk could
 *     as well happen before it or after it.
 *   - A worker that publishes two states, and does nothing between them that another thread can
 *     see, publishes the second one; and recv(2) returns in the block that publishes what follows.
 *     (The one thing lost: a cut in that very moment finds a request neither unread nor BUSY; the
 *     worker, whose reply then fails, counts that one itself.)
 *   - Where it says "apart", what follows could wait without any other thread taking a way that it
 *     has not got anyway.  FINE makes these steps of their own, for a model that is small enough.
 *
 * Choices.  When several branches of an `if` are open, spin follows each.  So does a thread that
 * depends on the world: a client comes, or none does any more; the peer has sent something; it has
 * ended; it is silent, and the worker sleeps until it is woken.
 *
 * Time.  In a run with `hurry` the deadline of the drain and the second signal come at any moment.
 * In one without, the deadline passes when all is at rest.  That is when lost wake-ups show: if
 * every thread sleeps, and one of them has something to do, no thread is left to tell it.  So the
 * waits of the model have neither the 100 ms of lock_wait() nor those rounds of the coordinator's
 * loops that find no thread to wake or to knock at, because these change nothing.  What is left must have
 * no cycle: then every run ends, however unfair the scheduler is.
 *
 * Left out: bytes and replies; the timeouts of a conversation, which look like its end; more than
 * one message before the stop; the errors of accept(2); threads.parked; listeners that are lost;
 * the grace, and the third signal; a service that does not return when it is cut; and any memory
 * order but the sequential one, which is what the atomics and mutexes of the code ask for.
 *
 * Properties.  Each is a variable with its name, set and asserted by prove().  Two are spin's own,
 * and check gives them names: no_deadlock (no thread is left where it must not stay) and
 * every_run_ends (there is no cycle).
 *
 * Mistakes.  MISTAKE_... builds a mistake into the design, one at a time; check then demands that
 * the property that guards against it fails.
 */

#ifndef WORKERS
#define WORKERS 3		/* threads that there can be at once: up to 5 */
#endif
#ifndef SLOTS
#define SLOTS WORKERS		/* limits.max_connections: up to 5 */
#endif
#ifndef CLIENTS
#define CLIENTS (SLOTS + 1)	/* more than slots, so that some wait for one */
#endif
#ifndef ACCEPTORS
#define ACCEPTORS 1		/* listeners: 1 or 2 */
#endif
#ifndef SHARED
#define SHARED 0		/* 1: another process has the last of the listeners too */
#endif

#ifdef FINE
#define apart	}; atomic {
#else
#define apart
#endif

/* What must hold.  Hidden: not a part of the state. */
hidden byte no_lost_wake_up;			/* a thread that sleeps has nothing to do */
hidden byte the_stop_ends;			/* when all is at rest for good, it is over */
hidden byte no_connection_is_missed;			/* when it is over, no connection is left */
hidden byte the_count_is_the_connections;	/* at rest, so many are inside as are open */
hidden byte none_enters_a_closed_barrier;
hidden byte a_slot_has_one_owner;		/* and there are as many as were promised */
hidden byte no_stranger_is_touched;		/* a descriptor is still the connection's own */
hidden byte no_knock_at_the_dead;		/* pthread_kill(3) is for threads that live */
hidden byte what_owes_is_busy;		/* the status says BUSY while a reply is owed */

#define prove(property, holds) property = (holds); assert(property)

hidden byte n;			/* a counter within one atomic block */

/* Threads, slots, listeners and descriptors are counted from 1; 0 is none. */

#if WORKERS == 1
#define any_thread(p) (p(1))
#elif WORKERS == 2
#define any_thread(p) (p(1) || p(2))
#elif WORKERS == 3
#define any_thread(p) (p(1) || p(2) || p(3))
#elif WORKERS == 4
#define any_thread(p) (p(1) || p(2) || p(3) || p(4))
#else
#define any_thread(p) (p(1) || p(2) || p(3) || p(4) || p(5))
#endif

#if SLOTS == 1
#define any_slot(p) (p(1))
#elif SLOTS == 2
#define any_slot(p) (p(1) || p(2))
#elif SLOTS == 3
#define any_slot(p) (p(1) || p(2) || p(3))
#elif SLOTS == 4
#define any_slot(p) (p(1) || p(2) || p(3) || p(4))
#else
#define any_slot(p) (p(1) || p(2) || p(3) || p(4) || p(5))
#endif

#if ACCEPTORS == 1
#define any_acceptor(p) (p(1))
#else
#define any_acceptor(p) (p(1) || p(2))
#endif

/* The kernel. */

#define FDS (SLOTS + ACCEPTORS)
#define ACCEPTED 15		/* a holder that is no slot: the acceptor */

byte clients = CLIENTS;		/* that may still come */
byte holder[FDS + 1];		/* the slot whose socket the descriptor is; 0: it is closed */
bit cut_off[FDS + 1];		/* shutdown(2), both sides */

/* A thread in a call that would sleep for ever, and a signal that comes while it does. */
bit receives[WORKERS + 1];	/* recv(2) between messages */
bit interrupted[WORKERS + 1];
bit accepts[ACCEPTORS + 1];	/* accept(2) */
bit accept_interrupted[ACCEPTORS + 1];

#define is_open(f) (holder[f] != 0)
#if FDS == 2
#define open_descriptors (is_open(1) + is_open(2))
#elif FDS == 3
#define open_descriptors (is_open(1) + is_open(2) + is_open(3))
#elif FDS == 4
#define open_descriptors (is_open(1) + is_open(2) + is_open(3) + is_open(4))
#elif FDS == 5
#define open_descriptors (is_open(1) + is_open(2) + is_open(3) + is_open(4) + is_open(5))
#elif FDS == 6
#define open_descriptors \
	(is_open(1) + is_open(2) + is_open(3) + is_open(4) + is_open(5) + is_open(6))
#else
#define open_descriptors \
	(is_open(1) + is_open(2) + is_open(3) + is_open(4) + is_open(5) + is_open(6) + is_open(7))
#endif

/* The lowest number that is free, as the kernel does it: the one that was closed last, often. */
inline open_descriptor(fd)
{
	fd = 1;
	do
	:: holder[fd] != 0 -> fd++
	:: else -> break
	od;
	holder[fd] = ACCEPTED
}

inline close_descriptor(fd, whose)
{
	prove(no_stranger_is_touched, holder[fd] == whose);
	holder[fd] = 0;
	cut_off[fd] = 0
}

/* common/barrier.h, once for the connections (busy), once for the acceptors (accepting). */

byte inside;
bit closed;
byte accepting;

#define AT_BUSY		1
#define AT_ACCEPTING	2
byte waits_at;			/* the barrier on whose condition variable the coordinator sleeps */

/* [busy.lock] */
inline barrier_enter()
{
	prove(none_enters_a_closed_barrier, !closed);
	inside++
}

/* [busy.lock] */
inline barrier_leave()
{
	prove(the_count_is_the_connections, inside > 0);
	inside--;
	if
	:: inside == 0 && waits_at == AT_BUSY -> waits_at = 0
	:: else
	fi
}

/* server/work/registry.h */

#define STOP_NO		0
#define STOP_DRAIN	1
#define STOP_FORCE	2

bit registry_lock;		/* held for longer than one block: in mistakes only */
byte stop;
#define draining (stop != STOP_NO)	/* stored under the lock too; loaded without it */
bit deadline_passed;		/* the drain's */
byte in_use;			/* slots taken */
bit taken[SLOTS + 1];		/* which */
byte slot_fd[SLOTS + 1];
byte slot_thread[SLOTS + 1];
byte status[SLOTS + 1];

bit owes[SLOTS + 1];		/* a reply, in truth */

#define STATUS_BUSY	0	/* enum stream_state */
#define STATUS_NEW	1
#define STATUS_IDLE	2
#define STATUS_LINGERING	3
#define STATUS_WOKEN	4
#define STATUS_FORCED	5

/* What each acceptor sleeps for on registry.changed. */
#define VACANCY		1	/* a slot, until the stop */
#define VACANCY_IN_DRAIN	2	/* a slot, until the drain's deadline */
#define REST		3	/* that a connection ends or the stop goes on */
byte waits_for[ACCEPTORS + 1];
bit timed[ACCEPTORS + 1];	/* with the drain's deadline */
bit rested[ACCEPTORS + 1];	/* what a REST waits for has come, or its back-off has passed */

#define has_vacancy	(in_use < SLOTS)
#define may_wait(what)	\
	(stop == STOP_NO || (what == VACANCY_IN_DRAIN && stop == STOP_DRAIN && !deadline_passed))

/* pthread_cond_broadcast(&r->changed) */
inline wake_waiters()
{
	n = 1;
	do
	:: n <= ACCEPTORS -> waits_for[n] = 0; timed[n] = 0; n++
	:: else -> break
	od
}

/* A connection has ended, or the stop has gone on: what registry_rest() compares. */
inline end_rests()
{
	n = 1;
	do
	:: n <= ACCEPTORS -> rested[n] = rested[n] || waits_for[n] == REST; n++
	:: else -> break
	od
}

/*
 * [registry.lock] Any free one, where C has a list: slots are alike, and the run with another one
 * is the same run under another name.  To prefer the descriptor's number makes for few names.
 */
inline pop(slot, wish)
{
	slot = wish;
	if
	:: slot > SLOTS || taken[slot] ->
		slot = 1;
		do
		:: slot <= SLOTS && taken[slot] -> slot++
		:: else -> break
		od
	:: else
	fi;
	prove(a_slot_has_one_owner, slot <= SLOTS);
	taken[slot] = 1;
	in_use++
}

/* [registry.lock] What a free slot still says in C is never read; here it says nothing. */
inline push(slot)
{
	prove(a_slot_has_one_owner, taken[slot] && slot_fd[slot] == 0);
	taken[slot] = 0;
	slot_thread[slot] = 0;
	status[slot] = 0;
	owes[slot] = 0;
	in_use--
}

/* server/work/worker.c, struct parked of each thread. */

bit lives[WORKERS + 1];
bit parked[WORKERS + 1];	/* in the list */
bit dozes[WORKERS + 1];		/* parked, and not asleep yet: it looks for a job itself */
bit called[WORKERS + 1];	/* its semaphore is posted; or it is just born */
byte job[WORKERS + 1];

/* Any thread of which it holds, the slot's number preferred; WORKERS + 1 if there is none. */
inline find_thread(thread, holds, wish)
{
	thread = wish;
	if
	:: thread > WORKERS || !(holds) ->
		thread = 1;
		do
		:: thread <= WORKERS && !(holds) -> thread++
		:: else -> break
		od
	:: else
	fi
}

/* How the run goes. */

bit hurry;			/* the deadline and a second signal come at any time */
bit restless;			/* threads stay parked, and acceptors rest, for any time */
bit late;			/* the first signal comes when all is at rest, not before */
bit asked;			/* it has come */
bit over;			/* the coordinator is done */

/*
 * acceptor_run()
 */

#define sleep_for(what)	waits_for[me] = what; timed[me] = (stop == STOP_DRAIN)
#define awake		waits_for[me] = 0; timed[me] = 0

/* Signalled, or past the deadline that it went to sleep with; or it has not slept at all. */
#define slept		(waits_for[me] == 0 || (timed[me] && deadline_passed))

#define is_shared	(SHARED && me == ACCEPTORS)

proctype acceptor(byte me)
{
	byte fd;
	byte slot;
	byte thread;
	bit in_queue;	/* in accept_queued(), not accept_until_stop() */
	bit is_queued;	/* has_queued() has seen a client */
#ifdef MISTAKE_NO_SECOND_LOOK_AFTER_A_WAIT
	bit has_slept;
#endif

next:	/* is_closing(), has_queued(), registry_await_vacancy() */
	atomic {	/* [registry.lock] */
		slept && !registry_lock ->
		awake;
		if
		:: !in_queue && draining -> in_queue = 1
		:: else
		fi;
		if
		:: in_queue && !is_queued ->
			if
			:: clients > 0 -> clients--; is_queued = 1
			:: goto leave
			fi
		:: else
		fi;
		if
		:: in_queue && !may_wait(VACANCY_IN_DRAIN) -> goto leave
		:: else
		fi;
		if
		:: has_vacancy -> goto accept_one
		:: else -> sleep_for((in_queue -> VACANCY_IN_DRAIN : VACANCY)); goto next
		fi
	};

accept_one:	/* accept4(), barrier_enter() */
	atomic {
		if
		:: is_queued -> is_queued = 0
		:: !in_queue && clients > 0 -> clients--
		:: !in_queue -> accepts[me] = 1; goto sleeps	/* none comes any more */
		:: is_queued && is_shared -> is_queued = 0; accepts[me] = 1; goto sleeps /* late */
		fi;
		open_descriptor(fd);
		apart
#ifndef MISTAKE_COUNTED_BY_THE_WORKER
		barrier_enter();
#endif
		goto take
	};
sleeps:
	atomic {	/* EINTR */
		accept_interrupted[me] ->
		accepts[me] = 0;
		accept_interrupted[me] = 0;
		goto next
	};

take:	/* registry_take() */
	atomic {	/* [registry.lock] */
		slept && !registry_lock ->
		awake;
		if
		:: !may_wait(VACANCY_IN_DRAIN) -> goto undo
		:: else
		fi;
		if
#ifdef MISTAKE_NO_SECOND_LOOK_AFTER_A_WAIT
		:: has_vacancy || has_slept -> has_slept = 0
		:: else -> has_slept = 1; sleep_for(VACANCY_IN_DRAIN); goto take
#else
		:: has_vacancy
		:: else -> sleep_for(VACANCY_IN_DRAIN); goto take
#endif
		fi;
		pop(slot, fd);
		slot_fd[slot] = fd;
		holder[fd] = slot;
#ifdef MISTAKE_NEW_BEFORE_THE_THREAD_IS_KNOWN
		status[slot] = STATUS_NEW
#else
		status[slot] = STATUS_BUSY
#endif
	};

	/* worker_dispatch(): a parked thread, or a new one */
#ifdef MISTAKE_JOB_GIVEN_WITHOUT_THE_LOCK
	atomic { find_thread(thread, parked[thread], slot) };
	atomic {
		if
		:: thread <= WORKERS ->
#else
	atomic {	/* [workers.lock] call_parked() */
		find_thread(thread, parked[thread], slot);
		if
		:: thread <= WORKERS ->
#endif
			parked[thread] = 0;
			job[thread] = slot;
#ifndef MISTAKE_PARKED_THREAD_NOT_SIGNALLED
			called[thread] = !dozes[thread];
#endif
			slot = 0; fd = 0; thread = 0;
			goto next
		:: else
		fi
	};
	atomic {	/* pthread_create(3); threads can run out */
		find_thread(thread, !lives[thread], slot);
		if
		:: thread <= WORKERS ->
			lives[thread] = 1;
			job[thread] = slot;
			called[thread] = 1;
			slot = 0; fd = 0; thread = 0;
			goto next
		:: else -> thread = 0
		fi
	};

	/* give_up() */
	atomic {	/* [registry.lock] registry_untake() */
		!registry_lock ->
		slot_fd[slot] = 0;
		holder[fd] = ACCEPTED;
		push(slot);
		wake_waiters()
	};
undo:
	atomic {	/* close(2), barrier_leave() */
		close_descriptor(fd, ACCEPTED);
		apart
#if !defined(MISTAKE_NOT_UNCOUNTED_WITHOUT_A_THREAD) && !defined(MISTAKE_COUNTED_BY_THE_WORKER)
		barrier_leave();
#endif
		fd = 0;
		if
		:: slot == 0 -> goto next
		:: else -> slot = 0
		fi
	};
rest:
	atomic {	/* [registry.lock] registry_rest() */
		!registry_lock ->
		if
#ifndef MISTAKE_RESTS_IN_A_FORCED_STOP
		:: stop == STOP_FORCE -> goto next
#endif
		:: restless -> goto next	/* the back-off passes */
		:: else -> sleep_for(REST)
		fi
	};
rest_on:
	atomic {	/* [registry.lock] */
		slept && !registry_lock ->
		if
		:: rested[me] || (timed[me] && deadline_passed) -> awake; rested[me] = 0; goto next
		:: else -> sleep_for(REST); goto rest_on
		fi
	};

leave:
	atomic {	/* [accepting.lock] */
		is_queued = 0;
		in_queue = 0;
		accepting--;
		if
		:: accepting == 0 && waits_at == AT_ACCEPTING -> waits_at = 0
		:: else
		fi
	}
}

/*
 * live(), and with it converse() and park()
 *
 * A connection has one message before the stop, and one more if the stop finds it unread.  Calls
 * other than recv(2) between messages are not knocked at, or go on after EINTR as if nothing had
 * been: only a cut ends them.
 */

/* A call on the socket.  Only this thread closes it, so it must still be the connection's. */
#define call_on_socket	prove(no_stranger_is_touched, holder[fd] == slot)

/* publish(): the exchange of the state.  FORCED is final; no thread looks before it is put back. */
inline publish(state)
{
	if
	:: status[slot] == STATUS_FORCED -> goto detach
	:: else -> status[slot] = state; owes[slot] = (state == STATUS_BUSY)
	fi
}

/* stream_finish() */
inline finish()
{
	publish(STATUS_LINGERING);
	call_on_socket;
	if
	:: goto detach		/* the peer has everything */
	:: goto in_call		/* not yet: linger_read_out() */
	fi
}

/* STATUS_BUSY, and the peer stops in the middle of its message, or of the reply. */
inline stay_busy()
{
	publish(STATUS_BUSY);
	call_on_socket;
	goto in_call
}

/* is_draining(): what has arrived by now is answered.  FIONREAD says whether there is anything. */
inline end_with_what_arrived()
{
	if
	:: true -> stay_busy()
	:: true -> finish()	/* nothing, or it is answered */
	fi
}

proctype worker(byte me)
{
	byte slot;
	byte fd;
	bit said;	/* bytes_in > 0 */

end_asleep:	/* not born yet, or in park() */
	atomic {	/* [workers.lock] */
		if
		:: lives[me] && (called[me] || (dozes[me] && job[me] != 0)) ->
			called[me] = 0;
			dozes[me] = 0;
			slot = job[me];
			job[me] = 0
#ifdef MISTAKE_ASLEEP_WITHOUT_COMPARING
		:: dozes[me] -> dozes[me] = 0; goto end_asleep
#else
		:: dozes[me] && job[me] == 0 -> dozes[me] = 0; goto end_asleep	/* fall_asleep() */
#endif
		:: parked[me] && !dozes[me] && restless ->	/* it has waited long enough */
			parked[me] = 0;
			lives[me] = 0;
			goto end_asleep
		fi;
		/* converse() */
#ifdef MISTAKE_COUNTED_BY_THE_WORKER
	};
	atomic {
		barrier_enter();
#endif
		fd = slot_fd[slot];
		slot_thread[slot] = me;
		publish(STATUS_NEW);
		goto receive	/* a new connection does not look at the flag */
	};

await_input:
	atomic {
		publish(STATUS_IDLE);
#ifdef MISTAKE_FLAG_READ_BEFORE_THE_STATE_IS_STORED
		goto receive
#endif
	};
	atomic {	/* may_begin(): only now, with the state out */
		if
		:: draining -> end_with_what_arrived()
		:: else
		fi
	};

receive:
	atomic {
		call_on_socket;
		if
		:: status[slot] == STATUS_FORCED -> goto detach
		:: else
		fi;
		if
		:: !said -> said = 1; publish(STATUS_BUSY)	/* the peer has sent something */
		:: true -> finish()				/* it has ended, or it is late */
		:: goto detach					/* it has ended */
		:: receives[me] = 1; goto sleep_in_recv		/* it is silent */
		fi;
		/* The service; may_begin(). */
		if
		:: goto in_call
		:: !draining -> goto await_input
		:: draining -> end_with_what_arrived()
		fi
	};
sleep_in_recv:
	atomic {
		interrupted[me] || cut_off[fd] ->
		receives[me] = 0;
		interrupted[me] = 0;
		if
		:: cut_off[fd] -> finish()
		:: else
		fi;
		/* heed_the_knock() */
		if
#ifndef MISTAKE_KNOCK_NOT_HEEDED
		:: status[slot] == STATUS_WOKEN -> end_with_what_arrived()
#endif
		:: else -> goto receive
		fi
	};

in_call:
	cut_off[fd];

detach:
#ifdef MISTAKE_CLOSED_BEFORE_IT_IS_DETACHED
	atomic { close_descriptor(fd, slot) };
	atomic {
		!registry_lock ->
		slot_fd[slot] = 0;
#else
	atomic {	/* [registry.lock] registry_detach() */
		!registry_lock ->
		slot_fd[slot] = 0;
		apart
		close_descriptor(fd, slot);
		apart
#endif
#ifdef MISTAKE_LEFT_BEFORE_THE_RELEASE
		barrier_leave()
	};
	atomic {
#endif
#ifdef MISTAKE_SIGNALLED_BEFORE_THE_CHANGE
		end_rests();
		wake_waiters()
	};
	atomic {
#endif
		/* [registry.lock] registry_release() */
		!registry_lock ->
		push(slot);
#if !defined(MISTAKE_SIGNALLED_BEFORE_THE_CHANGE) && !defined(MISTAKE_FREED_SLOT_NOT_SIGNALLED)
		end_rests();
		wake_waiters();
#endif
		slot = 0; fd = 0; said = 0
	};
	atomic {	/* [busy.lock] barrier_leave() */
#ifndef MISTAKE_LEFT_BEFORE_THE_RELEASE
		barrier_leave();
#endif
		apart
		parked[me] = 1;	/* [workers.lock] park() */
#ifndef ASLEEP_AT_ONCE	/* for a model that would be too large */
		dozes[me] = 1;
#endif
		goto end_asleep
	}
}

/*
 * stop()
 */

/* pthread_kill(3) with the knock: a thread that does not sleep in the call yet does not notice. */
inline knock_at_acceptors()
{
#ifndef MISTAKE_NO_KNOCK_AT_THE_ACCEPTOR
	n = 1;
	do
	:: n <= ACCEPTORS -> accept_interrupted[n] = accepts[n]; n++
	:: else -> break
	od
#else
	skip
#endif
}

#define knock_at(s)	\
	prove(no_knock_at_the_dead, lives[slot_thread[s]]); \
	interrupted[slot_thread[s]] = receives[slot_thread[s]]

#define is_idle(s)		(slot_fd[s] != 0 && status[s] == STATUS_IDLE)
#define is_new(s)		(slot_fd[s] != 0 && status[s] == STATUS_NEW)
#define is_woken(s)		(slot_fd[s] != 0 && status[s] == STATUS_WOKEN)

/* Whom one more round of a loop would reach. */
#define hears_as_acceptor(a)	(accepts[a] && !accept_interrupted[a])
#define hears_as_worker(s)	\
	(is_woken(s) && receives[slot_thread[s]] && !interrupted[slot_thread[s]])
#if defined(MISTAKE_ONE_KNOCK_AT_THE_ACCEPTOR) || defined(MISTAKE_NO_KNOCK_AT_THE_ACCEPTOR)
#define some_acceptor_hears	false
#else
#define some_acceptor_hears	any_acceptor(hears_as_acceptor)
#endif
#ifdef MISTAKE_ONE_KNOCK_AT_A_WORKER
#define some_worker_hears	false
#else
#define some_worker_hears	any_slot(hears_as_worker)
#endif

/*
 * registry_wake_idle() [registry.lock].  Which of the new connections are of age is drawn by lot,
 * but all are if the walk is made for their sake.  The load and the compare-and-swap are one step:
 * if the state is another one by then, the swap fails, as if the load had come as late.
 */
inline wake_idle()
{
	s = 1;
	do
	:: s <= SLOTS ->
#ifdef MISTAKE_ONE_KNOCK_AT_A_WORKER
		already = is_woken(s);
#endif
		if
#ifdef MISTAKE_WOKEN_BEFORE_THE_FLAG
		:: is_idle(s) && !draining -> status[s] = STATUS_WOKEN
		:: is_idle(s) && draining
#else
		:: is_idle(s) -> status[s] = STATUS_WOKEN
#endif
		:: is_new(s) -> status[s] = STATUS_WOKEN
		:: is_new(s) && !of_age
		:: !is_idle(s) && !is_new(s)
		fi;
		if
#ifdef MISTAKE_ONE_KNOCK_AT_A_WORKER
		:: is_woken(s) && !already -> knock_at(s)
#else
		:: is_woken(s) -> knock_at(s)
#endif
		:: else
		fi;
		s++
	:: else -> break
	od;
	s = 0; of_age = 0
}

/* A load and a store, for MISTAKE_WOKEN_WITHOUT_COMPARING. */
inline wake_idle_by_storing()
{
	atomic { !registry_lock -> registry_lock = 1; s = 1 };
	do
	:: s <= SLOTS && (is_idle(s) || is_new(s)) ->
		atomic { status[s] = STATUS_WOKEN; knock_at(s); s++ }
	:: atomic { s <= SLOTS && !is_idle(s) && !(is_new(s) && of_age) -> s++ }
	:: s > SLOTS -> break
	od;
	atomic { registry_lock = 0; s = 0; of_age = 0 }
}

/* registry_cut(), one slot: the swap for WOKEN or the exchange for FORCED, and shutdown(2). */
inline cut(fd)
{
	if
	:: fd != 0 ->
		prove(what_owes_is_busy, !owes[s] || status[s] == STATUS_BUSY);
		status[s] = (is_idle(s) || is_new(s) -> STATUS_WOKEN : STATUS_FORCED);
		prove(no_stranger_is_touched, holder[fd] == s);
		cut_off[fd] = 1
	:: else
	fi
}

/* barrier_wait(): the look with which it begins.  [its lock] */
inline look_at(barrier, count)
{
	if
	:: count > 0 -> waits_at = barrier
	:: else
	fi
}

/*
 * barrier_wait(): its sleep.  It ends when none is inside, when there is a reason for one more
 * round of the loop around it, or when the second signal comes.
 */
inline wake_up(reason, those_new)
{
	if
	:: waits_at == 0
	:: waits_at != 0 && (reason)
	:: waits_at != 0 && (those_new) -> of_age = 1
	:: waits_at != 0 && hurry -> forced = 1
	fi;
	waits_at = 0
}

proctype coordinator()
{
	byte s;
	bit of_age;	/* the coming walk is for the sake of the new */
	bit forced;	/* the second signal was taken */
#ifdef MISTAKE_ONE_KNOCK_AT_A_WORKER
	bit already;
#endif
#ifdef MISTAKE_CUT_WITHOUT_THE_LOCK
	byte fd;
#endif
#ifdef MISTAKE_LEFT_WITHOUT_THE_LOCK
	bit is_left;
#endif

#ifdef MISTAKE_WOKEN_BEFORE_THE_FLAG
	atomic { (!late || asked) && !registry_lock -> wake_idle() };
#endif
	atomic {	/* [registry.lock] registry_stop() */
		(!late || asked) && !registry_lock ->
		late = 0; asked = 0;
		stop = STOP_DRAIN;
#ifndef MISTAKE_STOP_NOT_BROADCAST
		end_rests();
		wake_waiters();
#endif
#ifdef MISTAKE_BARRIER_CLOSED_BEFORE_THE_ACCEPTORS_ARE_DONE
		closed = 1;
#endif
#ifdef MISTAKE_ONE_KNOCK_AT_THE_ACCEPTOR
		knock_at_acceptors();
#endif
		if
		:: hurry -> goto force		/* is_forced() */
		:: true
		fi
	};

close_the_doors:
#ifdef MISTAKE_WOKEN_WITHOUT_COMPARING
	wake_idle_by_storing();
#endif
	atomic {
		!registry_lock ->
#ifndef MISTAKE_WOKEN_WITHOUT_COMPARING
		wake_idle();
#endif
#ifndef MISTAKE_ONE_KNOCK_AT_THE_ACCEPTOR
		apart
		knock_at_acceptors();
#endif
		apart
		look_at(AT_ACCEPTING, accepting)
	};
	atomic {	/* [accepting.lock] */
		wake_up(some_acceptor_hears || some_worker_hears, any_slot(is_new));
		if
		:: forced -> goto force
		:: !forced && accepting > 0 -> goto close_the_doors
		:: !forced && accepting == 0 && hurry -> goto force	/* is_forced() */
		:: !forced && accepting == 0
		fi
	};

	/* barrier_close(): no thread is left that could enter, so it needs no block of its own. */
wait_for_workers:
	atomic {
		!registry_lock ->
		closed = 1;
		wake_idle();
		apart
#ifdef MISTAKE_LEFT_WITHOUT_THE_LOCK
		is_left = inside > 0
	};
	atomic {
		if
		:: is_left -> is_left = 0; waits_at = AT_BUSY
		:: else
		fi
#else
		look_at(AT_BUSY, inside)
#endif
	};
	atomic {	/* [busy.lock] */
		wake_up(some_worker_hears || deadline_passed, any_slot(is_new));
		if
		:: inside == 0 -> goto done
		:: inside > 0 && (forced || deadline_passed)
		:: inside > 0 && !forced && !deadline_passed -> goto wait_for_workers
		fi
	};

force:
	atomic {	/* [registry.lock] registry_stop() */
		!registry_lock ->
		stop = STOP_FORCE;
		end_rests();
		wake_waiters();
		/* Nothing looks at these any more. */
		hurry = 0; late = 0; asked = 0; deadline_passed = 1; forced = 0
	};
let_go:
#ifndef MISTAKE_CUT_BEFORE_THE_ACCEPTORS_ARE_DONE
	atomic { knock_at_acceptors(); apart look_at(AT_ACCEPTING, accepting) };
	atomic {	/* [accepting.lock] */
		wake_up(some_acceptor_hears, false);
		if
		:: accepting > 0 -> goto let_go
		:: else
		fi
	};
#endif
#ifdef MISTAKE_CUT_WITHOUT_THE_LOCK
	s = 1;
	do
	:: atomic { s <= SLOTS -> fd = slot_fd[s] };
		atomic { cut(fd); s++ }
	:: s > SLOTS -> break
	od;
	s = 0;
#endif
	atomic {
		!registry_lock ->
		closed = 1;
#ifndef MISTAKE_CUT_WITHOUT_THE_LOCK
		s = 1;
		do
		:: s <= SLOTS -> cut(slot_fd[s]); s++
		:: else -> break
		od;
		s = 0;
#endif
		apart
		look_at(AT_BUSY, inside)
	};
	waits_at == 0;

done:
	atomic {
		hurry = 0; late = 0; asked = 0; deadline_passed = 1; forced = 0;
		prove(no_connection_is_missed,
			inside == 0 && accepting == 0 && in_use == 0 && open_descriptors == 0);
		over = 1
	}
}

/*
 * All is at rest.
 */

#define lost_acceptor(a) ( \
	(accepts[a] && draining) || \
	(waits_for[a] == VACANCY && (has_vacancy || draining)) || \
	(waits_for[a] == VACANCY_IN_DRAIN && (has_vacancy || !may_wait(VACANCY_IN_DRAIN))) || \
	(waits_for[a] == REST && (rested[a] || stop == STOP_FORCE)))
#define lost_worker(s) (slot_fd[s] != 0 && draining && receives[slot_thread[s]])
#define lost_parked(t) (job[t] != 0 && lives[t] && !called[t] && !dozes[t])
#define lost_coordinator \
	((waits_at == AT_BUSY && inside == 0) || (waits_at == AT_ACCEPTING && accepting == 0))

#define rests(a)	(waits_for[a] == REST)

proctype clock()
{
end_for_good:
	do
	:: atomic { hurry && stop == STOP_DRAIN && !deadline_passed -> deadline_passed = 1 }
	:: atomic {
		timeout ->
		prove(no_lost_wake_up, !any_acceptor(lost_acceptor) && !any_slot(lost_worker) &&
			!any_thread(lost_parked) && !lost_coordinator);
		prove(the_count_is_the_connections, inside == open_descriptors);
		if
		:: late && !asked -> asked = 1
		:: any_acceptor(rests) ->	/* the back-off passes */
			end_rests();
			wake_waiters()
		:: !any_acceptor(rests) && stop == STOP_DRAIN && !deadline_passed && !over ->
			deadline_passed = 1
		:: else ->
			prove(the_stop_ends, over);
			break
		fi
	}
	od
}

init {
	atomic {
		if
		:: restless = 1
		:: hurry = 1
		:: late = 1
		:: true
		fi;
		accepting = ACCEPTORS;
		run acceptor(1);
#if ACCEPTORS > 1
		run acceptor(2);
#endif
		run worker(1);
#if WORKERS > 1
		run worker(2);
#endif
#if WORKERS > 2
		run worker(3);
#endif
#if WORKERS > 3
		run worker(4);
#endif
#if WORKERS > 4
		run worker(5);
#endif
		run coordinator();
		run clock()
	}
}
