/* SPDX-License-Identifier: ISC */
/* answers - the right reply, and the wrong ones. */
#include "answers.h"

#include <string.h>

/* FOREIGN: the newest message of all, and the connection that sent it. */
static struct bytes newest;
static const struct talk *newest_of;

bool answers_parse(const char *name, enum answers *way)
{
	static const char *const names[] = {"right", "drop", "repeat", "swap", "change", "short",
		"long", "early", "foreign", "error", "half", "eof", "silent", "reset", "close"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) == 0) {
			*way = (enum answers)i;
			return true;
		}
	}
	return false;
}

static struct view view_of(const struct bytes *b)
{
	return (struct view){b->data, b->len};
}

static void reply_longer(enum framing framing, struct talk *t, struct view message)
{
	struct bytes longer = {NULL, 0, 0};

	bytes_append(&longer, message.data, message.len);
	bytes_append(&longer, "!", 1);
	framing_reply(framing, &t->out, view_of(&longer));
	bytes_free(&longer);
}

/* echo has no words of its own: its client sees plain text. */
static void reply_error(enum framing framing, struct talk *t)
{
	static char error[] = "error: come back later\n";

	if (framing == FRAMING_FRAME)
		framing_reply(framing, &t->out, (struct view){error, sizeof error - 2});
	else
		bytes_append(&t->out, error, sizeof error - 1);
	t->over = true;
}

static void reply_foreign(enum framing framing, struct talk *t, struct view message)
{
	bool foreign = t->count >= ANSWERS_FAULTY && newest_of && newest_of != t;

	framing_reply(framing, &t->out, foreign ? view_of(&newest) : message);
	newest.len = 0;
	bytes_append(&newest, message.data, message.len);
	newest_of = t;
}

/* To every message but the faulty one. */
static void reply_usually(
	enum answers way, enum framing framing, struct talk *t, struct view message)
{
	if (way == ANSWERS_SILENT)
		return;
	framing_reply(framing, &t->out, message);
	if (t->kept.data)
		framing_reply(framing, &t->out, view_of(&t->kept));
	bytes_free(&t->kept);
}

void answers_give(enum answers way, enum framing framing, struct talk *t, struct view message)
{
	if (way == ANSWERS_FOREIGN) {
		reply_foreign(framing, t, message);
		return;
	}
	if (t->count != ANSWERS_FAULTY || way == ANSWERS_SILENT) {
		reply_usually(way, framing, t, message);
		return;
	}
	switch (way) {
	case ANSWERS_DROP:
		return;
	case ANSWERS_SWAP:
		bytes_append(&t->kept, message.data, message.len);
		return;
	case ANSWERS_LONG:
		reply_longer(framing, t, message);
		return;
	case ANSWERS_ERROR:
		reply_error(framing, t);
		return;
	case ANSWERS_EOF:
		t->over = true;
		return;
	case ANSWERS_CHANGE:
		message.data[message.len / 2] ^= 0x40;
		break;
	case ANSWERS_SHORT:
		message.len--;
		break;
	default:
		break;
	}
	framing_reply(framing, &t->out, message);
	if (way == ANSWERS_HALF) {
		t->out.len -= message.len / 2;
		t->over = true;
	} else if (way == ANSWERS_REPEAT || way == ANSWERS_EARLY) {
		/* The last digit of the sequence number, one higher. */
		message.data[18] = (char)(message.data[18] + (way == ANSWERS_EARLY));
		framing_reply(framing, &t->out, message);
	}
}

void answers_forget(struct talk *t)
{
	if (newest_of == t)
		newest_of = NULL;
	bytes_free(&t->out);
	bytes_free(&t->kept);
}
