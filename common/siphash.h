/* SPDX-License-Identifier: ISC */
/*
 * siphash - SipHash-2-4, a keyed hash for tables whose keys a stranger chooses.
 *
 * Without the key an attacker cannot find inputs that share a bucket.  Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", 2012.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_SIPHASH_H
#define BOBBIN_COMMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

/* The same on every machine, whatever its byte order. */
uint64_t siphash(const unsigned char key[SIPHASH_KEY_BYTES], const void *data, size_t len);

#endif
