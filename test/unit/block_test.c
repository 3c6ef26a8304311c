/* SPDX-License-Identifier: ISC */
/* Proves block: what is a block, what is none and why, and who is in which. */
#include "common/block.h"

#include "test/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_MAX 256

static struct address must_address(const char *text)
{
	struct address a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(7)}};

	if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
		return a;
	a = (struct address){.in4 = {.sin_family = AF_INET, .sin_port = htons(7)}};
	ck_assert_int_eq(inet_pton(AF_INET, text, &a.in4.sin_addr), 1);
	return a;
}

static struct block_list *must_list(const char *text)
{
	char mistake[FAULT_MAX] = "";
	struct block_list *list = block_list_parse(text, mistake, sizeof mistake);

	ck_assert_msg(list, "\"%s\": %s", text, mistake);
	return list;
}

static struct block must_block(const char *text)
{
	struct block b;
	const char *mistake;

	ck_assert_msg(block_parse(text, &b, &mistake) == 0, "\"%s\": %s", text, mistake);
	return b;
}

static const struct {
	const char *text;
	int family;
	unsigned length;
	unsigned char prefix[16];
} good[] = {
	{"10.0.0.0/8", AF_INET, 8, {10}},
	{"192.0.2.1", AF_INET, 32, {192, 0, 2, 1}},
	{"192.0.2.1/32", AF_INET, 32, {192, 0, 2, 1}},
	{"192.0.2.254/31", AF_INET, 31, {192, 0, 2, 254}},
	{"172.16.0.0/12", AF_INET, 12, {172, 16}},
	{"128.0.0.0/1", AF_INET, 1, {128}},
	{"0.0.0.0/0", AF_INET, 0, {0}},
	{"255.255.255.255", AF_INET, 32, {255, 255, 255, 255}},
	{"2001:db8::/32", AF_INET6, 32, {0x20, 0x01, 0x0d, 0xb8}},
	{"2001:DB8:0:0::/32", AF_INET6, 32, {0x20, 0x01, 0x0d, 0xb8}},
	{"2001:db8:f000::/36", AF_INET6, 36, {0x20, 0x01, 0x0d, 0xb8, 0xf0}},
	{"::1", AF_INET6, 128, {[15] = 1}},
	{"::1/128", AF_INET6, 128, {[15] = 1}},
	{"::2/127", AF_INET6, 127, {[15] = 2}},
	{"::/0", AF_INET6, 0, {0}},
	{"8000::/1", AF_INET6, 1, {0x80}},
	{"64:ff9b::192.0.2.0/120", AF_INET6, 120,
		{0, 0x64, 0xff, 0x9b, [12] = 192, [13] = 0, [14] = 2}},
	/* Larger than the mapped addresses, or beside them. */
	{"::/80", AF_INET6, 80, {0}},
	{"::fffe:0:0/95", AF_INET6, 95, {[10] = 0xff, [11] = 0xfe}},
	{"::fffe:0:0/96", AF_INET6, 96, {[10] = 0xff, [11] = 0xfe}},
	{"1::ffff:0:0/96", AF_INET6, 96, {[1] = 1, [10] = 0xff, [11] = 0xff}},
};

TEST_ROWS(an_address_with_or_without_a_length_is_a_block, SUITE_COUNT(good))
{
	struct block b = must_block(good[_i].text);

	ck_assert_int_eq(b.family, good[_i].family);
	ck_assert_uint_eq(b.length, good[_i].length);
	ck_assert_mem_eq(b.prefix, good[_i].prefix, sizeof b.prefix);
}

#define NO_BLOCK "it is not an IPv4 or IPv6 address"
#define LENGTH_4 "the prefix of an IPv4 block has a length from 0 to 32"
#define LENGTH_6 "the prefix of an IPv6 block has a length from 0 to 128"
#define BITS     "bits are set behind the prefix, where zeros belong"
#define MAPPED   "an IPv4-mapped address counts as IPv4"
#define ZONE     "a zone has no place in a block"

