/* SPDX-License-Identifier: ISC */
/* Proves config_file: every mistake at once and where it stands, and that what is written loads. */
#include "server/settings/config_file.h"
#include "server/settings/config_print.h"

#include "common/deadline.h"
#include "scratch.h"
#include "server/settings/options.h"
#include "test/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct loaded {
	struct settings *settings;
	struct mistakes mistakes;
	char *told;
	size_t size;
};

/* As command_line does it. */
static struct loaded load(const char *path)
{
	struct loaded l = {.settings = settings_new()};

	l.mistakes.to = open_memstream(&l.told, &l.size);
	ck_assert_ptr_nonnull(l.mistakes.to);
	struct config_file *c = config_file_open(path, &l.mistakes);
	if (c) {
		config_file_apply(c, l.settings, &l.mistakes);
		config_file_apply_listeners(c, l.settings, &l.mistakes);
	}
	config_file_free(c);
	fclose(l.mistakes.to);
	return l;
}

static void unload(struct loaded *l)
{
	settings_release(l->settings);
	free(l->told);
}

static void check_told(const char *path, const char *expected, int status)
{
	struct loaded l = load(path);

	ck_assert_str_eq(l.told, expected);
	ck_assert_int_eq(mistakes_status(&l.mistakes), status);
	unload(&l);
}

static struct loaded must_load(const char *path)
{
	struct loaded l = load(path);

	ck_assert_str_eq(l.told, "");
	ck_assert_int_eq(mistakes_status(&l.mistakes), EX_OK);
	return l;
}

/* Good files. */

TEST(an_empty_file_changes_nothing)
{
	struct loaded l = must_load(scratch_write("a.conf", ""));

	ck_assert_uint_eq(l.settings->endpoint_count, 0);
	ck_assert_int_eq(l.settings->max_connections, 4000);
	unload(&l);
}

TEST(every_kind_of_value_is_read)
{
	struct loaded l = must_load(scratch_write("a.conf",
		"limits: { max_connections = 0x10; };\n"
		"threads: { parked = 5L; stack = \"1MiB\"; };\n"
		"timeouts: { idle = \"5s\"; lifetime = 0; };\n"
		"tcp: { nodelay = false; };\n"
		"log: { level = \"warn\"; };\n"
		"line: { prefix = \"a\\n\\x01\\\"\\\\\"; };\n"));

	ck_assert_int_eq(l.settings->max_connections, 16);
	ck_assert_int_eq(l.settings->threads_parked, 5);
	ck_assert_int_eq(l.settings->thread_stack_bytes, 1 << 20);
	ck_assert_int_eq(l.settings->defaults.terms.idle_ns, 5 * NS_PER_S);
	ck_assert_int_eq(l.settings->defaults.terms.lifetime_ns, 0);
	ck_assert_int_eq(l.settings->defaults.nodelay, 0);
	ck_assert_int_eq(l.settings->log_level, 2);
	ck_assert_str_eq(l.settings->defaults.prefix, "a\n\x01\"\\");
	unload(&l);
}

TEST(a_listener_has_what_is_common_and_what_it_says_itself)
{
	struct loaded l = must_load(scratch_write("a.conf",
		"listeners = (\n"
		"  { address = \":1\"; timeouts: { idle = \"1s\"; }; },\n"
		"  { name = \"two\"; network = \"tcp6\"; address = \"[::1]:2\"; service = \"frame\";\n"
		"    frame: { max_frame = \"1KiB\"; }; }\n"
		");\n"
		"timeouts: { idle = \"9s\"; message = \"8s\"; };\n"));
	const struct endpoint *e = l.settings->endpoints;

	ck_assert_uint_eq(l.settings->endpoint_count, 2);
	ck_assert_str_eq(e[0].name, ":1");
	ck_assert_int_eq(e[0].terms.idle_ns, 1 * NS_PER_S);
	ck_assert_int_eq(e[0].terms.message_ns, 8 * NS_PER_S);
	ck_assert_str_eq(e[1].name, "two");
	ck_assert_int_eq(e[1].network, NETWORK_TCP6);
	ck_assert_int_eq(e[1].terms.framing, STREAM_FRAME);
	ck_assert_int_eq(e[1].terms.max_frame, 1024);
	ck_assert_int_eq(e[1].terms.idle_ns, 9 * NS_PER_S);
	unload(&l);
}

/* Mistakes, each alone. */

