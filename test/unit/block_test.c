/* SPDX-License-Identifier: ISC */
/* Proves block: what is a block, what is none and why, and which addresses are in which. */
#include "common/block.h"

#include "test/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISTAKE_MAX 256

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
	char mistake[MISTAKE_MAX] = "";
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

/* The next word of a text with blanks between them; NULL after the last. */
static char *next_word(const char **text, char word[MISTAKE_MAX])
{
	size_t len = strcspn(*text, " ");

	memcpy(word, *text, len);
	word[len] = '\0';
	*text += len + strspn(*text + len, " ");
	return len > 0 ? word : NULL;
}

static const struct {
	const char *text;
	int family;
	unsigned length;
	unsigned char prefix[16];
} good[] = {
	{"10.0.0.0/8", AF_INET, 8, {10}},
	{"192.0.2.1", AF_INET, 32, {192, 0, 2, 1}},
	{"192.0.2.254/31", AF_INET, 31, {192, 0, 2, 254}},
	{"128.0.0.0/1", AF_INET, 1, {128}},
	{"0.0.0.0/0", AF_INET, 0, {0}},
	{"2001:DB8:0:0::/32", AF_INET6, 32, {0x20, 0x01, 0x0d, 0xb8}},
	{"2001:db8:f000::/36", AF_INET6, 36, {0x20, 0x01, 0x0d, 0xb8, 0xf0}},
	{"::1", AF_INET6, 128, {[15] = 1}},
	{"::2/127", AF_INET6, 127, {[15] = 2}},
	{"::/0", AF_INET6, 0, {0}},
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

/* A mistake, and texts that have it; after '=' what the list says would be right. */
static const struct {
	const char *mistake;
	const char *texts;
} bad[] = {
	{"it is not an IPv4 or IPv6 address",
		"/8 10 10/8 10.0.0/8 10.0.0.0.0 010.0.0.0/8 0x0a.0.0.0/8 256.0.0.0/8 10.0.0.0:80 "
		"localhost [::1] ::1:: ::: 12345:: 10.0.0.0; "
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb "
		"00000000000000000000000000000000000000000000000010.0.0.0"},
	{"a zone has no place in a block", "fe80::1%eth0 fe80::%1/64"},
	{"the prefix of an IPv4 block has a length from 0 to 32",
		"10.0.0.0/ 10.0.0.0/33 10.0.0.0/128 10.0.0.0/08 10.0.0.0/+8 10.0.0.0/-1 "
		"10.0.0.0/8/8 10.0.0.0/8x 10.0.0.0/255.0.0.0 10.0.0.0/4294967304 10.0.0.0/65544"},
	{"the prefix of an IPv6 block has a length from 0 to 128", "::/ ::/129 ::/00"},
	{"bits are set after the prefix, where zeros belong",
		"10.0.0.1/8=10.0.0.0/8 10.128.0.0/8=10.0.0.0/8 192.0.2.255/31=192.0.2.254/31 "
		"0.0.0.1/0=0.0.0.0/0 172.31.0.0/12=172.16.0.0/12 2001:db8::1/64=2001:db8::/64 "
		"::3/127=::2/127 8000::/0=::/0 "
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/127"
		"=ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127 "
		/* So short a prefix is not of the mapped addresses alone. */
		"::ffff:0:0/95=::fffe:0:0/95"},
	{"an IPv4-mapped address counts as IPv4",
		"::ffff:192.0.2.1=192.0.2.1 ::ffff:c000:201/128=192.0.2.1 "
		"::ffff:10.0.0.0/104=10.0.0.0/8 ::ffff:10.0.0.1/104=10.0.0.0/8 "
		"::ffff:0:0/96=0.0.0.0/0"},
};

static const struct block untouched = {.family = 4711};

/* In a list it is named, and what would be right is said last, and is a block. */
static void is_named_in_a_list(const char *text, const char *mistake, const char *better)
{
	char list[2 * MISTAKE_MAX];
	char expected[2 * MISTAKE_MAX] = "";
	char got[MISTAKE_MAX] = "";

	snprintf(list, sizeof list, "192.0.2.1, %s, 10.0.0.7/8", text);
	ck_assert_ptr_null(block_list_parse(list, got, sizeof got));
	/* A long text is cut off. */
	ck_assert_msg(got[0] == '"' && strncmp(got + 1, text, strnlen(text, 14)) == 0, "%s", got);
	ck_assert_msg(strstr(got, mistake), "%s", got);
	if (better) {
		snprintf(expected, sizeof expected, ": write \"%s\"", better);
		(void)must_block(better);
	}
	ck_assert_uint_gt(strlen(got), strlen(expected));
	ck_assert_str_eq(got + strlen(got) - strlen(expected), expected);
	ck_assert(better || !strstr(got, "write"));
}

TEST_ROWS(what_is_no_block_is_refused_by_name_and_the_result_left_alone, SUITE_COUNT(bad))
{
	const char *texts = bad[_i].texts;
	char word[MISTAKE_MAX];

	while (next_word(&texts, word)) {
		struct block b = untouched;
		const char *mistake = "";
		char *better = strchr(word, '=');
		if (better)
			*better++ = '\0';
		ck_assert_int_eq(block_parse(word, &b, &mistake), -EINVAL);
		ck_assert(block_equal(&b, &untouched));
		ck_assert_msg(strstr(mistake, bad[_i].mistake) == mistake, "%s: %s", word, mistake);
		is_named_in_a_list(word, bad[_i].mistake, better);
	}
}

TEST(a_mistake_is_cut_off_where_its_room_ends)
{
	char mistake[9] = "........";

	ck_assert_ptr_null(block_list_parse("10.0.0.1/8", mistake, 5));
	ck_assert_str_eq(mistake, "\"10.");
	ck_assert_str_eq(mistake + 5, "...");
}

static const struct {
	const char *text;
	const char *blocks; /* the same with one blank between them */
} lists[] = {
	{"", ""},
	{" ", ""},
	{",", ""},
	{" 10.0.0.0/8 ", "10.0.0.0/8"},
	{"10.0.0.0/8,", "10.0.0.0/8"},
	{"10.0.0.0/8,::1", "10.0.0.0/8 ::1"},
	{"10.0.0.0/8 ,\t::1\r\n192.0.2.1", "10.0.0.0/8 ::1 192.0.2.1"},
	{"::1,::1", "::1 ::1"},
};

TEST_ROWS(a_list_has_commas_or_white_space_between_its_blocks, SUITE_COUNT(lists))
{
	struct block_list *list = must_list(lists[_i].text);
	const char *blocks = lists[_i].blocks;
	char word[MISTAKE_MAX];
	size_t count = 0;

	while (next_word(&blocks, word)) {
		struct block b = must_block(word);
		ck_assert_uint_lt(count, list->count);
		ck_assert(block_equal(&list->blocks[count++], &b));
	}
	ck_assert_uint_eq(list->count, count);
	block_list_free(list);
	block_list_free(NULL);
}

/* An IPv4-mapped address is that of an IPv4 client of a dual-stack socket. */
static const struct {
	const char *list;
	const char *in;
	const char *out;
} members[] = {
	{"", "", "10.0.0.1 ::1"},
	{"10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3",
		"11.0.0.0 9.255.255.255 ::ffff:11.1.2.3"},
	{"0.0.0.0/0", "255.255.255.255 ::ffff:192.0.2.1", "::1"},
	{"::/0", "::1", "::ffff:192.0.2.1 192.0.2.1"},
	/* The same bytes in the other family. */
	{"32.1.13.184/32", "32.1.13.184", "2001:db8::"},
	{"2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9:: 32.1.13.184"},
	{"10.0.0.0/8 ::1 192.0.2.0/24", "192.0.2.7 ::1 10.0.0.7", "192.0.3.7 ::2 8000::1"},
};

TEST_ROWS(an_address_is_in_the_blocks_whose_prefix_it_begins_with, 2 * SUITE_COUNT(members))
{
	struct block_list *list = must_list(members[_i / 2].list);
	const char *texts = _i % 2 ? members[_i / 2].in : members[_i / 2].out;
	char word[MISTAKE_MAX];

	while (next_word(&texts, word)) {
		struct address a = must_address(word);
		ck_assert_msg(block_list_has(list, &a) == _i % 2, "%s", word);
		/* A zone is not looked at. */
		if (a.any.sa_family == AF_INET6)
			a.in6.sin6_scope_id = 3;
		ck_assert_msg(block_list_has(list, &a) == _i % 2, "%s with a zone", word);
	}
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

/* Every text of a few words: block_parse() and a list of one agree, and each refusal says why. */

static void check_any(const char *text)
{
	char mistake[MISTAKE_MAX] = "";
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
	const char *words[9];
	size_t most;
} languages[] = {
	{{"1", ".", "/", "3"}, 8},
	{{"1", ":", "/", "0", "f"}, 7},
	{{"1.2.3.", "::", "ffff:", "8", "/", "%", " ", ","}, 5},
};

static void check_all(const char *const *words, size_t most, char *text)
{
	char *end = text + strlen(text);

	check_any(text);
	for (const char *const *w = words; most > 0 && *w; w++) {
		strcpy(end, *w);
		check_all(words, most - 1, text);
	}
	*end = '\0';
}

TEST_ROWS(every_text_is_a_block_or_has_a_mistake, SUITE_COUNT(languages))
{
	char text[64] = "";

	check_all(languages[_i].words, languages[_i].most, text);
}
