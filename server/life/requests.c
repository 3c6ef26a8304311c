/* SPDX-License-Identifier: ISC */
/* requests - what signals ask of the server. */
#include "requests.h"

#include "server/signals.h"

#include "common/deadline.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static enum request meaning_of(int signal)
{
	switch (signal) {
	case SIGUSR1:
		return REQUEST_REPORT;
	case SIGHUP:
		return REQUEST_RELOAD;
	case SIGUSR2:
		return REQUEST_HAND_OVER;
	default:
		return REQUEST_STOP;
	}
}

/* The next signal, or 0 if none came. */
static int wait_for_signal(int64_t deadline_ns)
{
	sigset_t set = signals_waited_for();
	int signal;

	do {
		int64_t left = deadline_ns - deadline_now();
		struct timespec timeout = deadline_timespec(left > 0 ? left : 0);
		signal = deadline_ns == DEADLINE_NEVER ? sigwaitinfo(&set, NULL)
						       : sigtimedwait(&set, NULL, &timeout);
	} while (signal < 0 && errno == EINTR);
	return signal < 0 ? 0 : signal;
}

enum request requests_take(struct requests *r, int64_t deadline_ns)
{
	int signal = wait_for_signal(deadline_ns);

	if (signal == 0)
		return REQUEST_NONE;
	r->signal = signal;
	enum request request = meaning_of(signal);
	r->stops += request == REQUEST_STOP;
	return request;
}

bool requests_stop_at_once(const struct requests *r)
{
	return r->stops > 1;
}

void requests_stop(void)
{
	static atomic_flag asked = ATOMIC_FLAG_INIT;

	/* A second signal would cut connections. */
	if (!atomic_flag_test_and_set(&asked))
		(void)kill(getpid(), SIGINT);
}