static const struct {
	const char *text;
	const char *told;
} mistakes[] = {
	{"nonsense = 1;", "a.conf:1: there is no option nonsense\n"},
	{"nonsense: { a = 1; };", "a.conf:1: there is no option nonsense\n"},
	{"\ntimeouts: {\n idel = \"1s\"; };",
		"a.conf:3: there is no option timeouts.idel; did you mean timeouts.idle?\n"},
	{"limits: { prefix = \"x\"; };",
		"a.conf:1: there is no option limits.prefix; did you mean line.prefix?\n"},
	{"max_connections = 1;",
		"a.conf:1: max_connections belongs into a listener; for the whole server there is "
		"limits.max_connections\n"},
	/* Wrong types. */
	{"limits: { max_connections = \"5\"; };",
		"a.conf:1: limits.max_connections is text; it must be a whole number from 1 to 1000000\n"},
	{"limits: { max_connections = true; };",
		"a.conf:1: limits.max_connections is true or false; it must be a whole number from 1 to "
		"1000000\n"},
	{"limits: { max_connections = 1.5; };",
		"a.conf:1: limits.max_connections is a number with a decimal point; it must be a whole "
		"number from 1 to 1000000\n"},
	{"limits: { max_connections = { a = 1; }; };",
		"a.conf:1: limits.max_connections is a group; it must be a whole number from 1 to "
		"1000000\n"},
	{"limits: { max_connections = [ 1 ]; };",
		"a.conf:1: limits.max_connections is a list; it must be a whole number from 1 to "
		"1000000\n"},
	{"timeouts: { idle = true; };",
		"a.conf:1: timeouts.idle is true or false; it must be a duration from 1ms to 365d (ns, us, "
		"ms, s, min, h, d)\n"},
	{"timeouts: { idle = 1.5; };",
		"a.conf:1: timeouts.idle is a number with a decimal point; it must be a duration from 1ms "
		"to 365d (ns, us, ms, s, min, h, d)\n"},
	{"timeouts: { idle = 5; };",
		"a.conf:1: timeouts.idle is 5; it must be a duration from 1ms to 365d (ns, us, ms, s, min, "
		"h, d)\n"},
	{"threads: { stack = ( ); };",
		"a.conf:1: threads.stack is a list; it must be a size from 64KiB to 1GiB (B, KiB, MiB, "
		"GiB)\n"},
	{"tcp: { nodelay = \"true\"; };",
		"a.conf:1: tcp.nodelay is text; it must be true or false\n"},
	{"tcp: { nodelay = 1; };", "a.conf:1: tcp.nodelay is a number; it must be true or false\n"},
	{"log: { level = 1; };",
		"a.conf:1: log.level is a number; it must be one of \"debug\", \"info\", \"warn\", "
		"\"error\"\n"},
	{"line: { prefix = 1; };",
		"a.conf:1: line.prefix is a number; it must be text of 0 to 1024 bytes\n"},
	{"line: { prefix = false; };",
		"a.conf:1: line.prefix is true or false; it must be text of 0 to 1024 bytes\n"},
	/* Out of range, or not a value at all. */
	{"limits: { max_connections = 0; };",
		"a.conf:1: limits.max_connections is 0; it must be a whole number from 1 to 1000000\n"},
	{"timeouts: { idle = \"soon\"; };",
		"a.conf:1: timeouts.idle is \"soon\"; it must be a duration from 1ms to 365d (ns, us, ms, "
		"s, min, h, d)\n"},
	{"log: { level = \"loud\"; };",
		"a.conf:1: log.level is \"loud\"; it must be one of \"debug\", \"info\", \"warn\", "
		"\"error\"\n"},
	/* Shapes. */
	{"limits = 5;",
		"a.conf:1: limits is a number; it must be a group, as in name: { key = value; };\n"},
	{"limits = ( );",
		"a.conf:1: limits is a list; it must be a group, as in name: { key = value; };\n"},
	{"listeners = 5;",
		"a.conf:1: listeners is a number; it must be a list of groups, as in ( { ... }, { ... } )\n"},
	{"listeners: { address = \":1\"; };",
		"a.conf:1: listeners is a group; it must be a list of groups, as in ( { ... }, { ... } )\n"},
	{"listeners = [ \":1\" ];",
		"a.conf:1: listeners is a list; it must be a list of groups, as in ( { ... }, { ... } )\n"},
	{"listeners = ( );",
		"a.conf:1: listeners is empty; leave it out for the default, or name one\n"},
	{"listeners = ( \":1\" );",
		"a.conf:1: a listener is text; it must be a group, as in { address = \":7007\"; }\n"},
	/* In the wrong place. */
	{"listeners = ( { address = \":1\";\n limits: { max_connections = 5; }; } );",
		"a.conf:2: limits.max_connections holds for the whole server; a listener cannot override it\n"},
	{"address = \":1\";", "a.conf:1: address belongs into a listener\n"},
	{"listeners = ( { address = \":1\";\n listeners = ( ); } );",
		"a.conf:2: there is no option listeners\n"},
	/* Listeners. */
	{"listeners = (\n { service = \"line\"; } );", "a.conf:2: address: it is missing\n"},
	{"listeners = (\n { } );", "a.conf:2: address: it is missing\n"},
	{"listeners = ( {\n address = \"\"; } );", "a.conf:2: address: the address is empty\n"},
	{"listeners = ( {\n address = \":99999\"; } );",
		"a.conf:2: address: the port is above 65535\n"},
	{"listeners = ( {\n address = 7007; } );",
		"a.conf:2: address is a number; it must be text of 0 to 320 bytes\n"},
	{"listeners = ( { address = \":1\";\n service = \"nonsense\"; } );",
		"a.conf:2: service: there is no such service; there is line, frame, echo\n"},
	{"listeners = ( {\n address = \"7007\";\n service = \"lin\"; } );",
		"a.conf:2: address: missing port: write HOST:PORT, or :PORT for every address\n"
		"a.conf:3: service: there is no such service; there is line, frame, echo\n"},
	{"listeners = ( { address = \":1\";\n network = \"udp\"; } );",
		"a.conf:2: network is \"udp\"; it must be one of \"tcp\", \"tcp4\", \"tcp6\"\n"},
	{"listeners = ( { address = \":1\"; name = \"a\"; },\n"
	 "{ address = \":2\";\n name = \"a\"; } );",
		"a.conf:3: name: another listener has that name\n"},
	/* Syntax. */
	{"\n\nlimits: {\n", "a.conf:4: syntax error\n"},
	{"# a comment at the very end", ""},
	{"a = ;", "a.conf:1: syntax error\n"},
	{"log: { level = \"info\"; };\nlog: { level = \"warn\"; };",
		"a.conf:2: duplicate setting name\n"},
	{"log: {\n level = \"info\";\n level = \"warn\"; };", "a.conf:3: duplicate setting name\n"},
	/* Numbers. */
	{"limits: {\n max_connections = 4294967376; };",
		"a.conf:2: the number 4294967376 does not fit in 32 bits; the largest is 2147483647\n"},
	{"limits: { max_connections = 4294967376L; };",
		"a.conf:1: limits.max_connections is 4294967376; it must be a whole number from 1 to "
		"1000000\n"},
	{"line: { prefix = \"4294967376\"; }; # 4294967376\n", ""},
};

