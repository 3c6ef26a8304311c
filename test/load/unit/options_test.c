/* SPDX-License-Identifier: ISC */
/* options_test - the command line, its refusals, and that the manual page knows every option. */
#include "test/load/settings/options.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static struct settings settings;
static char fault[OPTIONS_FAULT_MAX];

/* Words between single spaces, behind the program's name. */
static enum options_outcome parse(const char *line)
{
	static char words[512];
	char *argv[64] = {"run"};
	char *rest = NULL;
	int argc = 1;

	ck_assert_uint_lt(strlen(line), sizeof words);
	memcpy(words, line, strlen(line) + 1);
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	fault[0] = '\0';
	return options_parse(argc, argv, &settings, fault);
}

static void must_refuse(const char *line, const char *because)
{
	ck_assert_msg(parse(line) == OPTIONS_WRONG, "%s", line);
	ck_assert_msg(strstr(fault, because) != NULL, "%s: said \"%s\"", line, fault);
}

TEST(an_address_is_enough)
{
	ck_assert_int_eq(parse("127.0.0.1:7007"), OPTIONS_RUN);
	ck_assert_uint_eq(settings.connections, 64);
	ck_assert_uint_eq(settings.in_flight, 1);
	ck_assert_int_eq(settings.duration_ns, 10000000000);
	ck_assert_int_eq(settings.size.min_bytes, 64);
	ck_assert_int_eq(settings.size.max_bytes, 64);
	ck_assert_str_eq(settings.prefix, "echo: ");
	ck_assert_int_eq(settings.endpoint.service, SERVICE_LINE);
	ck_assert_uint_eq(settings.rate.count, 0);
	ck_assert_uint_ge(settings.threads, 1);
}

TEST(every_option_is_read)
{
	ck_assert_int_eq(
		parse("-c 10 -d 3s -n 500 -s 1KiB-64KiB -P8 --threads=2 --rate 1000/s "
		      "--connect-rate 50 --ramp 2s --per-connection 7 --close reset "
		      "--source 127.0.0.2-127.0.0.9 --timeout 250ms --seed 99 --prefix > "
		      "--json out --fail-if p99>5ms --fail-if errors>0 tcp4:localhost:80=line"),
		OPTIONS_RUN);
	ck_assert_uint_eq(settings.connections, 10);
	ck_assert_int_eq(settings.duration_ns, 3000000000);
	ck_assert_uint_eq(settings.messages, 500);
	ck_assert_int_eq(settings.size.min_bytes, 1024);
	ck_assert_int_eq(settings.size.max_bytes, 65536);
	ck_assert_uint_eq(settings.in_flight, 8);
	ck_assert_uint_eq(settings.threads, 2);
	ck_assert_double_eq(rate_per_s(&settings.rate), 1000);
	ck_assert_double_eq(rate_per_s(&settings.connect_rate), 50);
	ck_assert_int_eq(settings.ramp_ns, 2000000000);
	ck_assert_uint_eq(settings.per_connection, 7);
	ck_assert(settings.close_by_reset);
	ck_assert_uint_eq(settings.sources.count, 8);
	ck_assert_int_eq(settings.timeout_ns, 250000000);
	ck_assert_uint_eq(settings.seed, 99);
	ck_assert_str_eq(settings.prefix, ">");
	ck_assert_str_eq(settings.json_path, "out");
	ck_assert_uint_eq(settings.bounds.count, 2);
	ck_assert_int_eq(settings.endpoint.network, NETWORK_TCP4);
	ck_assert_str_eq(settings.endpoint.where.host, "localhost");
}

TEST(options_may_stand_behind_the_address)
{
	ck_assert_int_eq(parse("[::1]:7007=frame -c 3"), OPTIONS_RUN);
	ck_assert_uint_eq(settings.connections, 3);
	ck_assert_str_eq(settings.endpoint.where.host, "::1");
	ck_assert_int_eq(settings.endpoint.service, SERVICE_FRAME);
}

