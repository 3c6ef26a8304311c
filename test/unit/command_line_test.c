/* SPDX-License-Identifier: ISC */
/* Proves command_line: every option, every mistake with its exit status, and that only looking starts
 * nothing. */
#include "server/settings/command_line.h"

#include "capture.h"
#include "common/deadline.h"
#include "scratch.h"
#include "server/log.h"
#include "server/service.h"
#include "test/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16

static int status;

/* The arguments in one string, with a space between each two.  Both outputs are captured. */
static struct settings *load(const char *line)
{
	static char text[512];
	char *argv[ARGUMENTS_MAX] = {(char *)"bobbind"};
	int argc = 1;

	snprintf(text, sizeof text, "%s", line);
	for (char *a = strtok(text, " "); a; a = strtok(NULL, " "))
		argv[argc++] = a;
	ck_assert_int_lt(argc, ARGUMENTS_MAX);
	capture_begin(STDOUT_FILENO);
	capture_begin(STDERR_FILENO);
	status = -1;
	return command_line_load(&(struct command_line){argc, argv}, &status);
}

static struct settings *must_load(const char *line)
{
	struct settings *s = load(line);

	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	ck_assert_str_eq(capture_text(STDOUT_FILENO), "");
	ck_assert_int_eq(status, EX_OK);
	ck_assert_ptr_nonnull(s);
	return s;
}

/* Options. */

TEST(without_arguments_it_serves_lines_on_loopback)
{
	struct settings *s = must_load("");

	ck_assert_uint_eq(s->endpoint_count, 1);
	ck_assert_str_eq(s->endpoints[0].address, "127.0.0.1:7007");
	ck_assert_str_eq(s->endpoints[0].where.host, "127.0.0.1");
	ck_assert_uint_eq(s->endpoints[0].where.port, 7007);
	ck_assert_ptr_eq(s->endpoints[0].service, service_find("line"));
	settings_release(s);
}

static const struct {
	const char *text;
	enum network network;
	const char *host;
	unsigned port;
	const char *service;
} listeners[] = {
	{":7007", NETWORK_TCP, "", 7007, "line"},
	{"127.0.0.1:0", NETWORK_TCP, "127.0.0.1", 0, "line"},
	{"[::1]:1", NETWORK_TCP, "::1", 1, "line"},
	{"localhost:1", NETWORK_TCP, "localhost", 1, "line"},
	{":1=frame", NETWORK_TCP, "", 1, "frame"},
	{"[::1]:1=echo", NETWORK_TCP, "::1", 1, "echo"},
	{"tcp::1", NETWORK_TCP, "", 1, "line"},
	{"tcp4::1", NETWORK_TCP4, "", 1, "line"},
	{"tcp4:127.0.0.1:1", NETWORK_TCP4, "127.0.0.1", 1, "line"},
	{"tcp6:[::1]:1=frame", NETWORK_TCP6, "::1", 1, "frame"},
	{"tcp6::65535=line", NETWORK_TCP6, "", 65535, "line"},
};

TEST_ROWS(a_listener_may_name_network_and_service, SUITE_COUNT(listeners))
{
	char line[64];

	snprintf(line, sizeof line, "-l %s", listeners[_i].text);
	struct settings *s = must_load(line);
	ck_assert_uint_eq(s->endpoint_count, 1);
	ck_assert_int_eq(s->endpoints[0].network, listeners[_i].network);
	ck_assert_str_eq(s->endpoints[0].where.host, listeners[_i].host);
	ck_assert_uint_eq(s->endpoints[0].where.port, listeners[_i].port);
	ck_assert_ptr_eq(s->endpoints[0].service, service_find(listeners[_i].service));
	settings_release(s);
}

TEST(several_listeners_come_in_their_order)
{
	struct settings *s = must_load("-l :0 -l :0=frame -l tcp4::1");

	ck_assert_uint_eq(s->endpoint_count, 3);
	ck_assert_str_eq(s->endpoints[0].name, ":0");
	ck_assert_str_eq(s->endpoints[1].name, ":0#2");
	ck_assert_str_eq(s->endpoints[1].service_name, "frame");
	ck_assert_uint_eq(s->endpoints[2].where.port, 1);
	settings_release(s);
}

