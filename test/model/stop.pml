/* SPDX-License-Identifier: ISC */
/*
 * stop - a model of bobbind's threads: how connections are handed over, counted and closed, and how
 * the stop finds every one of them.
 *
 * spin(1) follows every order in which these threads can run; check, beside this file, runs it.
 * Read it as the C code with everything left out but what threads share:
 *
 *   proctype acceptor      acceptor_run()       server/acceptor.c, and the waits of registry.c
 *   proctype worker        live(), converse()   server/worker.c, and the gate of common/stream.c
 *   proctype coordinator   stop()               server/coordinator.c, and the walks of registry.c
 *   proctype clients       who connects
 *   proctype clock         the moments at which all is at rest, and only time goes on
 *
 * What happens under a mutex is one atomic block, and a comment names the mutex.  Only the walks of
 * the coordinator over the slots are longer: workers change the gates without a lock, so each access
 * is a step of its own, and registry_lock is held meanwhile.
 *
 * Choices.  When several branches of an `if` are open, spin follows each.  So does a thread that
 * depends on the world: the peer has sent something; it has ended; it is silent, and the worker
 * sleeps until somebody wakes it.
 *
 * Time.  In a run with `hurry` the deadline of the drain passes at any moment, or never; so does the
 * second signal.  In one without, the deadline passes when all is at rest, which is when lost
 * wake-ups show: if every thread sleeps, and one has something to do, nobody is left to tell it.
 * So the waits of the model have neither the 100 ms of lock_wait() nor those rounds of the
 * coordinator's loops that find nobody to wake or to knock at, for they change nothing.  What is
 * left must have no cycle: then every run ends, however unfair the scheduler is.
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
#define CLIENTS (SLOTS + 1)	/* more than places, so that some wait for one */
#endif
#ifndef ACCEPTORS
#define ACCEPTORS 1		/* listeners: 1 or 2 */
#endif
#ifndef SHARED
#define SHARED 0		/* 1: another process has the last of the listeners too */
#endif

/* What must hold.  Hidden: not a part of the state. */
hidden byte no_lost_wake_up;			/* who sleeps has nothing to do */
hidden byte the_stop_ends;			/* when all is at rest for good, it is over */
hidden byte nobody_is_missed;			/* when it is over, no connection is left */
hidden byte the_count_is_the_connections;	/* at rest, so many are inside as are open */
hidden byte nobody_enters_a_closed_barrier;
hidden byte a_slot_has_one_owner;		/* and there are as many as were promised */
hidden byte no_stranger_is_touched;		/* a descriptor is still the connection's own */
hidden byte no_knock_at_the_dead;		/* pthread_kill(3) is for threads that live */
hidden byte only_who_waits_is_woken;		/* the gate says WOKEN to no thread that works */

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

byte queued[ACCEPTORS + 1];	/* clients behind each listener */
bit shut_out[ACCEPTORS + 1];	/* and no more of them: it is filtered or closed */
byte holder[FDS + 1];		/* the slot whose socket the descriptor is; 0: it is closed */
bit cut_off[FDS + 1];		/* shutdown(2) */

bit sleeps[WORKERS + 1];	/* in recv(2), send(2) or poll(2), until a signal or a shutdown */
bit interrupted[WORKERS + 1];
bit accepts[ACCEPTORS + 1];	/* sleeps in accept(2), until a signal or a client */
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
#define open_descriptors (is_open(1) + is_open(2) + is_open(3) + is_open(4) + is_open(5) + is_open(6))
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
	prove(nobody_enters_a_closed_barrier, !closed);
	inside++
}

/* [busy.lock] */
inline barrier_leave()
{
	assert(inside > 0);
	inside--;
	if
	:: inside == 0 && waits_at == AT_BUSY -> waits_at = 0
	:: else
	fi
}

/* server/registry.h */

#define STOP_NO		0
#define STOP_DRAIN	1
#define STOP_FORCE	2

bit registry_lock;		/* held by a walk over the slots */
byte stop;
#define draining (stop != STOP_NO)	/* stored under the lock too; loaded without it */
bit deadline_passed;		/* the drain's */
byte in_use;			/* slots taken */
bit taken[SLOTS + 1];		/* which */
byte slot_fd[SLOTS + 1];
byte slot_thread[SLOTS + 1];
byte gate[SLOTS + 1];
byte accepted;
byte refused;
byte ended;

