/* SPDX-License-Identifier: ISC */
/* Proves address: what is read and what is refused, each mistake named; looking up; writing;
 * comparing. */
#include "common/address.h"

#include "test/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define HOST_63  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define HOST_255 HOST_63 "." HOST_63 "." HOST_63 "." HOST_63

static struct host_port must_parse(const char *text)
{
	struct host_port where;
	const char *mistake;
	int rc = address_parse(text, &where, &mistake);

	ck_assert_msg(rc == 0, "\"%s\" was refused: %s", text, rc ? mistake : "");
	return where;
}

/* The first address, of one at least. */
static struct address must_lookup(const char *text, enum network network)
{
	struct host_port where = must_parse(text);
	struct address list[8];
	const char *mistake = NULL;
	int count = address_lookup(&where, network, list, SUITE_COUNT(list), &mistake);

	ck_assert_msg(count >= 1, "\"%s\" was not found: %s", text, count < 1 ? mistake : "");
	return list[0];
}

static const struct {
	const char *text;
	const char *host;
	in_port_t port;
} good[] = {
	{":7007", "", 7007},
	{":0", "", 0},
	{":65535", "", 65535},
	{":00080", "", 80},
	{"127.0.0.1:7007", "127.0.0.1", 7007},
	{"0.0.0.0:1", "0.0.0.0", 1},
	{"255.255.255.255:1", "255.255.255.255", 1},
	{"[::1]:7007", "::1", 7007},
	{"[::]:7007", "::", 7007},
	{"[::ffff:192.0.2.1]:7007", "::ffff:192.0.2.1", 7007},
	{"[2001:db8:0:0:0:0:0:1]:7007", "2001:db8:0:0:0:0:0:1", 7007},
	{"[fe80::1%lo]:7007", "fe80::1%lo", 7007},
	{"[fe80::1%1]:7007", "fe80::1%1", 7007},
	{"localhost:7007", "localhost", 7007},
	{"a.example.org.:1", "a.example.org.", 1},
	{"1and1.example:1", "1and1.example", 1},
	{"0xen.example:1", "0xen.example", 1},
	{"with-dash_and_underline:1", "with-dash_and_underline", 1},
	{HOST_255 ":1", HOST_255, 1},
};

TEST_ROWS(an_address_is_split_into_host_and_port, SUITE_COUNT(good))
{
	struct host_port where = must_parse(good[_i].text);

	ck_assert_str_eq(where.host, good[_i].host);
	ck_assert_uint_eq(where.port, good[_i].port);
}

/* The words that a mistake must have, and texts that have it. */
static const struct {
	const char *names;
	const char *texts[13];
} bad[] = {
	{"is empty", {""}},
	{"missing port", {"7007", "localhost", "127.0.0.1", "[::1]"}},
	{"port is empty", {":", "localhost:", "[::1]:"}},
	{"above 65535", {":65536", ":99999", ":4294967376", ":18446744073709551696"}},
	{"not a number",
		{":-1", ":+1", ":http", ":0x50", ":80 ", ": 80", ":80\n", ":8.0", "[::1]:7007]"}},
	{"']' is missing", {"[::1", "[", "[::1:7007"}},
	{"between the brackets", {"[]:1", "[]"}},
	{"may follow ']'", {"[::1]7007", "[::1]]:7007", "[::1] :7007"}},
	{"too many colons",
		{"::1", "::1:7007", "::", "a:b:c", "127.0.0.1:80:", "tcp:127.0.0.1:80",
			" [::1]:7007", "::1]:7007"}},
	{"bracket", {"localhost]:1", "local[host:1"}},
	{"not an IPv4 address",
		{"8080:1", "0:1", ".:1", "1.2.3:1", "1.2.3.4.5:1", "1.2.3.4.:1", "256.0.0.1:1",
			"127.0.0.01:1", "2130706433:1"}},
	{"neither an address nor a name",
		{"0x7f000001:1", "0X7f000001:1", "0x7f.1:1", "127.0x1:1", "127.0.0.0x1:1", " :1",
			" localhost:1", "localhost :1", "127.0.0.1 :1", "local\thost:1",
			"local\nhost:1", "10.0.0.0/8:1"}},
	{"brackets are for IPv6", {"[127.0.0.1]:1", "[localhost]:1"}},
	{"IPv6",
		{"[[::1]:1", "[:]:1", "[::1 ]:7007", "[ ::1]:7007", "[1::2::3]:7007",
			"[fe80:::1]:7007", "[1:2]:7007", "[12345::]:7007", "[::1/64]:7007",
			"[%lo]:7007", "[fe80::1%]:7007"}},
	{"longer than a name", {HOST_255 "x:1", HOST_255 HOST_63 ":1", "[" HOST_255 HOST_63 "]:1"}},
};