TEST(an_option_is_set_and_reaches_every_listener)
{
	struct settings *s = must_load(
		"-o timeouts.idle=5s -o limits.max_connections=7 -o line.prefix=a=b -o tcp.nodelay=false -l :1");

	ck_assert_int_eq(s->max_connections, 7);
	ck_assert_int_eq(s->endpoints[0].terms.idle_ns, 5 * NS_PER_S);
	ck_assert_str_eq(s->endpoints[0].prefix, "a=b");
	ck_assert_int_eq(s->endpoints[0].nodelay, 0);
	settings_release(s);
}

TEST(the_last_of_two_settings_stands)
{
	struct settings *s = must_load("-o limits.max_connections=7 -o limits.max_connections=8");

	ck_assert_int_eq(s->max_connections, 8);
	settings_release(s);
}

TEST(verbose_is_debug_and_gives_way_to_an_option)
{
	struct settings *s = must_load("-v");

	ck_assert_int_eq(s->log_level, LOG_DEBUG);
	settings_release(s);
	s = must_load("-o log.level=warn -v");
	ck_assert_int_eq(s->log_level, LOG_WARN);
	settings_release(s);
}

TEST(an_empty_prefix_can_be_asked_for)
{
	struct settings *s = must_load("-o line.prefix=");

	ck_assert_str_eq(s->endpoints[0].prefix, "");
	settings_release(s);
}

/* With a file. */

TEST(the_files_value_gives_way_to_the_command_lines)
{
	scratch_write("a.conf",
		"limits: { max_connections = 5; };\n"
		"threads: { parked = 6; };\n"
		"timeouts: { idle = \"1s\"; message = \"2s\"; };\n"
		"listeners = ( { address = \":1\"; timeouts: { message = \"3s\"; }; } );\n");
	struct settings *s = must_load(
		"-c a.conf -o limits.max_connections=7 -o timeouts.idle=9s -o timeouts.message=9s");
	ck_assert_int_eq(s->max_connections, 7);
	ck_assert_int_eq(s->threads_parked, 6);
	ck_assert_int_eq(s->endpoints[0].terms.idle_ns, 9 * NS_PER_S);
	/* What the listener says itself stands. */
	ck_assert_int_eq(s->endpoints[0].terms.message_ns, 3 * NS_PER_S);
	settings_release(s);
}

TEST(listeners_of_the_command_line_replace_the_files)
{
	scratch_write("a.conf", "listeners = ( { address = \":1\"; }, { address = \":2\"; } );\n");
	struct settings *s = must_load("-c a.conf -l :3");
	ck_assert_uint_eq(s->endpoint_count, 1);
	ck_assert_str_eq(s->endpoints[0].address, ":3");
	settings_release(s);
}

TEST(a_file_without_listeners_gets_the_default_one)
{
	scratch_write("a.conf", "timeouts: { idle = \"1s\"; };\n");
	struct settings *s = must_load("-c a.conf");
	ck_assert_str_eq(s->endpoints[0].address, "127.0.0.1:7007");
	ck_assert_int_eq(s->endpoints[0].terms.idle_ns, NS_PER_S);
	settings_release(s);
}

/* Once more. */

TEST(it_is_read_again_with_the_file_as_it_is_then)
{
	char *argv[] = {(char *)"bobbind", (char *)"-o", (char *)"line.prefix=typed", (char *)"-c",
		(char *)"a.conf", NULL};
	const struct command_line command = {5, argv};
	char *text = NULL;
	size_t size;

	capture_begin(STDOUT_FILENO);
	capture_begin(STDERR_FILENO);
	scratch_write("a.conf", "limits: { rate = 1; };\n");
	settings_release(command_line_load(&command, &status));
	FILE *mistakes = open_memstream(&text, &size);
	scratch_write("a.conf", "limits: { rate = 2; }; line: { prefix = \"written\"; };\n");
	struct settings *s = command_line_reload(&command, mistakes);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->rate, 2);
	ck_assert_str_eq(s->endpoints[0].prefix, "typed");
	settings_release(s);
	scratch_write("a.conf", "limits: { rate = -2; };\nnonsense = 1;\n");
	ck_assert_ptr_null(command_line_reload(&command, mistakes));
	fclose(mistakes);
	/* There, and nowhere else. */
	ck_assert_ptr_nonnull(strstr(text, "a.conf:1: limits.rate is -2"));
	ck_assert_ptr_nonnull(strstr(text, "\na.conf:2: there is no option nonsense"));
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	ck_assert_str_eq(capture_text(STDOUT_FILENO), "");
	free(text);
}