#define GATE_BUSY	0	/* enum stream_gate_state */
#define GATE_NEW	1
#define GATE_IDLE	2
#define GATE_LINGERING	3
#define GATE_WOKEN	4
#define GATE_FORCED	5

/* What each acceptor sleeps for on registry.changed. */
#define ROOM		1	/* a slot, until the stop */
#define ROOM_IN_DRAIN	2	/* a slot, until the drain's deadline */
#define REST		3	/* that a connection ends or the stop goes on */
byte waits_for[ACCEPTORS + 1];
bit timed[ACCEPTORS + 1];	/* with the drain's deadline */
byte rest_ended[ACCEPTORS + 1];	/* what it saw when it began to rest */
byte rest_stop[ACCEPTORS + 1];
#define TIME_IS_UP	9	/* a rest_stop that is no stop: the back-off has passed */

#define has_room	(in_use < SLOTS)
#define may_wait(what)	\
	(stop == STOP_NO || (what == ROOM_IN_DRAIN && stop == STOP_DRAIN && !deadline_passed))

/* pthread_cond_broadcast(&r->changed) */
inline wake_waiters()
{
	n = 1;
	do
	:: n <= ACCEPTORS -> waits_for[n] = 0; timed[n] = 0; n++
	:: else -> break
	od
}

/*
 * [registry.lock] The first free one, where C has a list: slots are alike, so which one it is makes
 * no difference.
 */
inline pop(slot)
{
	slot = 1;
	do
	:: slot <= SLOTS && taken[slot] -> slot++
	:: else -> break
	od;
	prove(a_slot_has_one_owner, slot <= SLOTS);
	taken[slot] = 1;
	in_use++
}

/* [registry.lock] */
inline push(slot)
{
	prove(a_slot_has_one_owner, taken[slot] && slot_fd[slot] == 0);
	taken[slot] = 0;
	in_use--
}

/* server/worker.c, struct parked of each thread. */

bit lives[WORKERS + 1];
bit parked[WORKERS + 1];	/* in the list */
bit called[WORKERS + 1];	/* its condition variable is signalled; or it is just born */
byte job[WORKERS + 1];

/* The first thread of which it holds, as with slots; WORKERS + 1 if there is none. */
inline first_of(thread, holds)
{
	thread = 1;
	do
	:: thread <= WORKERS && !(holds) -> thread++
	:: else -> break
	od
}

/* How the run goes. */

bit hurry;			/* the deadline and a second signal come at any time, or not */
bit late;			/* the first signal comes when all is at rest, not before */
bit asked;			/* it has come */
bit over;			/* the coordinator is done */

/*
 * Who connects.
 *
 * Each client comes to one of the listeners at any time, or stays at home.
 */
proctype clients()
{
	byte left = CLIENTS;

	do
	:: atomic { left > 0 && !shut_out[1] -> queued[1]++; left-- }
#if ACCEPTORS > 1
	:: atomic { left > 0 && !shut_out[2] -> queued[2]++; left-- }
#endif
	:: left > 0 -> left--
	:: left == 0 -> break
	od
}

/*
 * acceptor_run()
 */

/* [registry.lock] await_room() and what is done with the lock still held: go or give up. */
#define sleep_for(what)	\
	waits_for[me] = what; \
	timed[me] = (stop == STOP_DRAIN)

/* Signalled, or the deadline with which it went to sleep has passed. */
#define slept	(waits_for[me] == 0 || (timed[me] && deadline_passed))

