/* SPDX-License-Identifier: ISC */
/* template - text with placeholders. */
#include "template.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct placeholder {
	const char *name;
	size_t value; /* where in struct template_values */
	size_t longest;
};

#define VALUE(field) offsetof(struct template_values, field)

static const struct placeholder placeholders[] = {
	{"instance", VALUE(instance), TEMPLATE_INSTANCE_MAX},
	{"id", VALUE(id), TEMPLATE_ID_MAX},
	{"peer", VALUE(peer), TEMPLATE_PEER_MAX},
	{"listener", VALUE(listener), TEMPLATE_LISTENER_MAX},
};

#define PLACEHOLDERS (sizeof placeholders / sizeof *placeholders)

/* What a template is made of. */
enum kind {
	END,
	LITERAL,
	PLACEHOLDER,
	UNKNOWN,  /* a name of no placeholder */
	UNCLOSED, /* a '{' with nothing that closes it */
};

struct piece {
	enum kind kind;
	const char *text; /* the bytes of a LITERAL, or the name */
	size_t len;
	const struct placeholder *placeholder;
};

static const struct placeholder *find(const char *name, size_t len)
{
	for (size_t i = 0; i < PLACEHOLDERS; i++) {
		if (strlen(placeholders[i].name) == len &&
			memcmp(placeholders[i].name, name, len) == 0)
			return &placeholders[i];
	}
	return NULL;
}

/* What begins with the '{' before name. */
static struct piece braced(const char *name)
{
	struct piece p = {.kind = UNCLOSED, .text = name, .len = strcspn(name, "{}")};

	if (name[p.len] != '}')
		return p;
	p.placeholder = find(name, p.len);
	p.kind = p.placeholder ? PLACEHOLDER : UNKNOWN;
	return p;
}

/* The piece at *at, which moves to the next one unless this piece is mistaken. */
static struct piece next(const char **at)
{
	const char *text = *at;
	struct piece p = {.kind = LITERAL, .text = text, .len = strcspn(text, "{")};

	if (*text == '\0') {
		p.kind = END;
	} else if (p.len > 0) {
		*at += p.len;
	} else if (text[1] == '{') {
		p.len = 1;
		*at += 2;
	} else {
		p = braced(text + 1);
		if (p.kind == PLACEHOLDER)
			*at = p.text + p.len + 1;
	}
	return p;
}

static bool is_mistaken(const struct piece *p)
{
	return p->kind == UNKNOWN || p->kind == UNCLOSED;
}

static void tell_of_piece(const struct piece *p, char *mistake, size_t mistake_size)
{
	static const char rule[] =
		"there are {instance}, {id}, {peer} and {listener}, and {{ for one {";

	if (p->kind == UNCLOSED)
		snprintf(mistake, mistake_size, "a { is never closed: %s", rule);
	else
		snprintf(mistake, mistake_size, "{%.*s} is no placeholder: %s",
			p->len < 40 ? (int)p->len : 40, p->text, rule);
}

bool template_check(const char *text, size_t room, char *mistake, size_t mistake_size)
{
	size_t longest = 0;
	struct piece p;

	for (p = next(&text); p.kind != END; p = next(&text)) {
		if (is_mistaken(&p)) {
			tell_of_piece(&p, mistake, mistake_size);
			return false;
		}
		longest += p.placeholder ? p.placeholder->longest : p.len;
	}
	if (longest > room) {
		snprintf(mistake, mistake_size,
			"it can become %zu bytes long, and may have %zu at most", longest, room);
		return false;
	}
	return true;
}

bool template_is_plain(const char *text)
{
	return !strchr(text, '{');
}

static void substitute(struct piece *p, const struct template_values *values)
{
	memcpy(&p->text, (const char *)values + p->placeholder->value, sizeof p->text);
	p->len = strnlen(p->text, p->placeholder->longest);
}

size_t template_expand(
	const char *text, const struct template_values *values, char *to, size_t room)
{
	size_t len = 0;

	for (struct piece p = next(&text); p.kind != END; p = next(&text)) {
		assert(!is_mistaken(&p));
		if (p.kind == PLACEHOLDER)
			substitute(&p, values);
		assert(p.len <= room - len);
		memcpy(to + len, p.text, p.len);
		len += p.len;
	}
	return len;
}
