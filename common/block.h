/* SPDX-License-Identifier: ISC */
/*
 * block - CIDR blocks (RFC 4632, RFC 4291): "10.0.0.0/8", "2001:db8::/32", and lists of them.
 *
 * An IPv4 client of a dual-stack socket has an IPv4-mapped address (::ffff:192.0.2.1).  Here it is
 * an IPv4 address everywhere: it is in IPv4 blocks only, not even in ::/0, and a block is never
 * written in that form.  Zones are not looked at.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_BLOCK_H
#define BOBBIN_COMMON_BLOCK_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>

/* One network. */
struct block {
	sa_family_t family;       /* AF_INET or AF_INET6 */
	unsigned short length;    /* of the prefix, in bits: up to 32 or 128 */
	unsigned char prefix[16]; /* in network order; zero from length on */
};

struct block_list {
	size_t count;
	struct block blocks[];
};

/*
 * Read "ADDRESS/LENGTH", or an address alone, which is a block of one.  Returns 0, or -EINVAL with
 * *mistake a constant sentence that names what is wrong.  Bits set after the prefix are a mistake,
 * and so is an IPv4-mapped block.  A failed call leaves *out as it was.
 */
int block_parse(const char *text, struct block *out, const char **mistake);

/* The block around an address, with a prefix of so many bits, by the family. */
struct block block_of(const struct address *a, unsigned ipv4_length, unsigned ipv6_length);

bool block_equal(const struct block *a, const struct block *b);

/*
 * Read blocks with commas or white space, or both, between them; text without a block is the empty
 * list.  Returns a list, the caller's to free, or NULL.  Then mistake is a sentence that names the
 * first wrong block and what would be right, or says that there is no memory; it is cut off at
 * mistake_size.
 */
struct block_list *block_list_parse(const char *text, char *mistake, size_t mistake_size);

/* list may be NULL. */
void block_list_free(struct block_list *list);

/* Is the address in one of the blocks?  Each is looked at in turn: for tens, not for thousands. */
bool block_list_has(const struct block_list *list, const struct address *a);

#endif