proctype acceptor(byte me)
{
	byte fd;
	byte slot;
	byte thread;
	byte share = CLIENTS;	/* how many of the queue are ours, once the stop is there */
	bit in_queue;		/* accept_queued(), not accept_until_stop() */

	/* accept_until_stop() */
until_stop:
	if
	:: draining -> goto of_the_queue
	:: else
	fi;
await_room:
	atomic {	/* [registry.lock] registry_await_room() */
		!registry_lock ->
		waits_for[me] = 0;
		timed[me] = 0;
		if
		:: !may_wait((in_queue -> ROOM_IN_DRAIN : ROOM)) ->
			if
			:: in_queue -> goto leave
			:: else -> goto until_stop
			fi
		:: else ->
			if
			:: has_room -> goto accept_one
			:: else -> sleep_for((in_queue -> ROOM_IN_DRAIN : ROOM))
			fi
		fi
	};
	slept;
	goto await_room;

accept_one:
	/* Between has_queued() and accept(2) the other process may take the client. */
#if SHARED
	if
	:: atomic { me == ACCEPTORS && queued[me] > 0 -> queued[me]-- }
	:: true
	fi;
#endif
	if
	:: atomic { queued[me] > 0 -> queued[me]--; open_descriptor(fd); accepted++ }
	:: atomic { queued[me] == 0 -> accepts[me] = 1 };
		if
		:: atomic {
			queued[me] > 0 ->
			accepts[me] = 0; accept_interrupted[me] = 0;
			queued[me]--; open_descriptor(fd); accepted++
		}
		:: atomic {	/* EINTR */
			accept_interrupted[me] ->
			accepts[me] = 0; accept_interrupted[me] = 0;
			if
			:: in_queue -> goto next_of_queue
			:: else -> goto until_stop
			fi
		}
		fi
	fi;

	/* hand_over() */
#ifndef MISTAKE_COUNTED_BY_THE_WORKER
	atomic { barrier_enter() };
#endif
take:
	atomic {	/* [registry.lock] registry_take() */
		!registry_lock ->
		waits_for[me] = 0;
		timed[me] = 0;
		if
		:: !may_wait(ROOM_IN_DRAIN) ->
			refused++;
			goto no_place
		:: else ->
			if
			:: has_room ->
				pop(slot);
				slot_fd[slot] = fd;
				holder[fd] = slot;
#ifdef MISTAKE_NEW_BEFORE_THE_THREAD_IS_KNOWN
				gate[slot] = GATE_NEW;
#else
				gate[slot] = GATE_BUSY;
#endif
				goto call
			:: else ->
				sleep_for(ROOM_IN_DRAIN)
			fi
		fi
	};
	slept;
#ifdef MISTAKE_NO_SECOND_LOOK_AFTER_A_WAIT
	atomic {
		!registry_lock ->
		waits_for[me] = 0;
		timed[me] = 0;
		pop(slot);
		slot_fd[slot] = fd;
		holder[fd] = slot;
		gate[slot] = GATE_BUSY;
		goto call
	};
#endif
	goto take;

no_place:
	atomic { close_descriptor(fd, ACCEPTED); fd = 0 };
#ifndef MISTAKE_COUNTED_BY_THE_WORKER
	atomic { barrier_leave() };
#endif
	goto next;

call:	/* worker_hand_over(): a parked thread, or a new one */
#ifdef MISTAKE_JOB_GIVEN_WITHOUT_THE_LOCK
	atomic { first_of(thread, parked[thread]) };
	if
	:: thread <= WORKERS ->
		atomic {
			parked[thread] = 0; job[thread] = slot; called[thread] = 1;
			slot = 0; fd = 0; thread = 0; goto next
		}
	:: else
	fi;
#else
	atomic {	/* [workers.lock] call_parked() */
		first_of(thread, parked[thread]);
		if
		:: thread <= WORKERS ->
			parked[thread] = 0;
			job[thread] = slot;
#ifndef MISTAKE_PARKED_NOT_SIGNALLED
			called[thread] = 1;
#endif
			slot = 0; fd = 0; thread = 0;
			goto next
		:: else
		fi
	};
#endif
	atomic {	/* pthread_create(): threads can run out */
		first_of(thread, !lives[thread]);
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
		refused++;
		wake_waiters();
		slot = 0
	};
	atomic { close_descriptor(fd, ACCEPTED); fd = 0 };
#if !defined(MISTAKE_NOT_UNCOUNTED_WITHOUT_A_THREAD) && !defined(MISTAKE_COUNTED_BY_THE_WORKER)
	atomic { barrier_leave() };
#endif
	/* rest() */
	if
	:: true			/* the back-off passes */
	:: atomic {	/* [registry.lock] registry_rest() */
		!registry_lock ->
		rest_ended[me] = ended;
		rest_stop[me] = stop;
		sleep_for(REST)
	};
rest:
		slept;
		atomic {	/* [registry.lock] */
			!registry_lock ->
			if
			:: rest_ended[me] == ended && rest_stop[me] == stop && !(timed[me] && deadline_passed) ->
				sleep_for(REST);
				goto rest
			:: else ->
				waits_for[me] = 0; timed[me] = 0; rest_ended[me] = 0; rest_stop[me] = 0
			fi
		}
	fi;
next:
	if
	:: in_queue ->
		share = (SHARED && me == ACCEPTORS -> share - 1 : share);
		goto next_of_queue
	:: else -> goto until_stop
	fi;

of_the_queue:	/* accept_queued() */
	atomic {
		in_queue = 1;
		if
		:: SHARED && me == ACCEPTORS -> share = queued[me]	/* listener_queued() */
		:: else -> shut_out[me] = 1				/* listener_let_nobody_in() */
		fi
	};
next_of_queue:
	if
	:: share > 0 && queued[me] > 0 -> goto await_room		/* has_queued() */
	:: else
	fi;
leave:
	atomic { queued[me] = 0; shut_out[me] = 1; share = 0; in_queue = 0 };	/* close(2) */
	atomic {	/* [accepting.lock] */
		accepting--;
		if
		:: accepting == 0 && waits_at == AT_ACCEPTING -> waits_at = 0
		:: else
		fi
	}
}

