/* SPDX-License-Identifier: ISC */
/* scene_client - what the clients of a scene do.  For the player. */
#ifndef BOBBIN_TEST_SCENE_CLIENT_H
#define BOBBIN_TEST_SCENE_CLIENT_H

#include "scene_text.h"

struct scene_client {
	struct scene_client *next;
	char name[SCENE_NAME_MAX];
	char address[ADDRESS_TEXT_MAX]; /* its own, also when it has closed */
	int fd;                         /* -1: not connected */
	struct client_flood *flood;
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
