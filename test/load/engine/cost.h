/* SPDX-License-Identifier: ISC */
/* cost - what a thread has cost so far, and how long it had to wait for a processor. */
#ifndef BOBBIN_LOAD_COST_H
#define BOBBIN_LOAD_COST_H

#include <stdint.h>

struct cost {
	int64_t user_ns;
	int64_t system_ns;
	int64_t waiting_ns; /* ready, in the run queue: schedstat of proc(5); 0 where that is not
			       counted */
};

/* Of the calling thread, since it began. */
struct cost cost_of_thread(void);

#endif
