/* SPDX-License-Identifier: ISC */
/* acceptors - acceptors on loopback, each with its thread. */
#include "acceptors.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/log.h"
#include "server/signals.h"

#include <check.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define KNOCK_NS (2 * NS_PER_MS)

struct acceptor acceptors[ACCEPTORS_MAX];

static int acceptor_count;
static bool started;

void acceptors_begin(int count)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	acceptor_count = count;
	for (int i = 0; i < count; i++)
		rig_add_endpoint("127.0.0.1:0", "line");
}

void acceptors_open(void)
{
	struct listener *listeners;
	size_t opened;

	ck_assert_int_eq(listener_open_all(rig.settings, &listeners, &opened), EX_OK);
	rig_build();
	for (int i = 0; i < acceptor_count; i++)
		acceptor_init(&acceptors[i], &listeners[i], &rig.server);
	free(listeners);
}

static void *run(void *a)
{
	signals_knock(SIG_UNBLOCK);
	return acceptor_run(a);
}

void acceptors_start(void)
{
	for (int i = 0; i < acceptor_count; i++)
		ck_assert_int_eq(pthread_create(&acceptors[i].thread, NULL, run, &acceptors[i]), 0);
	started = true;
}

void acceptors_stop(void)
{
	if (!atomic_load(&rig.registry.draining))
		registry_stop(&rig.registry, STOP_DRAIN, deadline_now());
	do {
		for (int i = 0; i < acceptor_count; i++)
			acceptor_knock(&acceptors[i]);
	} while (barrier_wait(&rig.accepting, deadline_from(deadline_now(), KNOCK_NS)) > 0);
	for (int i = 0; started && i < acceptor_count; i++)
		ck_assert_int_eq(pthread_join(acceptors[i].thread, NULL), 0);
}

static bool has_ended(void *a)
{
	/* Leaving the barrier is the last that an acceptor does. */
	return atomic_load(&((struct acceptor *)a)->state) >= ACCEPTOR_LOST &&
		barrier_wait(&rig.accepting, 0) < (unsigned)acceptor_count;
}

void acceptors_await_end(int which)
{
	await(has_ended, &acceptors[which]);
}

bool acceptors_is_lost(int which)
{
	return atomic_load(&acceptors[which].state) == ACCEPTOR_LOST;
}

int acceptors_dial(int which)
{
	return must_dial(&acceptors[which].listener.bound);
}

void acceptors_exchange(int fd)
{
	must_send_text(fd, "x\n");
	peer_expects(fd, "echo: x\n");
}

void acceptors_check_serves(int which)
{
	int fd = acceptors_dial(which);

	acceptors_exchange(fd);
	must_half_close(fd);
	peer_expects_last_text(fd, "");
	close(fd);
}