TEST_ROWS(a_mistake_is_told_with_its_line_and_what_would_be_right, SUITE_COUNT(mistakes))
{
	bool good = mistakes[_i].told[0] == '\0';

	check_told(scratch_write("a.conf", mistakes[_i].text), mistakes[_i].told,
		good ? EX_OK : EX_CONFIG);
}

TEST(all_mistakes_are_told_at_once)
{
	scratch_write("a.conf",
		"nonsense = 1;\n"
		"limits: { max_connections = 0; };\n"
		"timeouts: {\n"
		"  idle = \"1\";\n"
		"  idel = \"1s\";\n"
		"};\n"
		"listeners = (\n"
		"  { address = \":1\"; drain: { grace = \"1s\"; }; network = 4; },\n"
		"  { },\n"
		"  7\n"
		");\n");
	check_told("a.conf",
		"a.conf:1: there is no option nonsense\n"
		"a.conf:2: limits.max_connections is 0; it must be a whole number from 1 to 1000000\n"
		"a.conf:4: timeouts.idle is \"1\"; it must be a duration from 1ms to 365d (ns, us, ms, s, "
		"min, h, d)\n"
		"a.conf:5: there is no option timeouts.idel; did you mean timeouts.idle?\n"
		"a.conf:8: drain.grace holds for the whole server; a listener cannot override it\n"
		"a.conf:8: network is a number; it must be one of \"tcp\", \"tcp4\", \"tcp6\"\n"
		"a.conf:9: address: it is missing\n"
		"a.conf:10: a listener is a number; it must be a group, as in { address = \":7007\"; }\n",
		EX_CONFIG);
}

/* Files that cannot be read. */

TEST(a_pipe_is_read_as_a_file_is)
{
	static const char text[] = "limits: { max_connections = 0; };";
	char path[32];
	char told[128];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	snprintf(told, sizeof told,
		"%s:1: limits.max_connections is 0; it must be a whole number from 1 to 1000000\n",
		path);
	check_told(path, told, EX_CONFIG);
}

