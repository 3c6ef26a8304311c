/* SPDX-License-Identifier: ISC */
/* endpoint - where the load goes, and from which addresses. */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (ADDRESS_HOST_MAX + 32)

/* "tcp4:127.0.0.1:7007": what stands before the first colon is the network if it is one's name. */
static const char *skip_network(const char *text, enum network *network)
{
	const char *colon = strchr(text, ':');
	char word[8];

	if (!colon || (size_t)(colon - text) >= sizeof word || !strchr(colon + 1, ':'))
		return text;
	snprintf(word, sizeof word, "%.*s", (int)(colon - text), text);
	return address_parse_network(word, network) == 0 ? colon + 1 : text;
}

int endpoint_parse(const char *text, struct endpoint *out, const char **mistake)
{
	struct endpoint parsed = {.network = NETWORK_TCP, .service = SERVICE_LINE};
	char copy[TEXT_MAX];

	text = skip_network(text, &parsed.network);
	size_t len = strlen(text);
	*mistake = "the address is longer than one can be";
	if (len >= sizeof copy)
		return -EINVAL;
	memcpy(copy, text, len + 1);
	char *equals = strchr(copy, '=');
	if (equals) {
		*equals = '\0';
		*mistake = "the service after '=' is not one of line, frame, echo";
		if (wire_parse_service(equals + 1, &parsed.service) < 0)
			return -EINVAL;
	}
	if (address_parse(copy, &parsed.where, mistake) < 0)
		return -EINVAL;
	*mistake = "the host is empty: write the one to connect to, as in 127.0.0.1:7007";
	if (parsed.where.host[0] == '\0')
		return -EINVAL;
	*mistake = "port 0 cannot be connected to";
	if (parsed.where.port == 0)
		return -EINVAL;
	*out = parsed;
	return 0;
}

static bool is_among(const struct address *a, const struct address *others, int count)
{
	char text[ADDRESS_TEXT_MAX];
	char other[ADDRESS_TEXT_MAX];

	for (int i = 0; i < count; i++) {
		if (strcmp(address_format(a, text), address_format(&others[i], other)) == 0)
			return true;
	}
	return false;
}

int endpoint_resolve(struct endpoint *e, const char **mistake)
{
	int count = address_lookup(&e->where, e->network, e->addresses, FIGURES_ADDRESSES, mistake);

	if (count < 0)
		return count;
	/* A name may have an address twice, as one of each family that are the same. */
	e->count = 0;
	for (int i = 0; i < count; i++) {
		if (!is_among(&e->addresses[i], e->addresses, e->count))
			e->addresses[e->count++] = e->addresses[i];
	}
	return 0;
}

/* Sources. */

static bool parse_ip(const char *text, struct address *out)
{
	struct address a;

	memset(&a, 0, sizeof a);
	if (inet_pton(AF_INET, text, &a.in4.sin_addr) == 1)
		a.in4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
		a.in6.sin6_family = AF_INET6;
	else
		return false;
	*out = a;
	return true;
}

/* The last 32 bits of an address, which are what counts up within a range. */
static uint32_t *low_bits(struct address *a)
{
	if (a->any.sa_family == AF_INET)
		return &a->in4.sin_addr.s_addr;
	return &a->in6.sin6_addr.s6_addr32[3];
}

static uint32_t low(struct address a)
{
	return ntohl(*low_bits(&a));
}

static struct address with_low(struct address a, uint32_t value)
{
	*low_bits(&a) = htonl(value);
	return a;
}

static int add_range(char *range, struct sources *s, const char **mistake)
{
	char *dash = strchr(range, '-');
	struct address first;
	struct address last;

	if (dash)
		*dash = '\0';
	*mistake = "a source is an IP address or FIRST-LAST, as in 127.0.0.2-127.0.0.9";
	if (!parse_ip(range, &first) || !parse_ip(dash ? dash + 1 : range, &last))
		return -EINVAL;
	*mistake = "the two ends of a range of sources differ in more than their last 32 bits";
	struct address same = with_low(last, low(first));
	if (!address_equal(&first, &same))
		return -EINVAL;
	*mistake = "a range of sources has at most 65,536 addresses, the first one first";
	if (low(last) < low(first) || low(last) - low(first) > 65535)
		return -EINVAL;
	*mistake = "there are more than 16 ranges of sources";
	if (s->range_count == SOURCES_MAX)
		return -EINVAL;
	s->ranges[s->range_count].first = first;
	s->ranges[s->range_count].count = low(last) - low(first) + 1;
	s->count += s->ranges[s->range_count++].count;
	return 0;
}

int endpoint_parse_sources(const char *text, struct sources *out, const char **mistake)
{
	struct sources parsed = {.count = 0};
	char copy[1024];
	char *rest = NULL;
	size_t len = strlen(text);

	*mistake = "the list of sources is empty, or longer than 1,023 bytes";
	if (len == 0 || len >= sizeof copy)
		return -EINVAL;
	memcpy(copy, text, len + 1);
	for (char *r = strtok_r(copy, ",", &rest); r; r = strtok_r(NULL, ",", &rest)) {
		if (add_range(r, &parsed, mistake) < 0)
			return -EINVAL;
	}
	if (parsed.count == 0)
		return -EINVAL;
	*out = parsed;
	return 0;
}

struct address endpoint_source(const struct sources *s, uint64_t index)
{
	uint32_t i = (uint32_t)(index % s->count);
	size_t range = 0;

	while (i >= s->ranges[range].count)
		i -= s->ranges[range++].count;
	struct address first = s->ranges[range].first;
	return with_low(first, low(first) + i);
}

char *endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_MAX])
{
	bool v6 = strchr(e->where.host, ':') != NULL;

	snprintf(text, ENDPOINT_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", e->where.host,
		(unsigned)e->where.port);
	return text;
}
