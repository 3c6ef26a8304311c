/* SPDX-License-Identifier: ISC */
/* scene_inside - what the files of the player share: the steps as they were read, and the scene that is played. */
#ifndef BOBBIN_TEST_SCENE_INSIDE_H
#define BOBBIN_TEST_SCENE_INSIDE_H

#include "scene.h"

#include <stdint.h>

#define SCENE_NAME_MAX   32
#define SCENE_TOKENS_MAX 64 /* in a step */

/* A word, or bytes in quotes. */
struct scene_token {
	char *text; /* '\0' at its end, and perhaps inside */
	size_t len;
	long times;
	bool quoted;
	bool frame;  /* #"..." */
	bool urgent; /* urgent"..." */
};

enum scene_step_kind {
	SCENE_STEP, /* of a client, or a word of the host's */
	SCENE_REPEAT,
	SCENE_AGAIN,
};

struct scene_step {
	int line;
	enum scene_step_kind kind;
	char *text; /* as it is written */
	struct scene_token *tokens;
	size_t count;
	const struct scene_word *word; /* NULL: a client's */
	char server[SCENE_NAME_MAX];
	bool now;
	int64_t after_ns;  /* 0: not said */
	int64_t within_ns; /* likewise */
	long times;        /* of a repeat; else how many lines its block has */
	long times_soaked;
	size_t end; /* of a repeat: where its "again" is */
};

/* A scene of the file: its steps are those from first on, before end. */
struct scene_part {
	char *name;
	int line;
	size_t first;
	size_t end;
	bool timed;
};

struct scene_file {
	char *name;
	const struct scene_host *host;
	struct scene_step *steps;
	size_t step_count;
	struct scene_part *parts;
	size_t part_count;
};

/* One character more; the text stays ended by '\0'. */
void scene_token_put(struct scene_token *t, char c);

/* It is this word, not in quotes. */
bool scene_token_is(const struct scene_token *t, const char *word);

struct scene_client {
	struct scene_client *next;
	char name[SCENE_NAME_MAX];
	char address[ADDRESS_TEXT_MAX]; /* its own, also when it has closed */
	int fd;                         /* -1: not connected */
	struct scene_flood *flood;
};

/* A name that a reply has given a value. */
struct scene_found {
	struct scene_found *next;
	char name[SCENE_NAME_MAX];
	char text[512];
};

struct scene {
	const struct scene_file *file;
	const struct scene_host *host;
	const struct scene_step *step;
	struct scene_client *clients;
	struct scene_found *found;
	char number[24]; /* of the repetition */
	char read[24];   /* what all "reads" have read */
	int64_t began_ns;
	bool skipped;
	char *message;
};

/* NULL if the words are a client and what clients do; else what is wrong. */
const char *scene_client_check(const struct scene_token *tokens, size_t count);

/* The client, or clients, of the first token do what the others say.  NULL, or what came instead. */
const char *scene_client_play(struct scene *s, const struct scene_token *tokens, size_t count);

/* The client of that name, or NULL. */
struct scene_client *scene_client_find(const struct scene *s, const char *name);

void scene_client_close(struct scene_client *c);

#endif