/*
 * live(), and with it converse() and park()
 */

/* A call on the socket.  Only this thread closes it, so it must still be the connection's. */
#define call_on_socket	prove(no_stranger_is_touched, holder[fd] == slot)

/* The owner's exchange of the state: publish().  FORCED is put back, in a step of its own. */
inline publish(state)
{
	if
	:: gate[slot] == GATE_FORCED -> gate[slot] = state; goto put_back
	:: gate[slot] == GATE_WOKEN ->
		prove(only_who_waits_is_woken, waiting);
		woken = 1;
		gate[slot] = state
	:: else -> gate[slot] = state
	fi
}

proctype worker(byte me)
{
	byte slot;
	byte fd;
	bit said;	/* bytes_in > 0 */
	bit woken;	/* stream.woken */
	byte budget;	/* drain_end: 0 not set, 1 something has arrived before it, 2 all that has is read */
	bit input;	/* what recv(2) has returned: 1 a message or its beginning, 0 the end */
	bit waiting;	/* between the two publish() of await_input() */

end_asleep:		/* not born yet, or in park() with time to spare */
	atomic {	/* [workers.lock] */
		called[me] ->
		called[me] = 0;
		slot = job[me];
		job[me] = 0
	};

converse:
#ifdef MISTAKE_COUNTED_BY_THE_WORKER
	atomic { barrier_enter() };
#endif
	atomic { slot_thread[slot] = me; fd = slot_fd[slot] };

	/* stream_read_line(), and so on: may_begin(), then await_input() with its own may_begin() */
read:
	if
	:: budget == 2 -> goto finish
	:: budget == 0 && (woken || (said && draining)) -> goto look_at_what_arrived
	:: budget == 1 || (budget == 0 && !woken && !(said && draining))
	fi;
	goto await_input;

look_at_what_arrived:	/* FIONREAD */
	if
	:: budget = 1
	:: goto finish
	fi;

await_input:
#ifdef MISTAKE_FLAG_READ_BEFORE_THE_STATE_IS_STORED
	if
	:: budget == 0 && (woken || (said && draining)) ->
		if
		:: budget = 1
		:: goto finish
		fi
	:: else
	fi;
#endif
	atomic { publish((said -> GATE_IDLE : GATE_NEW)); waiting = 1 };
#ifndef MISTAKE_FLAG_READ_BEFORE_THE_STATE_IS_STORED
	if
	:: budget == 0 && (woken || (said && draining)) ->
		if
		:: budget = 1
		:: goto waited_enough
		fi
	:: else
	fi;
#endif
receive:
	atomic {
		call_on_socket;
		if
		:: budget == 1 -> input = 1; goto received	/* it is there */
		:: budget == 0 && !said -> input = 1; goto received	/* the peer speaks */
		:: budget == 0 -> input = 0; goto received	/* it ends, or its time is up */
		:: budget == 0 -> sleeps[me] = 1	/* it is silent */
		fi
	};
	atomic {
		interrupted[me] || cut_off[fd] ->
		sleeps[me] = 0;
		interrupted[me] = 0;
		if
		:: cut_off[fd] -> input = 0; goto received
		:: else
		fi
	};
	/* heed_the_knock() */
	if
	:: gate[slot] != GATE_WOKEN -> goto receive
	:: else
	fi;
	atomic { publish(GATE_BUSY) };
	if
	:: budget = 1; goto receive	/* the knock found unread input */
	:: input = 0; goto waited_enough
	fi;

received:
	atomic { publish(GATE_BUSY); waiting = 0 };
	if
	:: atomic { input == 0 -> goto finish }
	:: atomic { input == 0 -> goto detach }	/* EOF, or FORCED: no linger */
	:: atomic { input == 1 -> input = 0; said = 1; budget = (budget == 1 -> 2 : 0) }
	fi;

	/* GATE_BUSY: the rest of the message, the service, the reply. */
	if
	:: goto read		/* answered */
	:: atomic { call_on_socket; sleeps[me] = 1 }	/* the peer stops in the middle */
	fi;
sleep_in_message:
	atomic {
		interrupted[me] || cut_off[fd] ->
		interrupted[me] = 0;
		if
		:: cut_off[fd] -> sleeps[me] = 0; goto detach
		:: else -> goto sleep_in_message
		fi
	};

waited_enough:
	atomic { publish(GATE_BUSY); waiting = 0 };

finish:		/* stream_finish() */
	atomic { publish(GATE_LINGERING) };
	atomic {
		call_on_socket;
		if
		:: goto detach		/* the peer has everything */
		:: sleeps[me] = 1	/* or not yet: linger_read_out() */
		fi
	};
linger:
	atomic {
		interrupted[me] || cut_off[fd] ->
		interrupted[me] = 0;
		if
		:: cut_off[fd] -> sleeps[me] = 0; goto detach
		:: else -> goto linger
		fi
	};

put_back:
	gate[slot] = GATE_FORCED;

detach:
#ifdef MISTAKE_CLOSED_BEFORE_IT_IS_DETACHED
	atomic { close_descriptor(fd, slot) };
	atomic { !registry_lock -> slot_fd[slot] = 0 };
#else
	atomic { !registry_lock -> slot_fd[slot] = 0 };	/* [registry.lock] registry_detach() */
	atomic { close_descriptor(fd, slot) };
#endif
	fd = 0;
	atomic {	/* [registry.lock] registry_release() */
		!registry_lock ->
#ifdef MISTAKE_SIGNALLED_BEFORE_THE_CHANGE
		wake_waiters()
	};
	atomic {
		!registry_lock ->
#endif
		push(slot);
		ended++;
#if !defined(MISTAKE_SIGNALLED_BEFORE_THE_CHANGE) && !defined(MISTAKE_FREED_SLOT_NOT_SIGNALLED)
		wake_waiters();
#endif
		slot_thread[slot] = 0;
		gate[slot] = 0;
		slot = 0
	};
	atomic { barrier_leave() };
	atomic { said = 0; woken = 0; budget = 0; input = 0; waiting = 0 };

	/* [workers.lock] park() */
	if
	:: atomic { parked[me] = 1 }; goto end_asleep
	:: atomic { lives[me] = 0 }; goto end_asleep	/* there are threads.parked of them */
	:: atomic { parked[me] = 1 }
	fi;
	atomic {	/* its time is up; a job can have come just before */
		if
		:: called[me] -> goto end_asleep
		:: else -> parked[me] = 0; lives[me] = 0; goto end_asleep
		fi
	}
}

