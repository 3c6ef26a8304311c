/* SPDX-License-Identifier: ISC */
/* payload - connection, sequence and pattern, made from the seed. */
#include "payload.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTION_DIGITS 8
#define SEQUENCE_DIGITS   10

/* A message's pattern begins at one of so many places of one long random string. */
#define PATTERN_STARTS ((size_t)1 << 14)

static const char digits[16] = "0123456789abcdef"; /* without an end */

/* The finalizer of splitmix64: each bit of the result depends on every bit of x. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static void fill_pattern(char *pattern, size_t len, uint64_t seed, bool lines)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)mix(seed + i);
		if (lines && byte == '\n')
			byte = (unsigned char)~byte;
		pattern[i] = (char)byte;
	}
}

int payload_init(struct payload *p, uint64_t seed, size_t min_bytes, size_t max_bytes, bool lines)
{
	size_t len = PATTERN_STARTS + max_bytes;
	char *pattern = malloc(len);

	if (!pattern)
		return -ENOMEM;
	fill_pattern(pattern, len, mix(seed), lines);
	*p = (struct payload){
		.seed = seed,
		.min_bytes = min_bytes,
		.max_bytes = max_bytes,
		.pattern = pattern,
	};
	return 0;
}

void payload_fini(struct payload *p)
{
	free(p->pattern);
	*p = (struct payload){.pattern = NULL};
}

/*
 * The 8 hexadecimal digits of value, the first one in the lowest byte, all at once: the nibbles are
 * spread to a byte each, and those above 9 moved on from '9' to 'a'.  Two headers are made for
 * every message.
 */
static uint64_t eight_digits(uint32_t value)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = value;

	x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
	x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	uint64_t above_nine = (x + 6 * ones) >> 4 & ones;
	return htole64(__builtin_bswap64(x + '0' * ones + above_nine * ('a' - '9' - 1)));
}

static void write_header(char *header, uint32_t connection, uint64_t sequence)
{
	uint64_t first = eight_digits(connection);
	uint64_t last = eight_digits((uint32_t)sequence);

	memcpy(header, &first, CONNECTION_DIGITS);
	header[CONNECTION_DIGITS] = '.';
	header[CONNECTION_DIGITS + 1] = digits[sequence >> 36 & 15];
	header[CONNECTION_DIGITS + 2] = digits[sequence >> 32 & 15];
	memcpy(header + PAYLOAD_HEADER_BYTES - sizeof last, &last, sizeof last);
}

void payload_compose(
	const struct payload *p, uint32_t connection, uint64_t sequence, struct message *m)
{
	uint64_t hash = mix(p->seed ^ ((uint64_t)connection << 32) ^ sequence);

	m->size = p->min_bytes;
	if (p->max_bytes > p->min_bytes)
		m->size += (hash >> 24) % (p->max_bytes - p->min_bytes + 1);
	m->header_len = m->size < PAYLOAD_HEADER_BYTES ? m->size : PAYLOAD_HEADER_BYTES;
	m->pattern = p->pattern + hash % PATTERN_STARTS;
	write_header(m->header, connection, sequence);
}

static const char *sent_header(const struct message *m)
{
	return m->header + PAYLOAD_HEADER_BYTES - m->header_len;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void message_copy(const struct message *m, size_t offset, char *out, size_t len)
{
	size_t from_header = offset < m->header_len ? smaller(len, m->header_len - offset) : 0;

	memcpy(out, sent_header(m) + offset * (from_header > 0), from_header);
	if (len > from_header)
		memcpy(out + from_header, m->pattern + (offset + from_header - m->header_len),
			len - from_header);
}

size_t payload_common_prefix(const char *a, const char *b, size_t len)
{
	size_t i = 0;

	if (memcmp(a, b, len) == 0)
		return len;
	while (a[i] == b[i])
		i++;
	return i;
}

size_t message_match(const struct message *m, size_t offset, const char *data, size_t len)
{
	size_t in_header = offset < m->header_len ? smaller(len, m->header_len - offset) : 0;

	if (in_header > 0) {
		size_t same = payload_common_prefix(sent_header(m) + offset, data, in_header);
		if (same < in_header || in_header == len)
			return same;
	}
	return in_header +
		payload_common_prefix(m->pattern + (offset + in_header - m->header_len),
			data + in_header, len - in_header);
}

static bool read_digits(const char *data, int count, uint64_t *value)
{
	uint64_t v = 0;

	for (int i = 0; i < count; i++) {
		const char *digit = memchr(digits, data[i], sizeof digits);
		if (!digit)
			return false;
		v = v << 4 | (uint64_t)(digit - digits);
	}
	*value = v;
	return true;
}

bool payload_parse_header(const char *data, uint32_t *connection, uint64_t *sequence)
{
	uint64_t c;
	uint64_t s;

	if (!read_digits(data, CONNECTION_DIGITS, &c) || data[CONNECTION_DIGITS] != '.' ||
		!read_digits(data + CONNECTION_DIGITS + 1, SEQUENCE_DIGITS, &s))
		return false;
	*connection = (uint32_t)c;
	*sequence = s;
	return true;
}
