/* SPDX-License-Identifier: ISC */
/*
 * handover - a model of one listener while a successor is started: what its acceptor and the
 * coordinator make of the one atomic state between them.
 *
 *   proctype acceptor      acceptor_run()     server/door/acceptor.c
 *   proctype coordinator   handover_run()     server/life/handover.c
 *   proctype successor     the other process, which sets options of the listener that it shares
 *   proctype peers         clients connect; each socket inherits the options of that moment
 *
 * A block is one access that another thread could notice.  The queue has room for one client.
 * Left out: the waits for a slot, the signals, and the workers, of which stop.pml knows all.
 *
 * MISTAKE_... builds a mistake in; check then demands that the property fails that guards against
 * it.
 */

hidden byte what_is_final_stays;		/* LOST and DONE */
hidden byte the_queue_is_the_successors;	/* once it has adopted the listener and we close */
hidden byte no_connection_has_foreign_options;
hidden byte told_when_we_take_no_more;		/* "handed_over" is in the log */
hidden byte the_handover_ends;

#define prove(property, holds) property = (holds); assert(property)

/* enum acceptor_state */
#define OURS		0
#define OFFERED		1
#define UNWANTED	2
#define ADOPTED		3
#define LOST		4
#define DONE		5

byte state;
bit closing;		/* registry_stop() */
bit told;
bit left;		/* the acceptor has left the barrier */
bit dead;		/* the successor was ended */

/* The options of the listener, and of the client in its queue; 0: there is none. */
#define OWN		1
#define FOREIGN		2
byte options = OWN;
byte queued;
byte version;		/* of the settings in force */

/* What the successor said last. */
mtype = { nothing, unused, ready, failed };
mtype news = nothing;

/* acceptor_turn() */
#ifdef MISTAKE_TURNED_WITHOUT_COMPARING
#define turn(from, to)	prove(what_is_final_stays, state < LOST); state = to
#else
#define turn(from, to)	if :: state == from -> state = to :: else fi
#endif

proctype peers()
{
	byte clients = 3;
end:	do
	:: atomic { clients > 0 && queued == 0 -> clients--; queued = options }
	od
}

proctype acceptor()
{
	byte client;	/* the options of the socket that was accepted */
	byte seen;	/* the version that look_at_settings() has seen */
	byte unset;	/* listener.unset: sockets that may not have inherited our options */
	bit ours;
	bit draining;

next:	atomic {
		if
		:: closing && !draining ->
			if
			:: state == ADOPTED -> goto close_it
			:: else -> draining = 1
			fi
		:: else
		fi
	};
	atomic {
		if
		:: queued != 0 ->
			prove(the_queue_is_the_successors, !(draining && state == ADOPTED));
			prove(told_when_we_take_no_more, !(told && state == ADOPTED));
			client = queued;
			queued = 0
		:: queued == 0 && draining -> goto close_it
		:: queued == 0 && closing -> goto next		/* the knock */
		:: !draining && state < ADOPTED -> state = LOST; goto leave
		fi
	};
	/* receive() */
#ifdef MISTAKE_STATE_LOADED_AFTER_THE_SETTINGS
	if :: version != seen -> seen = version; options = OWN; unset = 2 :: else fi;
	ours = (state == OURS);
#else
	ours = (state == OURS);
	atomic { if :: version != seen -> seen = version; options = OWN; unset = 2 :: else fi };
#endif
	atomic {	/* set_missing_options() */
		if
		:: unset > 0 -> unset--; client = OWN
		:: unset == 0 && !ours -> client = OWN
		:: else
		fi;
		prove(no_connection_has_foreign_options, client == OWN);
		client = 0; ours = 0
	};
	goto next;

close_it:
	state = DONE;
leave:
	left = 1
}

proctype successor()
{
end:	do
	:: atomic { !dead && news == nothing -> options = FOREIGN }
	:: atomic { !dead && news == nothing -> news = ready }
	:: atomic { !dead && news == nothing -> news = unused }
	:: atomic { !dead && news == unused -> news = ready }
	:: atomic { !dead && news != ready && news != failed -> news = failed }
	od
}

proctype coordinator()
{
	atomic {
		if
		:: state == OURS -> state = OFFERED
		:: else -> goto over	/* no listener is left to hand over */
		fi;
		run successor()
	};
	do
	:: atomic { news == unused -> turn(OFFERED, UNWANTED); news = nothing }
	:: atomic { news == ready -> break }
	:: atomic { news == failed -> goto take_back }
	:: atomic { news == nothing -> goto take_back }	/* it takes too long */
	od;

	/* give_way() */
#ifdef MISTAKE_GIVEN_AWAY_AFTER_THE_STOP
	closing = 1;
	atomic { turn(OFFERED, ADOPTED) };
#else
	atomic { turn(OFFERED, ADOPTED) };
	closing = 1;
#endif
#ifndef MISTAKE_TOLD_AT_ONCE
	state != ADOPTED;
#endif
	told = 1;
	left;
	goto over;

take_back:
	dead = 1;
#ifdef MISTAKE_OURS_BEFORE_THE_NEW_VERSION
	atomic { if :: state == OFFERED || state == UNWANTED -> state = OURS :: else fi };
	version++;
#else
	version++;
	atomic { if :: state == OFFERED || state == UNWANTED -> state = OURS :: else fi };
#endif
over:
	skip
}

init {
	atomic {
		run peers();
		run acceptor();
		run coordinator()
	};
end:	do
	:: timeout -> prove(the_handover_ends, !told || left); break
	od
}
