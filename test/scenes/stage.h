/* SPDX-License-Identifier: ISC */
/*
 * stage - the servers of a scene, and all else that it has besides its clients.
 *
 * A successor writes on the log of the one that started it, so one struct is for all copies that
 * follow each other: server_follow() goes on to the next.
 *
 * What returns text returns NULL, or what came instead.  No wait lasts longer than the patience.
 */
#ifndef BOBBIN_TEST_SCENES_STAGE_H
#define BOBBIN_TEST_SCENES_STAGE_H

#include "test/process.h"
#include "test/scene.h"

#include "common/address.h"

#define STAGE_SERVERS_MAX    4
#define STAGE_ARGUMENTS_MAX  48
#define SERVER_LISTENERS_MAX 8
#define SERVER_COPIES_MAX    256
#define MANAGER_SOCKETS_MAX  8

struct server {
	char name[32];
	bool used;
	bool serving;
	struct process *process;
	pid_t child;       /* to wait for: the server, or what wraps it */
	pid_t pid;         /* to send signals to: the server; known once it is ready */
	const char *heard; /* so much of its log server_next() has passed over */
	struct address addresses[SERVER_LISTENERS_MAX]; /* where it listens */
	size_t listeners;
	pid_t olds[SERVER_COPIES_MAX]; /* the copies before it, that have not been waited for */
	size_t old_count;
};

extern struct stage {
	struct server servers[STAGE_SERVERS_MAX];
	char *program;                          /* NULL: bobbind */
	char *wrapper[STAGE_ARGUMENTS_MAX + 1]; /* before it */
	bool without_ipv6;
	int64_t signalled_ns;
	in_port_t free_port;
	char *line;          /* that the last "log" or "count" found */
	char printed[16384]; /* by the last command */

	/* The manager, which starts a server, passes it sockets, and is told how it is. */
	int notified;    /* where datagrams come in; 0: there is no manager */
	char where[64];  /* the same as in NOTIFY_SOCKET: an abstract name */
	char told[2048]; /* the last time */
	char names[256]; /* LISTEN_FDNAMES; "": none */
	int passed_count;
	int passed_fds[MANAGER_SOCKETS_MAX];
	in_port_t passed[MANAGER_SOCKETS_MAX];
} stage;

extern const struct scene_word stage_words[];

/* The server of that name; it need not have been started.  "@old" is the first's. */
struct server *stage_server(const char *name);
pid_t stage_pid(const struct scene_call *c);

/* Start it with these arguments (NULL at their end), and wait for nothing. */
void server_launch(struct server *s, char *const *arguments);

/* Wait for the ready line, and learn pid and addresses.  False: it did not come. */
bool server_await_ready(struct server *s);

/*
 * Wait for the next line with that field: one after the line that the last such call returned, or
 * after the ready line.  Returns a copy, the caller's to free, or NULL if none comes.
 */
char *server_next(struct server *s, const char *field);

/* How many lines have all of these fields (ended by NULL) so far. */
long server_count(struct server *s, char *const *fields);

/* The README says what a field is.  The value of a key, in static memory, or NULL. */
bool server_line_has(const char *line, const char *field);
const char *server_value(const char *line, const char *key);

/* Make it log its counters, and return that line, the caller's to free. */
char *server_counters(struct server *s);

/* Wait for its end.  Returns the exit status, or 128 and the signal.  Then the log is complete. */
int server_wait(struct server *s);

/* Wait until it has handed over, and go on to its successor.  False: it has not. */
bool server_follow(struct server *s);

/* Wait for the end of the first of the copies before it.  Returns its exit status. */
int server_wait_old(struct server *s);

/* A number of /proc/PID/status as in "VmRSS"; how many entries /proc/PID/fd or task has; or "cpu", in ns. */
int64_t server_look(const struct server *s, const char *what);

/* Its end of a client's connection, as a descriptor of ours; or -1 if that is not allowed. */
int server_end_of(const struct server *s, int client);

/* Built with a sanitizer: memory and system calls are not those of the real thing. */
bool server_is_instrumented(void);

/* In the child, before exec: the sockets to 3 and on, and the environment that tells of them. */
void manager_pass(void);

/* Words of the other files. */
typedef const char *stage_word(const struct scene_call *c);
stage_word play_manager, play_told, play_passed, play_fill, play_load, play_mark, play_unload;

#endif