TEST(a_file_with_a_nul_is_no_text)
{
	FILE *file;

	scratch_enter();
	file = fopen("a.conf", "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite("log: { };\0 nonsense", 1, 19, file), 19);
	fclose(file);
	check_told("a.conf", "a.conf:1: it holds a NUL byte, and so is no text\n", EX_CONFIG);
}

TEST(a_file_that_is_not_there_is_told_as_such)
{
	scratch_enter();
	check_told("a.conf", "bobbind: a.conf: No such file or directory\n", EX_NOINPUT);
}

TEST(a_folder_is_no_file)
{
	scratch_write("folder/file", "");
	check_told("folder", "bobbind: folder: Is a directory\n", EX_NOINPUT);
}

TEST(a_file_that_may_not_be_read_is_told_as_such)
{
	scratch_write("a.conf", "");
	ck_assert_int_eq(chmod("a.conf", 0), 0);
	if (geteuid() == 0 && (chmod(".", 0755) < 0 || seteuid(65534) < 0))
		return;
	check_told("a.conf", "bobbind: a.conf: Permission denied\n", EX_NOINPUT);
	(void)seteuid(getuid());
}

/* Included files. */

TEST(an_include_is_looked_for_beside_the_file_that_names_it)
{
	scratch_write("sub/part", "max_connections = 77;\n");
	struct loaded l =
		must_load(scratch_write("sub/a.conf", "limits: {\n@include \"part\"\n};\n"));
	ck_assert_int_eq(l.settings->max_connections, 77);
	unload(&l);
}

TEST(a_mistake_in_an_included_file_has_that_files_name_and_line)
{
	scratch_write("sub/part", "\nmax_connections = 0;\nnonsense = 4294967376;\n");
	check_told(scratch_write("sub/a.conf", "limits: {\n@include \"part\"\n};\nnonsense = 1;\n"),
		"sub/part:3: the number 4294967376 does not fit in 32 bits; the largest is 2147483647\n"
		"sub/part:2: limits.max_connections is 0; it must be a whole number from 1 to 1000000\n"
		"sub/part:3: there is no option limits.nonsense\n"
		"sub/a.conf:4: there is no option nonsense\n",
		EX_CONFIG);
}

TEST(a_syntax_error_in_an_included_file_has_that_files_name_and_line)
{
	scratch_write("sub/part", "\nlevel = ;\n");
	check_told(scratch_write("sub/a.conf", "log: {\n@include \"part\"\n};\n"),
		"sub/part:2: syntax error\n", EX_CONFIG);
}

TEST(an_include_that_is_not_there_is_told_where_it_is_named)
{
	check_told(scratch_write("sub/a.conf", "\n@include \"part\"\n"),
		"sub/a.conf:2: sub/part cannot be included: No such file or directory\n",
		EX_CONFIG);
}

TEST(an_include_that_is_a_folder_is_told_where_it_is_named)
{
	scratch_write("sub/part/file", "");
	check_told(scratch_write("sub/a.conf", "\n@include \"part\"\n"),
		"sub/a.conf:2: sub/part cannot be included: Is a directory\n", EX_CONFIG);
}

TEST(a_file_that_includes_itself_is_refused)
{
	struct loaded l = load(scratch_write("a.conf", "@include \"a.conf\"\n"));

	ck_assert_ptr_nonnull(strstr(l.told, "includes go 10 deep at most"));
	ck_assert_int_eq(mistakes_status(&l.mistakes), EX_CONFIG);
	unload(&l);
}

/* Writing. */

static void must_write(const char *path, const struct settings *s)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	config_print(file, s);
	ck_assert_int_eq(fclose(file), 0);
}

static char *must_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
	fclose(file);
	return text;
}

/* Written, loaded and written again, the two texts are the same. */
static void check_writes_back(const struct settings *s)
{
	scratch_enter();
	must_write("one.conf", s);
	struct loaded l = must_load("one.conf");
	must_write("two.conf", l.settings);
	char *one = must_read("one.conf");
	char *two = must_read("two.conf");
	ck_assert_str_eq(one, two);
	free(one);
	free(two);
	unload(&l);
}

static struct endpoint *must_add(struct settings *s, const char *address, const char *name)
{
	struct endpoint *e = settings_add_endpoint(s);
	char mistake[OPTION_MISTAKE_MAX];
	const char *key;

	ck_assert(option_set(option_find("address"), e, address, mistake));
	ck_assert(option_set(option_find("name"), e, name, mistake));
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
	return e;
}

static void must_set(void *base, const char *key, const char *value)
{
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_msg(option_set(option_find(key), base, value, mistake), "%s", mistake);
}

