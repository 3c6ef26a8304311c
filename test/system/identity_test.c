/* SPDX-License-Identifier: ISC */
/* identity - what clients are told about the server, about their connection and about themselves. */
#include "client.h"
#include "test/suite.h"

#include "common/socket.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"

/* One line from the server, without its newline, in static memory. */
static char *must_read_line(int fd)
{
	static char line[4096];
	size_t len = 0;

	for (;;) {
		ck_assert_uint_lt(len, sizeof line);
		ck_assert_int_eq(recv(fd, line + len, 1, 0), 1);
		if (line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	return line;
}

/* The client's own address, as the server sees it. */
static const char *own_address(int fd)
{
	static char text[ADDRESS_TEXT_MAX];
	struct address own;

	ck_assert_int_eq(socket_local_address(fd, &own), 0);
	return address_format(&own, text);
}

/* The connection's record says that this was its id. */
static void check_record(struct server *s, const char *id, const char *peer)
{
	char fields[256];

	snprintf(fields, sizeof fields, " event=closed id=%s listener=", id);
	char *line = server_await_log(s, fields);
	snprintf(fields, sizeof fields, " peer=%s ", peer);
	ck_assert_ptr_nonnull(strstr(line, fields));
	free(line);
}

/* Start it, read a banner that is the id, and stop it. */
static void read_id(char id[64])
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "line.banner={id}");
	int fd = client_connect(&s);
	snprintf(id, 64, "%s", must_read_line(fd));
	client_half_close(fd);
	check_record(&s, id, own_address(fd));
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_banner_names_server_connection_client_and_listener)
{
	struct server s;
	char expected[512];
	char id[64];

	SERVER_START(&s, "-c",
		server_file(
			"listeners = ( { name = \"front door\"; address = \"127.0.0.1:0\"; } );\n"
			"instance = \"node 7\";\n"
			"line: { banner = \"{id} of {instance}: {peer} at {listener} {{id}\"; "
			"};\n"));
	/* It is there though the client says nothing. */
	int fd = client_connect(&s);
	char *line = must_read_line(fd);
	snprintf(id, sizeof id, "%.*s", (int)strcspn(line, " "), line);
	snprintf(expected, sizeof expected, "%s of node 7: %s at front door {id}", id,
		own_address(fd));
	ck_assert_str_eq(line, expected);
	/* Once. */
	CLIENT_SAY(fd, "hello\n");
	CLIENT_EXPECT(fd, "echo: hello\n");
	client_half_close(fd);
	client_expect_end(fd);
	check_record(&s, id, own_address(fd));
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_prefix_of_every_reply_has_the_same_values)
{
	struct server s;
	char expected[512];
	char id[64];

	SERVER_START(&s, "-l", ANY, "-o", "instance=x", "-o",
		"line.prefix={id} {instance} {peer} {listener} {{} ");
	int fd = client_connect(&s);
	for (int i = 0; i < 3; i++) {
		CLIENT_SAY(fd, "hello\n");
		char *line = must_read_line(fd);
		if (i == 0)
			snprintf(id, sizeof id, "%.*s", (int)strcspn(line, " "), line);
		snprintf(expected, sizeof expected, "%s x %s 127.0.0.1:0 {} hello", id,
			own_address(fd));
		ck_assert_str_eq(line, expected);
	}
	client_half_close(fd);
	client_expect_end(fd);
	check_record(&s, id, own_address(fd));
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_server_without_a_name_has_the_hosts)
{
	struct server s;
	char host[HOST_NAME_MAX + 1] = "";

	ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
	SERVER_START(&s, "-l", ANY, "-o", "line.banner={instance}");
	int fd = client_connect(&s);
	ck_assert_str_eq(must_read_line(fd), host);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(ids_differ_within_a_run_and_from_one_run_to_the_next)
{
	struct server s;
	char ids[4][64];

	SERVER_START(&s, "-l", ANY, "-o", "line.banner={id}");
	for (int i = 0; i < 2; i++) {
		int fd = client_connect(&s);
		snprintf(ids[i], sizeof ids[i], "%s", must_read_line(fd));
		close(fd);
	}
	ck_assert_int_eq(server_stop(&s), 0);
	read_id(ids[2]);
	read_id(ids[3]);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ids[i], ids[j]);
	}
}

TEST(an_ipv4_client_of_a_dual_stack_listener_is_named_by_its_ipv4_address)
{
	struct server s;

	SERVER_START(&s, "-l", ":0", "-o", "line.banner={peer}");
	struct address at = client_address("127.0.0.1", server_port(&s));
	int fd = client_connect_from(&at, "127.0.0.3");
	ck_assert_str_eq(must_read_line(fd), own_address(fd));
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_listener_has_its_own_banner_and_prefix)
{
	struct server s;

	SERVER_START(&s, "-c",
		server_file("listeners = (\n"
			    "{ name = \"one\"; address = \"127.0.0.1:0\"; },\n"
			    "{ name = \"two\"; address = \"127.0.0.1:0\";\n"
			    "  line: { banner = \"\"; prefix = \"\"; }; }\n"
			    ");\n"
			    "line: { banner = \"{listener}\"; prefix = \"> \"; };\n"));
	int one = client_connect_to(&s.addresses[0]);
	int two = client_connect_to(&s.addresses[1]);
	CLIENT_SAY(one, "hello\n");
	CLIENT_EXPECT(one, "one\n> hello\n");
	CLIENT_SAY(two, "hello\n");
	CLIENT_EXPECT(two, "hello\n");
	close(one);
	close(two);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Mistakes. */

static void expect_mistake(const char *file_text, unsigned line, const char *says)
{
	struct server s;
	const char *path = server_file(file_text);
	char where[128];

	server_launch(
		&s, &(struct server_plan){.arguments = (const char *const[]){"-c", path, NULL}});
	ck_assert_int_eq(server_wait(&s), EX_CONFIG);
	snprintf(where, sizeof where, "%s:%u: %s", path, line, says);
	if (!strstr(s.log, where))
		ck_abort_msg("no \"%s\" in: %s", where, s.log);
	ck_assert_ptr_null(strstr(s.log, "event=ready"));
}

TEST(a_placeholder_that_is_none_is_refused_with_file_and_line)
{
	expect_mistake("# one\nline: {\n  banner = \"hello {nobody}\";\n};\n", 3,
		"line.banner: {nobody} is no placeholder: there are {instance}, {id}, {peer} and "
		"{listener}");
	expect_mistake("line: { prefix = \"{id: \"; };\n", 1, "line.prefix: a { is never closed");
	expect_mistake("listeners = ( { address = \":0\";\nline: { banner = \"{}\"; }; } );\n", 2,
		"line.banner: {} is no placeholder");
}

TEST(a_banner_that_could_become_too_long_is_refused)
{
	/* Each of them may be 320 bytes long. */
	expect_mistake("line: { banner = \"{listener}{listener}{listener}{listener}{listener}"
		       "{listener}{listener}\"; };\n",
		1, "line.banner: it can become 2240 bytes long, and may have 2048 at most");
}

TEST(on_the_command_line_such_a_mistake_is_one_of_usage)
{
	struct server s;

	server_launch(&s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-o", "line.banner={x}", NULL}});
	ck_assert_int_eq(server_wait(&s), EX_USAGE);
	ck_assert_ptr_nonnull(strstr(s.log, "line.banner: {x} is no placeholder"));
}