/*
 * stop()
 */

/* pthread_kill(3) with the knock: a thread that does not sleep in the call yet does not notice. */
inline knock_at_acceptors()
{
	n = 1;
	do
	:: n <= ACCEPTORS -> accept_interrupted[n] = accepts[n]; n++
	:: else -> break
	od
}

#define is_idle(s)		(slot_fd[s] != 0 && gate[s] == GATE_IDLE)
#define is_new(s)		(slot_fd[s] != 0 && gate[s] == GATE_NEW)
#define is_woken(s)		(slot_fd[s] != 0 && gate[s] == GATE_WOKEN)

/* Whom one more round of a loop would reach. */
#define hears_as_acceptor(a)	(accepts[a] && !accept_interrupted[a])
#define hears_as_worker(s)	(is_woken(s) && sleeps[slot_thread[s]] && !interrupted[slot_thread[s]])
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
 * registry_wake_idle().  Which new connections are of age is drawn by lot, but all are if the walk
 * is made for their sake.  A compare-and-swap is one step with the load before it: if the state is
 * another one by then it fails, as if the load had come as late.
 */
inline wake_idle()
{
	atomic { !registry_lock -> registry_lock = 1; s = 1 };
	do
	:: s <= SLOTS ->
#ifdef MISTAKE_WOKEN_WITHOUT_COMPARING
		if
		:: atomic { is_idle(s) || (is_new(s) && of_age) -> is_told = 1 };
			atomic { gate[s] = GATE_WOKEN; is_told = 0 }
		:: else
		fi;
#else
		atomic {
			if
#ifdef MISTAKE_WOKEN_BEFORE_THE_FLAG
			:: is_idle(s) && !draining -> gate[s] = GATE_WOKEN
			:: is_idle(s) && draining
#else
			:: is_idle(s) -> gate[s] = GATE_WOKEN; is_told = 1
#endif
			:: is_new(s) -> gate[s] = GATE_WOKEN; is_told = 1
			:: is_new(s) && !of_age
			:: !is_idle(s) && !is_new(s)
			fi
		};
#endif
		atomic {
#ifdef MISTAKE_ONE_KNOCK_AT_A_WORKER
			is_told = is_told && is_woken(s)
#else
			is_told = is_woken(s)
#endif
		};
		atomic {
			if
			:: is_told ->
				prove(no_knock_at_the_dead, lives[slot_thread[s]]);
				interrupted[slot_thread[s]] = sleeps[slot_thread[s]]
			:: else
			fi;
			is_told = 0;
			s++
		}
	:: else -> break
	od;
	atomic { registry_lock = 0; s = 0; of_age = 0 }
}

