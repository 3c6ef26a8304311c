/* SPDX-License-Identifier: ISC */
/* scene_text - a file of scenes as it was read: its steps, and their words.  For the player. */
#ifndef BOBBIN_TEST_SCENE_TEXT_H
#define BOBBIN_TEST_SCENE_TEXT_H

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

#endif