TEST_ROWS(what_is_no_address_is_refused_by_name_and_the_result_left_alone, SUITE_COUNT(bad))
{
	for (const char *const *text = bad[_i].texts; *text; text++) {
		struct host_port where = {.host = "untouched", .port = 4711};
		const char *mistake = "";
		ck_assert_int_eq(address_parse(*text, &where, &mistake), -EINVAL);
		ck_assert_msg(strstr(mistake, bad[_i].names), "\"%s\": \"%s\"", *text, mistake);
		ck_assert_str_eq(where.host, "untouched");
		ck_assert_uint_eq(where.port, 4711);
	}
}

TEST(networks_have_go_s_names_and_no_others)
{
	const char *const others[] = {"", "TCP", "tcp ", "tcp46", "udp", "tcp5"};

	for (enum network n = NETWORK_TCP; n <= NETWORK_TCP6; n++) {
		enum network again = n == NETWORK_TCP ? NETWORK_TCP6 : NETWORK_TCP;
		ck_assert_int_eq(address_parse_network(address_network_name(n), &again), 0);
		ck_assert_int_eq(again, n);
	}
	ck_assert_str_eq(address_network_name(NETWORK_TCP), "tcp");
	ck_assert_str_eq(address_network_name(NETWORK_TCP4), "tcp4");
	ck_assert_str_eq(address_network_name(NETWORK_TCP6), "tcp6");
	for (size_t i = 0; i < SUITE_COUNT(others); i++) {
		enum network untouched = NETWORK_TCP4;
		ck_assert_int_eq(address_parse_network(others[i], &untouched), -EINVAL);
		ck_assert_int_eq(untouched, NETWORK_TCP4);
	}
}

static const struct {
	const char *text;
	enum network network;
	const char *found;
	bool wildcard;
} lookups[] = {
	{":7007", NETWORK_TCP, "[::]:7007", true},
	{":7007", NETWORK_TCP4, "0.0.0.0:7007", true},
	{":7007", NETWORK_TCP6, "[::]:7007", true},
	{"0.0.0.0:0", NETWORK_TCP, "0.0.0.0:0", true},
	{"[::]:0", NETWORK_TCP, "[::]:0", true},
	{"0.0.0.1:1", NETWORK_TCP, "0.0.0.1:1", false},
	{"127.0.0.1:7007", NETWORK_TCP4, "127.0.0.1:7007", false},
	{"255.255.255.255:65535", NETWORK_TCP, "255.255.255.255:65535", false},
	{"[::1]:7007", NETWORK_TCP, "[::1]:7007", false},
	{"[::1]:7007", NETWORK_TCP6, "[::1]:7007", false},
	{"[2001:db8:0:0:0:0:0:1]:65535", NETWORK_TCP6, "[2001:db8::1]:65535", false},
	{"[::ffff:0.0.0.0]:80", NETWORK_TCP6, "0.0.0.0:80", false},
	{"[fe80::1%lo]:0", NETWORK_TCP, "[fe80::1%lo]:0", false},
	{"[fe80::1%1]:0", NETWORK_TCP, "[fe80::1%lo]:0", false},
	{"localhost:7007", NETWORK_TCP4, "127.0.0.1:7007", false},
};

TEST_ROWS(
	a_host_is_found_within_its_network_and_written_so_that_it_reads_back, SUITE_COUNT(lookups))
{
	char text[ADDRESS_TEXT_MAX];

	if (strncmp(lookups[_i].text, "localhost:", 10) == 0 && !suite_knows_localhost(__func__))
		return;
	struct address a = must_lookup(lookups[_i].text, lookups[_i].network);
	ck_assert_str_eq(address_format(&a, text), lookups[_i].found);
	ck_assert_uint_eq(address_port(&a), must_parse(lookups[_i].text).port);
	ck_assert_int_eq(address_is_wildcard(&a), lookups[_i].wildcard);
	ck_assert_uint_eq(
		address_size(&a), a.any.sa_family == AF_INET ? sizeof a.in4 : sizeof a.in6);
	/* A mapped address is written as the IPv4 address that it stands for. */
	if (!strstr(lookups[_i].text, "ffff:0")) {
		struct address again = must_lookup(text, NETWORK_TCP);
		ck_assert(address_equal(&a, &again));
	}
}