/* registry_cut() */
inline cut_all()
{
#ifdef MISTAKE_CUT_WITHOUT_THE_LOCK
	s = 1;
#else
	atomic { !registry_lock -> registry_lock = 1; s = 1 };
#endif
	do
	:: s <= SLOTS ->
		fd = slot_fd[s];
		if
		:: fd != 0 ->
			atomic {
				if
				:: is_idle(s) || is_new(s) -> gate[s] = GATE_WOKEN; is_told = 1
				:: else
				fi
			};
			if
			:: !is_told -> gate[s] = GATE_FORCED
			:: else
			fi;
			atomic {
				prove(no_stranger_is_touched, holder[fd] == s);
				cut_off[fd] = 1;
				is_told = 0
			}
		:: else
		fi;
		atomic { fd = 0; s++ }
	:: else -> break
	od;
	atomic { registry_lock = 0; s = 0 }
}

/*
 * barrier_wait() and the is_forced() behind it.  It ends when nobody is inside, when there is a
 * reason for one more round, or at once when the second signal comes.
 */
inline wait_at(barrier, count, reason, those_new)
{
#ifdef MISTAKE_LEFT_WITHOUT_THE_LOCK
	if
	:: count > 0 -> waits_at = barrier
	:: else
	fi;
#else
	atomic {	/* [its lock] */
		if
		:: count > 0 -> waits_at = barrier
		:: else
		fi
	};
#endif
	atomic {	/* [its lock] */
		if
		:: waits_at == 0
		:: waits_at != 0 && (reason)
		:: waits_at != 0 && (those_new) -> of_age = 1
		:: waits_at != 0 && hurry && !forced -> forced = 1
		fi;
		waits_at = 0;
		left = (count > 0)
	}
}

