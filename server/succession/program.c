/* SPDX-License-Identifier: ISC */
/* program - the path from which the running program was started. */
#include "program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_LINK "/proc/self/exe"

/* An absolute path from the first len characters of folder and a name, or NULL. */
static char *join(const char *folder, size_t len, const char *name)
{
	bool absolute = len > 0 && folder[0] == '/';
	/* Unlike getcwd(3) it believes a PWD that leads here, and so keeps symbolic links. */
	char *here = absolute ? NULL : get_current_dir_name();
	char *path;

	if (!absolute && !here)
		return NULL;
	if (asprintf(&path, "%s%s%.*s%s%s", here ? here : "", here ? "/" : "", (int)len, folder,
		    len > 0 ? "/" : "", name) < 0)
		abort();
	free(here);
	return path;
}

/* If we were not started through PATH, another program of our name may be in it. */
static bool is_this_program(const char *path)
{
	struct stat found;
	struct stat own;

	if (access(path, X_OK) < 0 || stat(path, &found) < 0)
		return false;
	if (stat(OWN_LINK, &own) < 0)
		return S_ISREG(found.st_mode);
	return found.st_dev == own.st_dev && found.st_ino == own.st_ino;
}

static char *search(const char *name)
{
	const char *folders = getenv("PATH");

	/* execvp(3) does the same. */
	if (!folders)
		folders = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(folders, ":");
		char *path = join(folders, len, name);
		if (path && is_this_program(path))
			return path;
		free(path);
		if (!folders[len])
			return NULL;
		folders += len + 1;
	}
}

/* argv0 as an absolute path, or NULL if no program is there. */
static char *follow(const char *argv0)
{
	char *path = argv0[0] == '/' ? strdup(argv0) : join("", 0, argv0);

	if (path && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *own_path(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink(OWN_LINK, path, sizeof path - 1);
	char *copy = strndup(len > 0 ? path : OWN_LINK, len > 0 ? (size_t)len : sizeof OWN_LINK);

	if (!copy)
		abort();
	return copy;
}

char *program_path(const char *argv0)
{
	char *path = NULL;

	if (argv0 && *argv0)
		path = strchr(argv0, '/') ? follow(argv0) : search(argv0);
	return path ? path : own_path();
}