/* Faults. */

static const struct {
	const char *line;
	const char *told;
	int status;
} mistakes[] = {
	{"-x", "bobbind: there is no option -x; bobbind -h tells more\n", EX_USAGE},
	{"-c", "bobbind: -c needs an argument; bobbind -h tells more\n", EX_USAGE},
	{"-l", "bobbind: -l needs an argument; bobbind -h tells more\n", EX_USAGE},
	{"-t -o", "bobbind: -o needs an argument; bobbind -h tells more\n", EX_USAGE},
	{":7007", "bobbind: :7007: nothing is expected here; an address goes behind -l\n",
		EX_USAGE},
	{"-x -t stray more",
		"bobbind: there is no option -x; bobbind -h tells more\n"
		"bobbind: stray: nothing is expected here; an address goes behind -l\n"
		"bobbind: more: nothing is expected here; an address goes behind -l\n",
		EX_USAGE},
	{"-h stray", "bobbind: stray: nothing is expected here; an address goes behind -l\n",
		EX_USAGE},
	{"-l 7007", "bobbind: -l 7007: missing port: write HOST:PORT, or :PORT for every address\n",
		EX_USAGE},
	{"-l tcp4:7007",
		"bobbind: -l tcp4:7007: missing port: write HOST:PORT, or :PORT for every address\n",
		EX_USAGE},
	{"-l tcp4:", "bobbind: -l tcp4:: the address is empty\n", EX_USAGE},
	{"-l =line", "bobbind: -l =line: the address is empty\n", EX_USAGE},
	{"-l :99999", "bobbind: -l :99999: the port is above 65535\n", EX_USAGE},
	{"-l ::1:7",
		"bobbind: -l ::1:7: too many colons: write an IPv6 address in brackets, as in "
		"[::1]:7007\n",
		EX_USAGE},
	{"-l :1=nonsense",
		"bobbind: -l :1=nonsense: there is no such service; there is line, frame, echo\n",
		EX_USAGE},
	{"-l :1=", "bobbind: -l :1=: service is empty; it must be text of 1 to 64 bytes\n",
		EX_USAGE},
	{"-o idle", "bobbind: -o idle: write key=value, as in timeouts.idle=10s\n", EX_USAGE},
	{"-o =5", "bobbind: -o =5: there is no option \n", EX_USAGE},
	{"-o nonsense=5", "bobbind: -o nonsense=5: there is no option nonsense\n", EX_USAGE},
	{"-o timeouts.idel=5s",
		"bobbind: -o timeouts.idel=5s: there is no option timeouts.idel; did you mean "
		"timeouts.idle?\n",
		EX_USAGE},
	{"-o limits.idle=5s",
		"bobbind: -o limits.idle=5s: there is no option limits.idle; did you mean "
		"timeouts.idle?\n",
		EX_USAGE},
	{"-o timeouts.idle=5",
		"bobbind: -o timeouts.idle=5: timeouts.idle is \"5\"; it must be a duration from 1ms to "
		"365d (ns, us, ms, s, min, h, d)\n",
		EX_USAGE},
	{"-o address=:1",
		"bobbind: -o address=:1: this belongs to one listener; use -l or the file\n",
		EX_USAGE},
	{"-o nonsense=5 -l 7 -l 8:x",
		"bobbind: -o nonsense=5: there is no option nonsense\n"
		"bobbind: -l 7: missing port: write HOST:PORT, or :PORT for every address\n"
		"bobbind: -l 8:x: the port is not a number from 0 to 65535 (service names are not looked "
		"up)\n",
		EX_USAGE},
	{"-c not-there", "bobbind: not-there: No such file or directory\n", EX_NOINPUT},
	{"-c not-there -t", "bobbind: not-there: No such file or directory\n", EX_NOINPUT},
	{"-c bad.conf", "bad.conf:2: there is no option nonsense\n", EX_CONFIG},
	{"-c bad.conf -t", "bad.conf:2: there is no option nonsense\n", EX_CONFIG},
	{"-c bad.conf -T", "bad.conf:2: there is no option nonsense\n", EX_CONFIG},
	{"-c bad.conf -o a=b",
		"bad.conf:2: there is no option nonsense\n"
		"bobbind: -o a=b: there is no option a\n",
		EX_USAGE},
	/* The file is looked over although its listeners give way. */
	{"-c listener.conf -l :1", "listener.conf:1: address: it is missing\n", EX_CONFIG},
};

