/* SPDX-License-Identifier: ISC */
/*
 * endpoint - where the load goes, "[NETWORK:]HOST:PORT[=SERVICE]" as bobbind's -l reads it, and
 * from which addresses.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_LOAD_ENDPOINT_H
#define BOBBIN_LOAD_ENDPOINT_H

#include "common/address.h"
#include "test/load/figures/figures.h"
#include "test/load/wire/wire.h"

struct endpoint {
	enum network network; /* default NETWORK_TCP */
	struct host_port where;
	enum service service; /* default SERVICE_LINE */
	struct address addresses[FIGURES_ADDRESSES];
	int count; /* of addresses; 0 until resolved */
};

/* The local addresses that connections are made from, in turn: inclusive ranges. */
#define SOURCES_MAX 16

struct sources {
	struct {
		struct address first; /* port 0 */
		uint32_t count;
	} ranges[SOURCES_MAX];
	size_t range_count;
	uint32_t count; /* of addresses in all; 0: the kernel's choice */
};

/* Split and check text.  Returns 0, or -EINVAL with *mistake a constant sentence and *out as it
 * was. / */
int endpoint_parse(const char *text, struct endpoint *out, const char **mistake);

/* Room for an endpoint as text, its end included. */
#define ENDPOINT_TEXT_MAX 300

/* "127.0.0.1:7007", "[::1]:7007".  Returns text. */
char *endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_MAX]);

/* Look the name up.  Returns 0, or -EINVAL or -ENOENT with *mistake a constant sentence.  May
 * block. / */
int endpoint_resolve(struct endpoint *e, const char **mistake);

/* "127.0.0.2-127.0.0.9,127.0.0.20" or "::1" into *out; as endpoint_parse(). */
int endpoint_parse_sources(const char *text, struct sources *out, const char **mistake);

/* The index-th source, counted round and round. */
struct address endpoint_source(const struct sources *s, uint64_t index);

#endif
