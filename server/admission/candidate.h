/* SPDX-License-Identifier: ISC */
/*
 * candidate - a client that was accepted, until it is admitted or refused.
 */
#ifndef BOBBIN_SERVER_ADMISSION_CANDIDATE_H
#define BOBBIN_SERVER_ADMISSION_CANDIDATE_H

#include "common/address.h"

#include <stdbool.h>

struct endpoint;
struct quota;

struct candidate {
	int fd;
	const struct endpoint *endpoint; /* the settings of its listener */
	struct quota *quota;             /* of its listener: work/registry.h */
	struct address peer;
	bool counted; /* sources.h counts it as live, so that admission_leave() is due */
};

#endif
