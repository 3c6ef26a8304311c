/* SPDX-License-Identifier: ISC */
/* address - "HOST:PORT" text to socket addresses and back. */
#include "address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static const char *const network_names[] = {
	[NETWORK_TCP] = "tcp",
	[NETWORK_TCP4] = "tcp4",
	[NETWORK_TCP6] = "tcp6",
};

int address_parse_network(const char *text, enum network *network)
{
	for (size_t i = 0; i < sizeof network_names / sizeof *network_names; i++) {
		if (strcmp(text, network_names[i]) == 0) {
			*network = (enum network)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *address_network_name(enum network network)
{
	return network_names[network];
}

/* Splitting. */

static const char *parse_port(const char *text, in_port_t *port)
{
	unsigned value = 0;

	if (*text == '\0')
		return "the port is empty: write a number from 0 to 65535 after the last colon";
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return "the port is not a number from 0 to 65535 (service names are not "
			       "looked up)";
		value = value * 10 + (unsigned)(*p - '0');
		if (value > 65535)
			return "the port is above 65535";
	}
	*port = (in_port_t)value;
	return NULL;
}

/* "[host]:port": find the end of the host, and the port's first character. */
static const char *split_brackets(const char *text, const char **end, const char **port)
{
	*end = strchr(text, ']');
	if (!*end)
		return "the closing ']' is missing";
	if (*end == text + 1)
		return "there is no address between the brackets";
	if ((*end)[1] == '\0')
		return "missing port: write ':' and a number after ']'";
	if ((*end)[1] != ':')
		return "only ':' and the port may follow ']'";
	*port = *end + 2;
	return NULL;
}

static const char *split_plain(const char *text, const char **end, const char **port)
{
	*end = strrchr(text, ':');
	if (!*end)
		return "missing port: write HOST:PORT, or :PORT for every address";
	if (strchr(text, ':') != *end)
		return "too many colons: write an IPv6 address in brackets, as in [::1]:7007";
	if (strpbrk(text, "[]"))
		return "a bracket without its partner";
	*port = *end + 1;
	return NULL;
}

/*
 * Digits and points alone are an IPv4 address or nothing: the resolver would read "8080" as
 * 0.0.31.144.
 */
static bool looks_numeric(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0';
}

/* An IPv6 address, perhaps with '%' and a zone.  Only the system that has a zone can judge it. */
static bool is_ipv6(const char *host)
{
	char digits[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	size_t len = strcspn(host, "%");

	if (len >= sizeof digits || strcmp(host + len, "%") == 0)
		return false;
	memcpy(digits, host, len);
	digits[len] = '\0';
	return inet_pton(AF_INET6, digits, &in6) == 1;
}

static const char *check_host(const char *host, bool bracketed)
{
	struct in_addr in4;

	if (bracketed)
		return is_ipv6(host) ? NULL : "brackets are for IPv6 addresses, and this is none";
	if (*host && looks_numeric(host))
		return inet_pton(AF_INET, host, &in4) == 1
			? NULL
			: "the host is not an IPv4 address of four numbers from 0 to 255";
	/* The resolver would read hexadecimal numbers as inet_aton(3) does: "127.0x1". */
	if (inet_aton(host, &in4) || strpbrk(host, " \t\r\n/"))
		return "the host is neither an address nor a name";
	return NULL;
}

int address_parse(const char *text, struct host_port *out, const char **mistake)
{
	struct host_port parsed = {.port = 0};
	bool bracketed = text[0] == '[';
	const char *end;
	const char *port;

	*mistake = "the address is empty";
	if (*text == '\0')
		return -EINVAL;
	*mistake = bracketed ? split_brackets(text, &end, &port) : split_plain(text, &end, &port);
	if (*mistake)
		return -EINVAL;

	const char *host = text + bracketed;
	size_t len = (size_t)(end - host);
	*mistake = "the host is longer than a name can be";
	if (len >= sizeof parsed.host)
		return -EINVAL;
	memcpy(parsed.host, host, len);
	parsed.host[len] = '\0';
	*mistake = parse_port(port, &parsed.port);
	if (!*mistake)
		*mistake = check_host(parsed.host, bracketed);
	if (*mistake)
		return -EINVAL;
	*out = parsed;
	return 0;
}

/* Looking up. */

static const int families[] = {
	[NETWORK_TCP] = AF_UNSPEC,
	[NETWORK_TCP4] = AF_INET,
	[NETWORK_TCP6] = AF_INET6,
};

static void set_port(struct address *a, in_port_t port)
{
	if (a->any.sa_family == AF_INET)
		a->in4.sin_port = htons(port);
	else
		a->in6.sin6_port = htons(port);
}

static struct address wildcard(enum network network, in_port_t port)
{
	struct address a = {.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT}};

	if (network == NETWORK_TCP4)
		a = (struct address){.in4 = {.sin_family = AF_INET}};
	set_port(&a, port);
	return a;
}

static const char *lookup_mistake(int rc, enum network network)
{
	if (rc == EAI_ADDRFAMILY || (rc == EAI_NONAME && network != NETWORK_TCP))
		return network == NETWORK_TCP4 ? "it has no IPv4 address"
					       : "it has no IPv6 address";
	return gai_strerror(rc);
}

int address_lookup(const struct host_port *where, enum network network, struct address *list,
	size_t max, const char **mistake)
{
	struct addrinfo hints = {.ai_family = families[network], .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int count = 0;

	if (where->host[0] == '\0') {
		list[0] = wildcard(network, where->port);
		return 1;
	}
	int rc = getaddrinfo(where->host, NULL, &hints, &found);
	if (rc != 0) {
		*mistake = lookup_mistake(rc, network);
		return rc == EAI_ADDRFAMILY ? -EINVAL : -ENOENT;
	}
	for (const struct addrinfo *i = found; i && (size_t)count < max; i = i->ai_next) {
		if (i->ai_addrlen > sizeof list[count])
			continue;
		memset(&list[count], 0, sizeof list[count]);
		memcpy(&list[count], i->ai_addr, i->ai_addrlen);
		set_port(&list[count++], where->port);
	}
	freeaddrinfo(found);
	*mistake = "it has no usable address";
	return count > 0 ? count : -ENOENT;
}

const struct address *address_preferred(const struct address *list, int count)
{
	for (int i = 0; i < count; i++) {
		if (list[i].any.sa_family == AF_INET)
			return &list[i];
	}
	return list;
}

/* Writing. */

static void format_zone(const struct sockaddr_in6 *in6, char *text, size_t size)
{
	char name[IF_NAMESIZE];

	if (in6->sin6_scope_id == 0)
		text[0] = '\0';
	else if (if_indextoname(in6->sin6_scope_id, name))
		snprintf(text, size, "%%%s", name);
	else
		snprintf(text, size, "%%%u", (unsigned)in6->sin6_scope_id);
}

char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";
	char zone[IF_NAMESIZE + 1];
	bool mapped = a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);

	if (a->any.sa_family == AF_INET || mapped) {
		const void *in4 = mapped ? (const void *)&a->in6.sin6_addr.s6_addr[12]
					 : (const void *)&a->in4.sin_addr;
		inet_ntop(AF_INET, in4, host, sizeof host);
		snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", host, (unsigned)address_port(a));
		return text;
	}
	inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof host);
	format_zone(&a->in6, zone, sizeof zone);
	snprintf(text, ADDRESS_TEXT_MAX, "[%s%s]:%u", host, zone, (unsigned)address_port(a));
	return text;
}

socklen_t address_size(const struct address *a)
{
	return a->any.sa_family == AF_INET ? sizeof a->in4 : sizeof a->in6;
}

in_port_t address_port(const struct address *a)
{
	return ntohs(a->any.sa_family == AF_INET ? a->in4.sin_port : a->in6.sin6_port);
}

bool address_is_wildcard(const struct address *a)
{
	if (a->any.sa_family == AF_INET)
		return a->in4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool address_equal(const struct address *a, const struct address *b)
{
	if (a->any.sa_family != b->any.sa_family || address_port(a) != address_port(b))
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr) &&
		a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}