proctype coordinator()
{
	byte s;
	byte fd;
	bit is_told;
	bit of_age;	/* the coming walk is for the sake of the new */
	bit forced;	/* the second signal was taken */
	bit left = 1;	/* c->left, and what the last barrier_wait() returned */

	if
	:: late -> asked
	:: else
	fi;
#ifdef MISTAKE_WOKEN_BEFORE_THE_FLAG
	wake_idle();
#endif
	atomic {	/* [registry.lock] registry_stop() */
		!registry_lock ->
		stop = STOP_DRAIN;
#ifndef MISTAKE_STOP_NOT_BROADCAST
		wake_waiters()
#endif
	};
#ifdef MISTAKE_BARRIER_CLOSED_BEFORE_THE_ACCEPTORS_ARE_DONE
	closed = 1;
#endif
#ifdef MISTAKE_ONE_KNOCK_AT_THE_ACCEPTOR
	atomic { knock_at_acceptors() };
#endif
	if
	:: hurry -> forced = 1
	:: true
	fi;

	/* close_the_doors() */
	do
	:: forced || !left -> break
	:: else ->
		wake_idle();
#if !defined(MISTAKE_ONE_KNOCK_AT_THE_ACCEPTOR) && !defined(MISTAKE_NO_KNOCK_AT_THE_ACCEPTOR)
		atomic { knock_at_acceptors() };
#endif
		wait_at(AT_ACCEPTING, accepting, some_acceptor_hears || some_worker_hears, any_slot(is_new))
	od;
	left = 1;
	if
	:: hurry -> forced = 1
	:: true
	fi;

	/* wait_for_workers() */
	if
	:: forced -> goto force
	:: else -> closed = 1	/* [busy.lock] barrier_close() */
	fi;
	do
	:: wake_idle();
		wait_at(AT_BUSY, inside, some_worker_hears || deadline_passed, any_slot(is_new));
		if
		:: !left || forced || deadline_passed -> break
		:: else
		fi
	od;
	if
	:: !left -> goto done
	:: else
	fi;

force:
	atomic {	/* [registry.lock] registry_stop() */
		!registry_lock ->
		stop = STOP_FORCE;
		wake_waiters()
	};
	forced = 1;	/* a second signal has nothing more to say */
	left = 1;
	do
	:: !left -> break
	:: else ->
#ifdef MISTAKE_CUT_BEFORE_THE_ACCEPTORS_ARE_DONE
		break;
#endif
		atomic { knock_at_acceptors() };
		wait_at(AT_ACCEPTING, accepting, some_acceptor_hears, false)
	od;
	closed = 1;
	cut_all();
	wait_at(AT_BUSY, inside, false, false);

done:
	atomic {
		prove(nobody_is_missed, inside == 0 && in_use == 0 && open_descriptors == 0 &&
			accepted == ended + refused);
		over = 1
	}
}

/*
 * All is at rest.
 */

#define lost_acceptor(a) ( \
	(accepts[a] && draining) || \
	(waits_for[a] == ROOM && (has_room || draining)) || \
	(waits_for[a] == ROOM_IN_DRAIN && (has_room || !may_wait(ROOM_IN_DRAIN))) || \
	(waits_for[a] == REST && (rest_ended[a] != ended || rest_stop[a] != stop)))
#define lost_worker(s) (slot_fd[s] != 0 && draining && sleeps[slot_thread[s]] && \
	(gate[s] == GATE_NEW || gate[s] == GATE_IDLE || gate[s] == GATE_WOKEN || stop == STOP_FORCE))
#define lost_parked(t) (job[t] != 0 && lives[t] && !called[t])
#define lost_coordinator \
	((waits_at == AT_BUSY && inside == 0) || (waits_at == AT_ACCEPTING && accepting == 0))

#define rests(a)	(waits_for[a] == REST)
inline end_the_rests()
{
	n = 1;
	do
	:: n <= ACCEPTORS ->
		if
		:: rests(n) -> rest_stop[n] = TIME_IS_UP; waits_for[n] = 0
		:: else
		fi;
		n++
	:: else -> break
	od
}

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
		:: any_acceptor(rests) -> end_the_rests()
		:: !any_acceptor(rests) && (!late || asked) && stop == STOP_DRAIN && !deadline_passed && !over ->
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
		:: hurry = 1
		:: late = 1
		:: true
		fi;
		accepting = ACCEPTORS;
		run clients();
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