TEST(the_defaults_written_load_to_the_same)
{
	struct settings *s = settings_new();

	must_add(s, "127.0.0.1:7007", "");
	check_writes_back(s);
	settings_release(s);
}

static const char *const prefixes[] = {
	"",
	" ",
	"\"",
	"\\",
	"\\\"\\\\",
	"\n\r\t\f\x01\x1f\x7f",
	"\x1b[0m41",
	"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80",
	"not utf-8: \xff\xfe\x80",
	"# no comment // /* */ @include \"x\"",
	"4294967376",
	"%s%n",
};

TEST_ROWS(odd_text_written_loads_to_the_same, SUITE_COUNT(prefixes))
{
	struct settings *s = settings_new();

	must_set(&s->defaults, "line.prefix", prefixes[_i]);
	must_add(s, ":0", prefixes[_i][0] ? prefixes[_i] : "empty");
	scratch_enter();
	must_write("a.conf", s);
	struct loaded l = must_load("a.conf");
	ck_assert_str_eq(l.settings->defaults.prefix, prefixes[_i]);
	ck_assert_str_eq(l.settings->endpoints[0].name, s->endpoints[0].name);
	unload(&l);
	check_writes_back(s);
	/* Who looks at it on a terminal is safe. */
	char *text = must_read("a.conf");
	for (const char *p = text; *p; p++)
		ck_assert((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
	ck_assert_ptr_null(strchr(text, 0x7f));
	free(text);
	settings_release(s);
}

TEST(several_listeners_with_several_overrides_load_to_the_same)
{
	struct settings *s = settings_new();

	must_set(&s->defaults, "timeouts.idle", "7s");
	must_set(s, "limits.max_connections", "1000000");
	must_set(s, "drain.grace", "1.5s");
	struct endpoint *e = must_add(s, ":1", "one");
	must_set(e, "timeouts.idle", "60s");
	must_set(e, "timeouts.message", "1ms");
	must_set(e, "timeouts.lifetime", "365d");
	must_set(e, "line.prefix", "");
	must_set(e, "line.max_line", "1GiB");
	must_set(e, "tcp.nodelay", "false");
	must_set(e, "tcp.dead_after", "0");
	e = must_add(s, "[::1]:2", "two");
	must_set(e, "service", "frame");
	must_set(e, "network", "tcp6");
	must_set(e, "linger.time", "0");
	must_set(e, "listen.backlog", "1");
	must_add(s, ":0", "");
	must_add(s, ":0", "");
	check_writes_back(s);

	struct loaded l = must_load("one.conf");
	e = l.settings->endpoints;
	ck_assert_uint_eq(l.settings->endpoint_count, 4);
	ck_assert_int_eq(e[0].terms.idle_ns, 60 * NS_PER_S);
	ck_assert_int_eq(e[0].terms.message_ns, NS_PER_MS);
	ck_assert_str_eq(e[0].prefix, "");
	ck_assert_int_eq(e[0].nodelay, 0);
	ck_assert_int_eq(e[1].terms.idle_ns, 7 * NS_PER_S);
	ck_assert_int_eq(e[1].backlog, 1);
	ck_assert_str_eq(e[3].name, ":0#2");
	unload(&l);
	settings_release(s);
}

/* Each row at each end of its range, as a default and as an override. */
TEST(every_option_at_its_extremes_loads_to_the_same)
{
	struct settings *s = settings_new();

	must_add(s, ":1", "one");
	must_add(s, ":2", "two");
	for (const struct option *row = option_rows; row->key; row++) {
		if (option_is_text(row) || row->type == OPTION_WORD)
			continue;
		char *field = (char *)option_base(row, s) + row->offset;
		memcpy(field, &row->max, sizeof row->max);
		if (row->scope == OPTION_ENDPOINT)
			memcpy((char *)&s->endpoints[1] + row->offset, &row->min, sizeof row->min);
	}
	check_writes_back(s);
	settings_release(s);
}

TEST(the_written_file_keeps_to_its_columns_and_explains_every_option)
{
	struct settings *s = settings_new();
	size_t columns = 0;

	must_add(s, ":1", "");
	scratch_enter();
	must_write("a.conf", s);
	char *text = must_read("a.conf");
	for (const char *p = text; *p; p++) {
		columns = *p == '\n' ? 0 : *p == '\t' ? columns + 8 : columns + 1;
		ck_assert_uint_le(columns, 100);
	}
	for (const struct option *row = option_rows; row->key; row++) {
		char word[32];
		snprintf(word, sizeof word, "# %.20s", row->help);
		ck_assert_msg(strstr(text, word), "%s", row->key);
	}
	free(text);
	settings_release(s);
}
