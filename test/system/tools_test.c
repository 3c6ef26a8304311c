/* SPDX-License-Identifier: ISC */
/*
 * tools - conversations with programs that nobody here wrote: tools_test NAME runs one of them, and is skipped by name
 * where that program is not installed.
 */
#include "client.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where each is from. */
static const struct {
	const char *tool;
	const char *package;
} packages[] = {
	{"nc", "netcat-openbsd"},
	{"socat", "socat"},
	{"ncat", "ncat"},
	{"telnet", "telnet"},
	{"python3", "python3"},
	{"go", "golang-go"},
	{"nmap", "nmap"},
};

/* One conversation: a shell command, for which $PORT is the server's, and what it must print. */
struct row {
	const char *tool;
	const char *service;
	const char *command;
	const char *prints;
};

#define PYTHON_PRELUDE                                                                             \
	"python3 -c '\n"                                                                           \
	"import os, socket, struct\n"                                                              \
	"s = socket.create_connection((\"127.0.0.1\", int(os.environ[\"PORT\"])), 60)\n"

static const struct row rows[] = {
	{"nc", "line", "printf 'one\\ntwo\\nlast' | nc -N 127.0.0.1 $PORT",
		"echo: one\necho: two\necho: last"},
	{"nc", "echo", "printf 'bytes' | nc -N 127.0.0.1 $PORT", "bytes"},
	{"nc", "line", "head -c 1048576 /dev/zero | nc -N 127.0.0.1 $PORT",
		"error: line longer than 4096 bytes\n"},
	{"nc", "line", "nc -z 127.0.0.1 $PORT && echo open", "open\n"},
	{"socat", "line", "printf 'one\\r\\n\\n' | socat -t 60 - TCP:127.0.0.1:$PORT",
		"echo: one\r\necho: \n"},
	{"socat", "echo", "head -c 300000 /dev/zero | socat -t 60 - TCP:127.0.0.1:$PORT | wc -c",
		"300000\n"},
	{"socat", "frame",
		"printf '\\0\\0\\0\\5hello' | socat -t 60 - TCP:127.0.0.1:$PORT | od -An -c",
		"  \\0  \\0  \\0 005   h   e   l   l   o\n"},
	{"ncat", "line", "printf 'one\\ntwo\\n' | ncat 127.0.0.1 $PORT", "echo: one\necho: two\n"},
	/* telnet ends with its input, before the reply: this input has no end, and the idle server ends it all. */
	{"telnet", "line",
		"mkfifo $FOLDER/in && exec 3<>$FOLDER/in && rm -r $FOLDER && echo hello >&3 && "
		"telnet 127.0.0.1 $PORT <&3 2>&1 | grep -a '^echo'",
		"echo: hello\n"},
	{"python3", "line",
		PYTHON_PRELUDE
		"f = s.makefile(\"rw\", newline=\"\\n\")\n"
		"for word in (\"one\", \"two\"):\n"
		"    f.write(word + \"\\n\"); f.flush(); print(f.readline(), end=\"\")\n'",
		"echo: one\necho: two\n"},
	{"python3", "frame",
		PYTHON_PRELUDE "body = bytes(range(256)) * 1000\n"
			       "s.sendall(struct.pack(\">I\", len(body)) + body)\n"
			       "f = s.makefile(\"rb\")\n"
			       "size, = struct.unpack(\">I\", f.read(4))\n"
			       "print(size, f.read(size) == body)\n'",
		"256000 True\n"},
	{"python3", "line",
		PYTHON_PRELUDE "s.sendall(b\"a\\nb\\nlast\"); s.shutdown(socket.SHUT_WR)\n"
			       "print(s.makefile(\"rb\").read())\n'",
		"b'echo: a\\necho: b\\necho: last'\n"},
	{"go", "line", "go run \"$GO_CLIENT\" line 127.0.0.1:$PORT", "echo: 1\necho: 2\necho: 3\n"},
	{"go", "frame", "go run \"$GO_CLIENT\" frame 127.0.0.1:$PORT",
		"1 true\n70000 true\n0 true\n"},
	{"go", "line", "go run \"$GO_CLIENT\" half-close 127.0.0.1:$PORT", "echo: last words"},
	/* A scan sends whatever many protocols begin with; the server must be there afterwards. */
	{"nmap", "line",
		"nmap -Pn -sV --version-light -p $PORT 127.0.0.1 | grep -c \"^$PORT/tcp open\"",
		"1\n"},
	{"nmap", "frame",
		"nmap -Pn -sV --version-light -p $PORT 127.0.0.1 | grep -c \"^$PORT/tcp open\"",
		"1\n"},
	{"nmap", "echo",
		"nmap -Pn -sV --version-light -p $PORT 127.0.0.1 | grep -c \"^$PORT/tcp open\"",
		"1\n"},
};

static const char *tool;

/* Run the command, and compare what it prints. */
static void expect_prints(const struct row *row)
{
	char got[4096];

	FILE *shell = popen(row->command, "re");
	ck_assert_ptr_nonnull(shell);
	size_t len = fread(got, 1, sizeof got - 1, shell);
	got[len] = '\0';
	int status = pclose(shell);
	if (strcmp(got, row->prints) != 0)
		ck_abort_msg("%s\nprinted \"%s\"\ninstead of \"%s\" (status %d)", row->command, got,
			row->prints, status);
}

static void expect_still_serving(struct server *s)
{
	int fd = client_connect(s);

	CLIENT_SAY(fd, "\0\0\0\0");
	client_half_close(fd);
	ck_assert_uint_gt(client_drain(fd), 0);
	close(fd);
}

TEST_ROWS(the_conversation_goes_as_it_should, SUITE_COUNT(rows))
{
	const struct row *row = &rows[_i];
	struct server s;
	char where[64];
	char folder[] = "/tmp/bobbin-tools-XXXXXX";

	if (strcmp(row->tool, tool) != 0)
		return;
	snprintf(where, sizeof where, "127.0.0.1:0=%s", row->service);
	/* telnet's conversation ends when it has been idle, which must not be before its first word. */
	SERVER_START(&s, "-l", where, "-o",
		strcmp(tool, "telnet") == 0 ? "timeouts.idle=3s" : "timeouts.idle=1h", "-o",
		"timeouts.message=1h");
	setenv("PORT", server_port_text(&s), 1);
	setenv("GO_CLIENT", GO_CLIENT, 1);
	if (strcmp(tool, "telnet") == 0)
		setenv("FOLDER", mkdtemp(folder), 1);
	expect_prints(row);
	expect_still_serving(&s);
	ck_assert_int_eq(server_stop(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "level=warn"), 0);
	ck_assert_uint_eq(server_count_log(&s, "level=error"), 0);
}

static const char *why_no_tool(void)
{
	static char reason[128] = "it is not installed";

	if (suite_has_program(tool))
		return NULL;
	for (size_t i = 0; i < SUITE_COUNT(packages); i++) {
		if (strcmp(packages[i].tool, tool) == 0)
			snprintf(reason, sizeof reason, "it is not installed (apt-get install %s)",
				packages[i].package);
	}
	return reason;
}

SUITE_NEEDS(why_no_tool)

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	tool = argv[1];
	return suite_run(tool);
}