TEST(wrong_options_are_refused_with_what_would_be_right)
{
	must_refuse("", "an address is missing");
	must_refuse("a:1 b:2", "there is an address already");
	must_refuse("--nonsense a:1", "there is no such option");
	must_refuse("-x a:1", "there is no such option");
	must_refuse("a:1 -c", "a value must follow: N");
	must_refuse("--prefix-any=yes a:1", "takes no value");
	must_refuse("-c 0 a:1", "too small (from 1 to 1000000)");
	must_refuse("-c 1000001 a:1", "too large");
	must_refuse("-c ten a:1", "not a whole number");
	must_refuse("-c -1 a:1", "not a whole number");
	must_refuse("-d 10 a:1", "a number and a unit");
	must_refuse("-s 64 a:1", "as in 64B or 64B-1KiB");
	must_refuse("-s 2KiB-1KiB a:1", "the smaller size comes first");
	must_refuse("-s 65MiB a:1", "at most 64MiB");
	must_refuse("--rate 10/ms a:1", "a number, with k, M or G");
	must_refuse("--prefix x a:1=frame", "only the replies of line");
	must_refuse("--rate 0/s a:1", "it is above 0");
	must_refuse("--rate 2G/s a:1", "at most 1G/s");
	must_refuse("--banner {id}{peer} a:1", "between two placeholders");
	must_refuse("--close quickly a:1", "fin or reset");
	must_refuse("--fail-if slow a:1", "it does not begin with a metric");
	must_refuse("--source here a:1", "a source is an IP address");
	must_refuse("-s 0B a:1=echo", "no payload can be empty");
	must_refuse("--prefix-any a:1=frame", "only the replies of line have a prefix");
	must_refuse("a:1=telnet", "not one of line, frame, echo");
	must_refuse("a", "missing port");
	must_refuse(":7007", "the host is empty");
	must_refuse("a:0", "port 0");
	must_refuse("127.0.0.1:99999", "above 65535");
}

TEST(sources_are_ranges_and_lists)
{
	static const struct {
		uint64_t index;
		const char *text;
	} rows[] = {
		{0, "127.0.0.254:0"},
		{2, "127.0.1.0:0"},
		{3, "127.0.1.1:0"},
		{4, "127.9.0.1:0"},
		{5, "127.0.0.254:0"},
	};
	char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(parse("--source 127.0.0.254-127.0.1.1,127.9.0.1 a:1"), OPTIONS_RUN);
	ck_assert_uint_eq(settings.sources.count, 5);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct address a = endpoint_source(&settings.sources, rows[i].index);
		ck_assert_str_eq(address_format(&a, text), rows[i].text);
	}
	must_refuse("--source 127.0.0.9-127.0.0.2 a:1", "the first one first");
	must_refuse("--source 127.0.0.1-::1 a:1", "differ");
}

/* The help, as one text; the caller frees it. */
static char *must_print_help(void)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	options_print_help(to);
	fclose(to);
	return text;
}

TEST(the_help_has_all_that_one_needs_on_80_columns)
{
	static const char *const words[] = {"The load:", "Connections:", "Messages and replies:",
		"The result:", "Metrics of --fail-if", "not_sent", "Exit status:", "Examples:"};
	char *text = must_print_help();
	char name[64];

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "%s", words[i]);
	for (size_t i = 0; options_name(i); i++) {
		snprintf(name, sizeof name, "%s ", options_name(i));
		ck_assert_msg(strstr(text, name) != NULL, "%s", name);
	}
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "%.90s", line);
	free(text);
}

TEST(the_manual_page_knows_every_option)
{
	static char page[65536];
	FILE *f = fopen(getenv("MANUAL_PAGE"), "re");

	ck_assert_ptr_nonnull(f);
	page[fread(page, 1, sizeof page - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; options_name(i); i++) {
		char item[64];
		/* mdoc(7): ".It Fl c , Fl -connections Ar N" or ".It Fl -rate Ar N". */
		if (options_letter(i)[0])
			snprintf(item, sizeof item, ".It Fl %s , Fl %s", options_letter(i) + 1,
				options_name(i) + 1);
		else
			snprintf(item, sizeof item, ".It Fl %s", options_name(i) + 1);
		ck_assert_msg(strstr(page, item) != NULL, "not in the manual page: %s", item);
	}
}