/* better: what the list says would be right. */
static const struct {
	const char *text;
	const char *mistake;
	const char *better;
} bad[] = {
	{"/8", NO_BLOCK, NULL},
	{"10", NO_BLOCK, NULL},
	{"10/8", NO_BLOCK, NULL},
	{"10.0.0/8", NO_BLOCK, NULL},
	{"10.0.0.0.0", NO_BLOCK, NULL},
	{"010.0.0.0/8", NO_BLOCK, NULL},
	{"0x0a.0.0.0/8", NO_BLOCK, NULL},
	{"256.0.0.0/8", NO_BLOCK, NULL},
	{"10.0.0.0:80", NO_BLOCK, NULL},
	{"localhost", NO_BLOCK, NULL},
	{"[::1]", NO_BLOCK, NULL},
	{"::1::", NO_BLOCK, NULL},
	{":::", NO_BLOCK, NULL},
	{"12345::", NO_BLOCK, NULL},
	{"10.0.0.0;", NO_BLOCK, NULL},
	{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NO_BLOCK, NULL},
	{"00000000000000000000000000000000000000000000000010.0.0.0", NO_BLOCK, NULL},
	{"fe80::1%eth0", ZONE, NULL},
	{"fe80::%1/64", ZONE, NULL},
	{"10.0.0.0/", LENGTH_4, NULL},
	{"10.0.0.0/33", LENGTH_4, NULL},
	{"10.0.0.0/128", LENGTH_4, NULL},
	{"10.0.0.0/08", LENGTH_4, NULL},
	{"10.0.0.0/+8", LENGTH_4, NULL},
	{"10.0.0.0/-1", LENGTH_4, NULL},
	{"10.0.0.0/8/8", LENGTH_4, NULL},
	{"10.0.0.0/8x", LENGTH_4, NULL},
	{"10.0.0.0/255.0.0.0", LENGTH_4, NULL},
	{"10.0.0.0/4294967304", LENGTH_4, NULL},
	{"10.0.0.0/65544", LENGTH_4, NULL},
	{"::/", LENGTH_6, NULL},
	{"::/129", LENGTH_6, NULL},
	{"::/00", LENGTH_6, NULL},
	{"10.0.0.1/8", BITS, "10.0.0.0/8"},
	{"10.128.0.0/8", BITS, "10.0.0.0/8"},
	{"192.0.2.255/31", BITS, "192.0.2.254/31"},
	{"0.0.0.1/0", BITS, "0.0.0.0/0"},
	{"172.31.0.0/12", BITS, "172.16.0.0/12"},
	{"2001:db8::1/64", BITS, "2001:db8::/64"},
	{"::3/127", BITS, "::2/127"},
	{"8000::/0", BITS, "::/0"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/127", BITS,
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
	{"::ffff:192.0.2.1", MAPPED, "192.0.2.1"},
	{"::ffff:c000:201/128", MAPPED, "192.0.2.1"},
	{"::ffff:10.0.0.0/104", MAPPED, "10.0.0.0/8"},
	{"::ffff:10.0.0.1/104", MAPPED, "10.0.0.0/8"},
	{"::ffff:0:0/96", MAPPED, "0.0.0.0/0"},
	/* So short a prefix is not of the mapped addresses alone. */
	{"::ffff:0:0/95", BITS, "::fffe:0:0/95"},
};

static const struct block untouched = {.family = 4711};

TEST_ROWS(what_is_no_block_is_refused_and_the_result_left_alone, SUITE_COUNT(bad))
{
	struct block b = untouched;
	const char *mistake = NULL;

	ck_assert_int_eq(block_parse(bad[_i].text, &b, &mistake), -EINVAL);
	ck_assert(block_equal(&b, &untouched));
	ck_assert_msg(strncmp(mistake, bad[_i].mistake, strlen(bad[_i].mistake)) == 0, "\"%s\": %s",
		bad[_i].text, mistake);
}

TEST(an_empty_text_is_no_block)
{
	struct block b = untouched;
	const char *mistake = NULL;

	ck_assert_int_eq(block_parse("", &b, &mistake), -EINVAL);
	ck_assert_ptr_nonnull(mistake);
	ck_assert(block_equal(&b, &untouched));
}

TEST_ROWS(a_list_says_which_block_is_wrong_and_what_would_be_right, SUITE_COUNT(bad))
{
	char text[FAULT_MAX];
	char mistake[FAULT_MAX] = "";
	char better[FAULT_MAX] = "";
	char named[16];

	snprintf(text, sizeof text, "192.0.2.1, %s, 10.0.0.7/8", bad[_i].text);
	ck_assert_ptr_null(block_list_parse(text, mistake, sizeof mistake));
	snprintf(named, sizeof named, "\"%s", bad[_i].text);
	ck_assert_msg(strncmp(mistake, named, strlen(named)) == 0, "%s", mistake);
	ck_assert_msg(strstr(mistake, bad[_i].mistake), "%s", mistake);
	if (bad[_i].better)
		snprintf(better, sizeof better, ": write \"%s\"", bad[_i].better);
	ck_assert_msg(strlen(mistake) > strlen(better), "%s", mistake);
	ck_assert_str_eq(mistake + strlen(mistake) - strlen(better), better);
	ck_assert(bad[_i].better || !strstr(mistake, "write"));
	/* What it advises is a block. */
	if (bad[_i].better)
		(void)must_block(bad[_i].better);
}

TEST(a_fault_is_cut_off_where_its_room_ends)
{
	char mistake[9] = "........";

	ck_assert_ptr_null(block_list_parse("10.0.0.1/8", mistake, 5));
	ck_assert_str_eq(mistake, "\"10.");
	ck_assert_str_eq(mistake + 5, "...");
}

static const struct {
	const char *text;
	const char *blocks[4];
} lists[] = {
	{"", {NULL}},
	{" ", {NULL}},
	{",", {NULL}},
	{"10.0.0.0/8", {"10.0.0.0/8"}},
	{" 10.0.0.0/8 ", {"10.0.0.0/8"}},
	{"10.0.0.0/8,", {"10.0.0.0/8"}},
	{"10.0.0.0/8,::1", {"10.0.0.0/8", "::1"}},
	{"10.0.0.0/8 ::1", {"10.0.0.0/8", "::1"}},
	{"10.0.0.0/8, ::1", {"10.0.0.0/8", "::1"}},
	{"10.0.0.0/8 ,\t::1\r\n192.0.2.1", {"10.0.0.0/8", "::1", "192.0.2.1"}},
	{"::1,::1", {"::1", "::1"}},
};

TEST_ROWS(a_list_has_commas_or_white_space_between_its_blocks, SUITE_COUNT(lists))
{
	struct block_list *list = must_list(lists[_i].text);
	size_t count = 0;

	for (const char *const *text = lists[_i].blocks; *text; text++, count++) {
		struct block b = must_block(*text);
		ck_assert_uint_lt(count, list->count);
		ck_assert(block_equal(&list->blocks[count], &b));
	}
	ck_assert_uint_eq(list->count, count);
	block_list_free(list);
}

TEST(no_list_can_be_freed)
{
	block_list_free(NULL);
}

static const struct {
	const char *list;
	const char *address;
	bool has;
} members[] = {
	{"", "10.0.0.1", false},
	{"", "::1", false},
	{"10.0.0.0/8", "10.0.0.0", true},
	{"10.0.0.0/8", "10.255.255.255", true},
	{"10.0.0.0/8", "11.0.0.0", false},
	{"10.0.0.0/8", "9.255.255.255", false},
	{"192.0.2.1", "192.0.2.1", true},
	{"192.0.2.1", "192.0.2.0", false},
	{"192.0.2.1", "192.0.2.3", false},
	{"172.16.0.0/12", "172.31.255.255", true},
	{"172.16.0.0/12", "172.32.0.0", false},
	{"172.16.0.0/12", "172.15.255.255", false},
	{"192.0.2.254/31", "192.0.2.255", true},
	{"192.0.2.254/31", "192.0.2.253", false},
	{"128.0.0.0/1", "127.255.255.255", false},
	{"128.0.0.0/1", "128.0.0.0", true},
	{"0.0.0.0/0", "255.255.255.255", true},
	/* As a dual-stack socket has them. */
	{"10.0.0.0/8", "::ffff:10.1.2.3", true},
	{"10.0.0.0/8", "::ffff:11.1.2.3", false},
	{"0.0.0.0/0", "::ffff:192.0.2.1", true},
	{"0.0.0.0/0", "::1", false},
	{"::/0", "::ffff:192.0.2.1", false},
	{"::/0", "192.0.2.1", false},
	{"::/0", "::1", true},
	/* The same bytes in the other family. */
	{"32.1.13.184/32", "2001:db8::", false},
	{"2001:db8::/32", "32.1.13.184", false},
	{"2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
	{"2001:db8::/32", "2001:db9::", false},
	{"2001:db8:f000::/36", "2001:db8:ff00::", true},
	{"2001:db8:f000::/36", "2001:db8:e000::", false},
	{"::1", "::1", true},
	{"::1", "::2", false},
	{"::1", "8000::1", false},
	{"::2/127", "::3", true},
	{"::2/127", "::1", false},
	{"10.0.0.0/8 ::1 192.0.2.0/24", "192.0.2.7", true},
	{"10.0.0.0/8 ::1 192.0.2.0/24", "::1", true},
	{"10.0.0.0/8 ::1 192.0.2.0/24", "10.0.0.7", true},
	{"10.0.0.0/8 ::1 192.0.2.0/24", "192.0.3.7", false},
};

TEST_ROWS(an_address_is_in_the_blocks_whose_prefix_it_begins_with, SUITE_COUNT(members))
{
	struct block_list *list = must_list(members[_i].list);
	struct address a = must_address(members[_i].address);

	ck_assert_int_eq(block_list_has(list, &a), members[_i].has);
	block_list_free(list);
}

TEST(a_zone_is_not_looked_at)
{
	struct block_list *list = must_list("fe80::/64");
	struct address a = must_address("fe80::1");

	a.in6.sin6_scope_id = 3;
	ck_assert(block_list_has(list, &a));
	block_list_free(list);
}

static const struct {
	const char *address;
	const char *block;
} around[] = {
	{"192.0.2.255", "192.0.2.240/28"},
	{"::ffff:192.0.2.255", "192.0.2.240/28"},
	{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/63"},
	{"2001:db8:1:3:3:4:5:6", "2001:db8:1:2::/63"},
};

TEST_ROWS(an_address_has_a_block_around_it, SUITE_COUNT(around))
{
	struct address a = must_address(around[_i].address);
	struct block got = block_of(&a, 28, 63);
	struct block due = must_block(around[_i].block);

	ck_assert(block_equal(&got, &due));
}

/* Every length: the first and the last address are in, and those beside them are not. */

static int bit_of(const unsigned char *bytes, unsigned bit)
{
	return bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static void flip(struct address *a, unsigned bit)
{
	unsigned char *bytes = a->any.sa_family == AF_INET ? (unsigned char *)&a->in4.sin_addr
							   : a->in6.sin6_addr.s6_addr;

	bytes[bit / 8] ^= (unsigned char)(0x80 >> bit % 8);
}

TEST_ROWS(of_every_length_each_bit_of_the_prefix_counts_and_no_other, 2)
{
	const char *const hosts[] = {"170.85.204.51", "aa55:cc33:f00f:1234:5678:9abc:def0:aa55"};
	struct block_list *list = must_list("::1");
	struct address a = must_address(hosts[_i]);
	unsigned bits = _i == 0 ? 32 : 128;

	for (unsigned length = 0; length <= bits; length++) {
		list->blocks[0] = block_of(&a, length, length);
		for (unsigned bit = length; bit < bits; bit++)
			ck_assert_int_eq(bit_of(list->blocks[0].prefix, bit), 0);
		for (unsigned bit = 0; bit < bits; bit++) {
			flip(&a, bit);
			ck_assert_int_eq(block_list_has(list, &a), bit >= length);
			flip(&a, bit);
		}
	}
	block_list_free(list);
}

/* Every text of a few words. */

static void check_any(const char *text)
{
	char mistake[FAULT_MAX] = "";
	char *exact = strdup(text); /* so that a sanitizer sees a step beyond */
	struct block b = untouched;
	const char *sentence = NULL;

	ck_assert_ptr_nonnull(exact);
	int rc = block_parse(exact, &b, &sentence);
	ck_assert_msg(rc == 0 || (rc == -EINVAL && sentence), "\"%s\"", text);
	struct block_list *list = block_list_parse(exact, mistake, sizeof mistake);
	if (rc < 0) {
		ck_assert(block_equal(&b, &untouched));
		/* A list of one may have something around it. */
		ck_assert_msg(!list || list->count != 1 || strpbrk(text, " ,"), "\"%s\"", text);
	} else {
		ck_assert_msg(list && list->count == 1, "\"%s\": %s", text, mistake);
		ck_assert(block_equal(&list->blocks[0], &b));
		for (unsigned bit = b.length; bit < 128; bit++)
			ck_assert_int_eq(bit_of(b.prefix, bit), 0);
	}
	ck_assert(list || mistake[0]);
	block_list_free(list);
	free(exact);
}

static const struct {
	const char *const *words;
	size_t most;
} languages[] = {
	{(const char *const[]){"1", ".", "/", "3", NULL}, 8},
	{(const char *const[]){"1", ":", "/", "0", "f", NULL}, 7},
	{(const char *const[]){"1.2.3.", "::", "ffff:", "8", "/", "%", " ", ",", NULL}, 5},
};

static void check_all(const char *const *words, size_t most, char *text)
{
	char *end = text + strlen(text);

	check_any(text);
	for (const char *const *w = words; most > 0 && *w; w++) {
		memcpy(end, *w, strlen(*w) + 1);
		check_all(words, most - 1, text);
	}
	*end = '\0';
}

TEST_ROWS(every_text_is_a_block_or_has_a_fault, SUITE_COUNT(languages))
{
	char text[64] = "";

	check_all(languages[_i].words, languages[_i].most, text);
}
