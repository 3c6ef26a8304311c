/* SPDX-License-Identifier: ISC */
/* block - CIDR blocks, and lists of them. */
#include "block.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for any block as text, its end included. */
#define TEXT_MAX      (INET6_ADDRSTRLEN + sizeof "/128")

#define MAPPED_LENGTH 96

static const char not_a_block[] =
	"it is not an IPv4 or IPv6 address, with or without '/' and the length of a prefix";

static unsigned most_bits(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

/* The bits of a byte that belong to a prefix of which length bits lie in it (0 to 7). */
static unsigned char byte_mask(unsigned length)
{
	return (unsigned char)(0xff00U >> length);
}

static void shorten(struct block *b, unsigned length)
{
	unsigned whole = length / 8;

	b->length = (unsigned short)length;
	if (whole == sizeof b->prefix)
		return;
	b->prefix[whole] &= byte_mask(length % 8);
	memset(b->prefix + whole + 1, 0, sizeof b->prefix - whole - 1);
}

static bool is_mapped(const struct block *b)
{
	static const unsigned char mapped[MAPPED_LENGTH / 8] = {[10] = 0xff, [11] = 0xff};

	/* No need to look at the length: with a shorter prefix the last of these bits is 0. */
	return b->family == AF_INET6 && memcmp(b->prefix, mapped, sizeof mapped) == 0;
}

static struct block unmap(const struct block *b)
{
	struct block ipv4 = {
		.family = AF_INET,
		.length = (unsigned short)(b->length - MAPPED_LENGTH),
	};

	memcpy(ipv4.prefix, b->prefix + MAPPED_LENGTH / 8, sizeof(struct in_addr));
	return ipv4;
}

/* Reading one. */

static const char *read_address(const char *text, size_t len, struct block *b)
{
	char host[INET6_ADDRSTRLEN];

	if (memchr(text, '%', len))
		return "a zone has no place in a block";
	if (len >= sizeof host)
		return not_a_block;
	memcpy(host, text, len);
	host[len] = '\0';
	b->family = AF_INET;
	if (inet_pton(AF_INET, host, b->prefix) == 1)
		return NULL;
	b->family = AF_INET6;
	return inet_pton(AF_INET6, host, b->prefix) == 1 ? NULL : not_a_block;
}

static const char *read_length(const char *text, struct block *b)
{
	static const char digits[] = "0123456789";
	size_t len = strspn(text, digits);
	bool is_number = len > 0 && text[len] == '\0' && (len == 1 || text[0] != '0');

	if (is_number && len <= 3) {
		b->length = (unsigned short)strtoul(text, NULL, 10);
		if (b->length <= most_bits(b->family))
			return NULL;
	}
	return b->family == AF_INET ? "the prefix of an IPv4 block has a length from 0 to 32"
				    : "the prefix of an IPv6 block has a length from 0 to 128";
}

/* The block as it is written, even with bits set after the prefix. */
static const char *read_block(const char *text, struct block *b)
{
	size_t len = strcspn(text, "/");

	*b = (struct block){.length = 0};
	const char *mistake = read_address(text, len, b);
	if (mistake)
		return mistake;
	if (text[len] == '/')
		return read_length(text + len + 1, b);
	b->length = (unsigned short)most_bits(b->family);
	return NULL;
}

/* Set *right to what should have been written.  Returns why, if that is something else, or NULL. */
static const char *judge(const struct block *b, struct block *right)
{
	*right = *b;
	shorten(right, b->length);
	if (is_mapped(right)) {
		*right = unmap(right);
		return "an IPv4-mapped address counts as IPv4";
	}
	return block_equal(right, b) ? NULL : "bits are set after the prefix, where zeros belong";
}

int block_parse(const char *text, struct block *out, const char **mistake)
{
	struct block written;
	struct block right;

	*mistake = read_block(text, &written);
	if (!*mistake)
		*mistake = judge(&written, &right);
	if (*mistake)
		return -EINVAL;
	*out = written;
	return 0;
}

struct block block_of(const struct address *a, unsigned ipv4_length, unsigned ipv6_length)
{
	struct block b = {.family = a->any.sa_family, .length = 128};

	if (b.family == AF_INET)
		memcpy(b.prefix, &a->in4.sin_addr, sizeof a->in4.sin_addr);
	else
		memcpy(b.prefix, &a->in6.sin6_addr, sizeof a->in6.sin6_addr);
	if (is_mapped(&b))
		b = unmap(&b);
	shorten(&b, b.family == AF_INET ? ipv4_length : ipv6_length);
	return b;
}

bool block_equal(const struct block *a, const struct block *b)
{
	return a->family == b->family && a->length == b->length &&
		memcmp(a->prefix, b->prefix, sizeof a->prefix) == 0;
}

/* Lists. */

/* The next item from *at on, and *at moved to its end; NULL when there is none. */
static const char *next_item(const char **at, size_t *len)
{
	static const char between[] = ", \t\r\n";
	const char *item = *at + strspn(*at, between);

	*len = strcspn(item, between);
	*at = item + *len;
	return *len > 0 ? item : NULL;
}

static size_t count_items(const char *text)
{
	size_t count = 0;
	size_t len;

	while (next_item(&text, &len))
		count++;
	return count;
}

static char *format(const struct block *b, char text[TEXT_MAX])
{
	inet_ntop(b->family, b->prefix, text, INET6_ADDRSTRLEN);
	size_t len = strlen(text);
	if (b->length < most_bits(b->family))
		snprintf(text + len, TEXT_MAX - len, "/%u", b->length);
	return text;
}

static bool read_item(
	const char *item, size_t len, struct block *out, char *mistake, size_t mistake_size)
{
	char text[TEXT_MAX];
	char better[TEXT_MAX];
	struct block right;

	if (len >= sizeof text) {
		snprintf(mistake, mistake_size, "\"%.*s...\": %s", (int)sizeof text, item,
			not_a_block);
		return false;
	}
	memcpy(text, item, len);
	text[len] = '\0';
	const char *wrong = read_block(text, out);
	if (wrong) {
		snprintf(mistake, mistake_size, "\"%s\": %s", text, wrong);
		return false;
	}
	wrong = judge(out, &right);
	if (wrong)
		snprintf(mistake, mistake_size, "\"%s\": %s: write \"%s\"", text, wrong,
			format(&right, better));
	return !wrong;
}

struct block_list *block_list_parse(const char *text, char *mistake, size_t mistake_size)
{
	size_t count = count_items(text);
	struct block_list *list = malloc(sizeof *list + count * sizeof *list->blocks);
	size_t len;

	if (!list) {
		snprintf(mistake, mistake_size, "out of memory");
		return NULL;
	}
	list->count = count;
	for (size_t i = 0; i < count; i++) {
		const char *item = next_item(&text, &len);
		if (!read_item(item, len, &list->blocks[i], mistake, mistake_size)) {
			free(list);
			return NULL;
		}
	}
	return list;
}

void block_list_free(struct block_list *list)
{
	free(list);
}

static bool has(const struct block *b, const struct block *host)
{
	unsigned whole = b->length / 8;

	if (b->family != host->family || memcmp(b->prefix, host->prefix, whole) != 0)
		return false;
	/* Where the prefix ends with a byte, there may be no next byte to look at. */
	return b->length % 8 == 0 ||
		(host->prefix[whole] & byte_mask(b->length % 8)) == b->prefix[whole];
}

bool block_list_has(const struct block_list *list, const struct address *a)
{
	struct block host = block_of(a, 32, 128);

	for (size_t i = 0; i < list->count; i++) {
		if (has(&list->blocks[i], &host))
			return true;
	}
	return false;
}
