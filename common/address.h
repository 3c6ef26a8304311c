/* SPDX-License-Identifier: ISC */
/*
 * address - "HOST:PORT" text to socket addresses and back, read as Go's net package reads it.
 *
 *   ":7007"  "127.0.0.1:7007"  "[::1]:7007"  "[fe80::1%eth0]:7007"  "localhost:7007"
 *
 * It is stricter than Go in two places: a port is a number, never a service name, and it must be there.
 * The digits are read here and not by getaddrinfo(3), to which "8080" is the host 0.0.31.144 and
 * port 99999 is 34463.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_ADDRESS_H
#define BOBBIN_COMMON_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* The longest DNS name (RFC 1035), and room for an address with a zone. */
#define ADDRESS_HOST_MAX 256

/* Room for "[IPv6%zone]:port" and its end. */
#define ADDRESS_TEXT_MAX 80

enum network {
	NETWORK_TCP,  /* both families; a wildcard is one dual-stack socket */
	NETWORK_TCP4, /* IPv4 only */
	NETWORK_TCP6, /* IPv6 only */
};

/* What a text says before any name is looked up.  An empty host is the wildcard. */
struct host_port {
	char host[ADDRESS_HOST_MAX];
	in_port_t port; /* host byte order */
};

/* One IPv4 or IPv6 socket address. */
struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	};
};

/* "tcp", "tcp4" or "tcp6" into *network.  Returns 0 or -EINVAL. */
int address_parse_network(const char *text, enum network *network);

/* The text of a network. */
const char *address_network_name(enum network network);

/*
 * Split and check text.  Returns 0, or -EINVAL with *mistake a constant sentence that names what is
 * wrong. A failed call leaves *out as it was.
 */
int address_parse(const char *text, struct host_port *out, const char **mistake);

/*
 * The addresses that where names within network, in the order of getaddrinfo(3), at most max of
 * them; for the wildcard the one address to listen on ("[::]" or "0.0.0.0").  May block on the
 * resolver when the host is a name. Returns how many (at least 1), or -EINVAL (an address of the
 * other family) or -ENOENT (no such name) with *mistake a constant sentence.
 */
int address_lookup(const struct host_port *where, enum network network, struct address *list,
	size_t max, const char **mistake);

/* Of count addresses the one to listen on: the first IPv4 one, else the first, as Go chooses. */
const struct address *address_preferred(const struct address *list, int count);

/*
 * "192.0.2.1:7007", "[::1]:7007".  An IPv4-mapped IPv6 address is written as IPv4.  Returns text.
 */
char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX]);

/* The size that bind(2) and connect(2) want. */
socklen_t address_size(const struct address *a);

/* Port in host byte order. */
in_port_t address_port(const struct address *a);

/* True for 0.0.0.0 and [::]. */
bool address_is_wildcard(const struct address *a);

/* Same family, address, port and scope. */
bool address_equal(const struct address *a, const struct address *b);

#endif
