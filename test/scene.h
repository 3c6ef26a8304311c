/* SPDX-License-Identifier: ISC */
/*
 * scene - conversations with a server, written as text, and the player of them.
 * test/scenes/README says how they are written.
 *
 * The player itself knows TCP clients and time.  Which servers there are, and what a scene may do
 * besides, its host says.
 *
 * Threads:  one at a time for each file.
 */
#ifndef BOBBIN_TEST_SCENE_H
#define BOBBIN_TEST_SCENE_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>

#define SCENE_MESSAGE_MAX 8192

enum scene_result {
	SCENE_PLAYED,
	SCENE_FAILED,
	SCENE_SKIPPED,
};

struct scene; /* one that is being played */

/* A step of the host's: "WORD ARGUMENT..." */
struct scene_call {
	struct scene *scene;
	void *context;      /* the host's */
	const char *server; /* that the step names with "@NAME", or "" */
	int count;
	char **args; /* ended by NULL; they live for this call */
};

struct scene_word {
	const char *name; /* NULL: the end of the table */
	int least;        /* so many arguments */
	int most;
	bool raw; /* the rest of the line is one argument, as it is written */
	/* Returns NULL, or what came instead of what the step says. */
	const char *(*play)(const struct scene_call *c);
};

struct scene_host {
	const struct scene_word *words; /* NULL: none */
	/* Where a server ("": the first) has its nth listener, from 1.  NULL, or why it has none. */
	const char *(*find)(void *context, const char *server, size_t listener, struct address *at);
	/* What $NAME is, or NULL.  NULL itself: the host knows no names. */
	const char *(*value)(void *context, const char *server, const char *name);
	void *context;
	bool timing; /* upper bounds are exact; else 10 s are added to them */
	bool soak;   /* "soak COUNT" holds */
};

/* find() for a host whose context is a struct address: the only listener of the only server. */
const char *scene_find_at(void *context, const char *server, size_t listener, struct address *at);

struct scene_file;

/*
 * Read the scenes of a file, for a host, which must live as long.  Returns NULL with "FILE:LINE:
 * what is wrong" in message, if anything is: nothing has been played by then.
 */
struct scene_file *scene_load(
	const char *path, const struct scene_host *host, char message[SCENE_MESSAGE_MAX]);
void scene_free(struct scene_file *file);

size_t scene_count(const struct scene_file *file);
const char *scene_name(const struct scene_file *file, size_t i);

/* It says "after" or "within". */
bool scene_is_timed(const struct scene_file *file, size_t i);

/* Play one.  message is "FILE:LINE: STEP: what came instead", or why it was skipped. */
enum scene_result scene_play(
	const struct scene_file *file, size_t i, char message[SCENE_MESSAGE_MAX]);

/* For the host's words. */

/* Text for a word to return, in memory that the next call overwrites. */
const char *scene_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a scene that cannot be played here: it is skipped, with the reason. */
const char *scene_skip(struct scene *s, const char *reason);

/* The socket of a client of the scene, or -1. */
int scene_client(const struct scene *s, const char *name);

/* What $NAME is in this scene, or NULL. */
const char *scene_value(const struct scene *s, const char *name);

/* True if the text is the pattern, in which "*" stands for anything. */
bool scene_matches(const char *pattern, const char *text);

/* A numeric address, IPv4 or IPv6. */
struct address scene_address(const char *host, in_port_t port);

/* Bytes as a scene writes them, in quotes; "..." stands for what has no room.  Returns text. */
#define SCENE_ESCAPED_MAX 400
char *scene_escape(const void *data, size_t len, char text[SCENE_ESCAPED_MAX]);

#endif
