/* SPDX-License-Identifier: ISC */
/* options_test - the command line, its refusals, and that the manual page knows every option. */
#include "test/load/settings/options.h"
#include "test/suite.h"

#include <stdlib.h>
#include <string.h>

static struct settings settings;
static char mistake[OPTIONS_MISTAKE_MAX];

/* Words between single spaces, after the program's name. */
static enum options_outcome parse(const char *line)
{
	static char words[512];
	char *argv[64] = {"run"};
	char *rest = NULL;
	int argc = 1;

	snprintf(words, sizeof words, "%s", line);
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	mistake[0] = '\0';
	return options_parse(argc, argv, &settings, mistake);
}

TEST(an_address_is_enough)
{
	ck_assert_int_eq(parse("127.0.0.1:7007"), OPTIONS_RUN);
	ck_assert_uint_eq(settings.connections, 64);
	ck_assert_uint_eq(settings.in_flight, 1);
	ck_assert_int_eq(settings.duration_ns, 10000000000);
	ck_assert_int_eq(settings.timeout_ns, 5000000000);
	ck_assert_int_eq(settings.size.min_bytes, 64);
	ck_assert_int_eq(settings.size.max_bytes, 64);
	ck_assert_str_eq(settings.prefix, "echo: ");
	ck_assert_int_eq(settings.endpoint.service, SERVICE_LINE);
	ck_assert_uint_eq(settings.rate.count, 0);
	ck_assert_uint_ge(settings.threads, 1);
}

TEST(every_option_is_read_on_both_sides_of_the_address)
{
	ck_assert_int_eq(
		parse("-c 10 -d 3s -n 500 -s 1KiB-64KiB -P8 --threads=2 --rate 1000/s "
		      "--connect-rate 50 --ramp 2s --per-connection 7 --close reset -q "
		      "--source 127.0.0.2-127.0.0.9 tcp4:localhost:80=line --timeout 250ms "
		      "--seed 99 --prefix > --prefix-any --banner hi "
		      "--json out --fail-if p99>5ms --fail-if errors>0"),
		OPTIONS_RUN);
	ck_assert(settings.connections == 10 && settings.messages == 500);
	ck_assert(settings.in_flight == 8 && settings.threads == 2);
	ck_assert(settings.per_connection == 7 && settings.seed == 99);
	ck_assert(settings.duration_ns == 3000000000 && settings.ramp_ns == 2000000000);
	ck_assert_int_eq(settings.timeout_ns, 250000000);
	ck_assert(settings.size.min_bytes == 1024 && settings.size.max_bytes == 65536);
	ck_assert_double_eq(rate_per_s(&settings.rate), 1000);
	ck_assert_double_eq(rate_per_s(&settings.connect_rate), 50);
	ck_assert(settings.close_by_reset && settings.quiet && settings.prefix_any);
	ck_assert(settings.sources.count == 8 && settings.bounds.count == 2);
	ck_assert_str_eq(settings.prefix, ">");
	ck_assert_str_eq(settings.banner, "hi");
	ck_assert_str_eq(settings.json_path, "out");
	ck_assert_int_eq(settings.endpoint.network, NETWORK_TCP4);
	ck_assert_str_eq(settings.endpoint.where.host, "localhost");
	ck_assert_int_eq(parse("-h"), OPTIONS_HELP);
	ck_assert_int_eq(parse("[::1]:7007=frame"), OPTIONS_RUN);
	ck_assert_str_eq(settings.endpoint.where.host, "::1");
	ck_assert_int_eq(settings.endpoint.service, SERVICE_FRAME);
}

static const struct {
	const char *line;
	const char *because;
} wrong[] = {
	{"", "an address is missing"},
	{"a:1 b:2", "there is an address already"},
	{"--nonsense a:1", "there is no such option"},
	{"-x a:1", "there is no such option"},
	{"a:1 -c", "a value must follow: N"},
	{"--prefix-any=yes a:1", "takes no value"},
	{"-c 0 a:1", "too small (from 1 to 1000000)"},
	{"-c 1000001 a:1", "too large"},
	{"-c ten a:1", "not a whole number"},
	{"-c -1 a:1", "not a whole number"},
	{"-c 1000000 -P 65536 a:1", "268,435,456"},
	{"-d 10 a:1", "a number and a unit"},
	{"-d 25h a:1", "from 1ms to 24h"},
	{"-s 64 a:1", "as in 64B or 64B-1KiB"},
	{"-s 2KiB-1KiB a:1", "the smaller size comes first"},
	{"-s 65MiB a:1", "at most 64MiB"},
	{"-s 0B a:1=echo", "no payload can be empty"},
	{"--rate 10/ms a:1", "a number, with k, M or G"},
	{"--rate 0/s a:1", "it is above 0"},
	{"--rate 2G/s a:1", "at most 1G/s"},
	{"--prefix x a:1=frame", "only the replies of line"},
	{"--prefix-any a:1=frame", "only the replies of line have a prefix"},
	{"--banner {id}{peer} a:1", "between two placeholders"},
	{"--close quickly a:1", "fin or reset"},
	{"--fail-if slow a:1", "it does not begin with a metric"},
	{"--source here a:1", "a source is an IP address"},
	{"--source 127.0.0.9-127.0.0.2 a:1", "the first one first"},
	{"--source 127.0.0.1-::1 a:1", "differ"},
	{"a:1=telnet", "not one of line, frame, echo"},
	{"a", "missing port"},
	{":7007", "the host is empty"},
	{"a:0", "port 0"},
	{"127.0.0.1:99999", "above 65535"},
};

TEST(wrong_options_are_refused_with_what_would_be_right)
{
	for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
		ck_assert_msg(parse(wrong[i].line) == OPTIONS_WRONG, "%s", wrong[i].line);
		ck_assert_msg(strstr(mistake, wrong[i].because) != NULL, "%s: said \"%s\"",
			wrong[i].line, mistake);
	}
}

TEST(sources_are_ranges_and_lists_used_in_turn)
{
	static const char *const turn[] = {"127.0.0.254:0", "127.0.0.255:0", "127.0.1.0:0",
		"127.0.1.1:0", "127.9.0.1:0", "127.0.0.254:0"};
	char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(parse("--source 127.0.0.254-127.0.1.1,127.9.0.1 a:1"), OPTIONS_RUN);
	ck_assert_uint_eq(settings.sources.count, 5);
	for (size_t i = 0; i < SUITE_COUNT(turn); i++) {
		struct address a = endpoint_source(&settings.sources, i);
		ck_assert_str_eq(address_format(&a, text), turn[i]);
	}
}

TEST(the_help_has_all_that_one_needs_on_80_columns)
{
	static const char *const words[] = {"The load:", "Connections:", "Messages and replies:",
		"The result:", "Metrics of --fail-if", "not_sent", "Exit status:", "Examples:"};
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	options_print_help(to);
	fclose(to);
	for (size_t i = 0; i < SUITE_COUNT(words); i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "%s", words[i]);
	for (size_t i = 0; options_name(i); i++)
		ck_assert_msg(strstr(text, options_name(i)) != NULL, "%s", options_name(i));
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
		bool letter = options_letter(i)[0] != '\0';
		snprintf(item, sizeof item, ".It Fl %s%s%s", letter ? options_letter(i) + 1 : "",
			letter ? " , Fl " : "", options_name(i) + 1);
		ck_assert_msg(strstr(page, item) != NULL, "not in the manual page: %s", item);
	}
}