TEST_ROWS(a_fault_is_told_on_standard_error_with_its_status_and_nothing_is_begun,
	SUITE_COUNT(mistakes))
{
	scratch_write("bad.conf", "\nnonsense = 1;\n");
	scratch_write("listener.conf", "listeners = ( { } );\n");
	size_t before = open_descriptors();
	ck_assert_ptr_null(load(mistakes[_i].line));
	ck_assert_str_eq(capture_text(STDERR_FILENO), mistakes[_i].told);
	ck_assert_str_eq(capture_text(STDOUT_FILENO), "");
	ck_assert_int_eq(status, mistakes[_i].status);
	ck_assert_uint_eq(open_descriptors(), before);
}

TEST(a_key_of_any_length_is_told_and_no_more)
{
	char line[400] = "-o ";

	memset(line + 3, 'k', 300);
	memcpy(line + 303, "=1", 3);
	ck_assert_ptr_null(load(line));
	ck_assert_int_eq(status, EX_USAGE);
}

/* Only looking. */

static void check_looked(const char *line, const char *out)
{
	ck_assert_ptr_null(load(line));
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	ck_assert_int_eq(status, EX_OK);
	ck_assert_msg(strstr(capture_text(STDOUT_FILENO), out), "%s", capture_text(STDOUT_FILENO));
}

TEST(the_version_is_printed_on_standard_output)
{
	check_looked("-V", "bobbind " BOBBIN_VERSION "\n");
}

TEST(the_usage_is_printed_on_standard_output_and_names_every_option)
{
	check_looked("-h", "usage: bobbind ");
	for (const char *letter = "cloTtvVh"; *letter; letter++) {
		char words[8];
		snprintf(words, sizeof words, "\n  -%c ", *letter);
		ck_assert_msg(strstr(capture_text(STDOUT_FILENO), words), "-%c", *letter);
	}
}

TEST(a_check_says_that_the_configuration_is_good)
{
	scratch_write("a.conf", "");
	check_looked("-t", "bobbind: defaults: the configuration is good\n");
	check_looked("-t -c a.conf", "bobbind: a.conf: the configuration is good\n");
}

TEST(the_settings_in_force_are_printed_as_a_file)
{
	check_looked("-T -o timeouts.idle=5s -l :1=frame", "\tidle = \"5s\";\n");
	scratch_write("a.conf", capture_text(STDOUT_FILENO));
	struct settings *s = must_load("-c a.conf");
	ck_assert_int_eq(s->endpoints[0].terms.idle_ns, 5 * NS_PER_S);
	ck_assert_str_eq(s->endpoints[0].service_name, "frame");
	settings_release(s);
}

static const char *const looks[] = {"-h", "-V", "-t", "-T"};

TEST_ROWS(what_cannot_be_written_is_an_input_output_error, SUITE_COUNT(looks))
{
	char *argv[] = {(char *)"bobbind", (char *)looks[_i], NULL};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	ck_assert_int_eq(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
	ck_assert_ptr_null(command_line_load(&(struct command_line){2, argv}, &status));
	ck_assert_int_eq(status, EX_IOERR);
}
