/* SPDX-License-Identifier: ISC */
/* stage - the servers of a scene, and all else that it has besides its clients.  For its words. */
#ifndef BOBBIN_TEST_SCENES_STAGE_H
#define BOBBIN_TEST_SCENES_STAGE_H

#include "manager.h"

#include "test/scene.h"
#include "test/server.h"

#define STAGE_SERVERS_MAX   4
#define STAGE_ARGUMENTS_MAX 48
#define STAGE_NOTES_MAX     8

struct named_server {
	char name[32];
	bool used;
	bool serving;
	struct server server;
};

extern struct stage {
	struct named_server servers[STAGE_SERVERS_MAX];
	char *program;                          /* NULL: bobbind */
	char *wrapper[STAGE_ARGUMENTS_MAX + 1]; /* before it */
	bool without_ipv6;
	struct manager manager;
	in_port_t passed[MANAGER_SOCKETS_MAX];
	in_port_t free_port;
	int64_t signalled_ns;
	char *line;          /* that the last "log" found */
	char printed[16384]; /* by the last command */
	char told[2048];     /* to the manager, the last time */
	struct note {
		char what[16];
		int64_t value;
	} notes[STAGE_NOTES_MAX];
} stage;

/* What scenes say of servers, and what of all else. */
extern const struct scene_word stage_server_words[];
extern const struct scene_word stage_place_words[];

/* The server of that name; it need not have been started.  "@old" is the first's. */
struct named_server *stage_server(const char *name);
struct server *stage_server_of(const struct scene_call *c);

/* Start bobbind with these arguments, ended by NULL. */
void stage_launch(struct named_server *n, char *const *arguments);

#endif