static const struct {
	const char *text;
	enum network network;
	int error;
	const char *names;
} misses[] = {
	{"[::1]:1", NETWORK_TCP4, EINVAL, "no IPv4 address"},
	{"[::]:1", NETWORK_TCP4, EINVAL, "no IPv4 address"},
	{"127.0.0.1:1", NETWORK_TCP6, EINVAL, "no IPv6 address"},
	{"0.0.0.0:1", NETWORK_TCP6, EINVAL, "no IPv6 address"},
	/* An empty label: no resolver needs to be asked. */
	{"a..b:1", NETWORK_TCP, ENOENT, ""},
	{"[fe80::1%nonesuch0]:1", NETWORK_TCP, ENOENT, ""},
};

TEST_ROWS(a_host_that_its_network_does_not_have_is_a_fault_by_name, SUITE_COUNT(misses))
{
	struct host_port where = must_parse(misses[_i].text);
	struct address list[8];
	const char *mistake = NULL;

	ck_assert_int_eq(
		address_lookup(&where, misses[_i].network, list, SUITE_COUNT(list), &mistake),
		-misses[_i].error);
	ck_assert_ptr_nonnull(mistake);
	ck_assert_ptr_nonnull(strstr(mistake, misses[_i].names));
}

TEST(a_lookup_returns_no_more_than_it_has_room_for)
{
	struct host_port where = must_parse("localhost:7007");
	struct address list[2];
	struct address untouched;
	const char *mistake;

	if (!suite_knows_localhost(__func__))
		return;
	memset(list, 0xa5, sizeof list);
	untouched = list[1];
	ck_assert_int_eq(address_lookup(&where, NETWORK_TCP, list, 1, &mistake), 1);
	ck_assert_mem_eq(&list[1], &untouched, sizeof untouched);
}

TEST(the_first_ipv4_address_is_preferred_and_else_the_first)
{
	const struct address six = must_lookup("[::1]:1", NETWORK_TCP);
	const struct address other_six = must_lookup("[::2]:1", NETWORK_TCP);
	const struct address four = must_lookup("127.0.0.1:1", NETWORK_TCP);
	const struct address other_four = must_lookup("127.0.0.2:1", NETWORK_TCP);
	const struct address mixed[] = {six, other_six, four, other_four};
	const struct address sixes[] = {six, other_six};

	ck_assert_ptr_eq(address_preferred(mixed, 4), &mixed[2]);
	ck_assert_ptr_eq(address_preferred(mixed, 2), &mixed[0]);
	ck_assert_ptr_eq(address_preferred(sixes, 2), &sixes[0]);
	ck_assert_ptr_eq(address_preferred(sixes, 1), &sixes[0]);
}

TEST(the_longest_address_fits_its_text)
{
	struct address a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(65535)}};
	char text[ADDRESS_TEXT_MAX];

	memset(&a.in6.sin6_addr, 0xfe, sizeof a.in6.sin6_addr);
	/* An interface that is not there is written as its number. */
	a.in6.sin6_scope_id = UINT32_MAX;
	ck_assert_str_eq(address_format(&a, text),
		"[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295]:65535");
}

/* All different from each other. */
static const char *const distinct[] = {
	"127.0.0.1:1",
	"127.0.0.1:2",
	"127.0.0.2:1",
	"[::1]:1",
	"[::1]:2",
	"[::2]:1",
	"[::ffff:127.0.0.1]:1",
	"[fe80::1%lo]:1",
	"[fe80::1%4711]:1",
	"0.0.0.0:1",
	"[::]:1",
};

TEST_ROWS(addresses_are_equal_when_all_of_them_is, SUITE_COUNT(distinct))
{
	struct address a = must_lookup(distinct[_i], NETWORK_TCP);

	for (int i = 0; i < (int)SUITE_COUNT(distinct); i++) {
		struct address b = must_lookup(distinct[i], NETWORK_TCP);
		ck_assert_msg(
			address_equal(&a, &b) == (i == _i), "%s and %s", distinct[_i], distinct[i]);
	}
}

TEST(what_is_no_part_of_an_address_does_not_make_it_another)
{
	struct address a = must_lookup("127.0.0.1:1", NETWORK_TCP);
	struct address b = must_lookup("127.0.0.1:1", NETWORK_TCP);
	struct address c = must_lookup("[::1]:1", NETWORK_TCP);
	struct address d = must_lookup("[::1]:1", NETWORK_TCP);

	memset(b.in4.sin_zero, 0xa5, sizeof b.in4.sin_zero);
	ck_assert(address_equal(&a, &b));
	d.in6.sin6_flowinfo = 4711;
	ck_assert(address_equal(&c, &d));
}
