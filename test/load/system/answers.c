/* SPDX-License-Identifier: ISC */
/* answers - the right reply, and the wrong ones. */
#include "answers.h"

#include <string.h>

static bool is_faulty(const struct talk *t)
{
	return t->count == ANSWERS_FAULTY;
}

static void reply(struct answers *a, struct talk *t, struct view message)
{
	framing_reply(a->framing, &t->out, message);
}

static struct view view_of(const struct bytes *b)
{
	return (struct view){b->data, b->len};
}

static void answer_right(struct answers *a, struct talk *t, struct view message)
{
	reply(a, t, message);
}

static void answer_drop(struct answers *a, struct talk *t, struct view message)
{
	if (!is_faulty(t))
		reply(a, t, message);
}

static void answer_repeat(struct answers *a, struct talk *t, struct view message)
{
	reply(a, t, message);
	if (is_faulty(t))
		reply(a, t, message);
}

static void answer_swap(struct answers *a, struct talk *t, struct view message)
{
	if (is_faulty(t)) {
		bytes_append(&t->kept, message.data, message.len);
		return;
	}
	reply(a, t, message);
	if (t->kept.data)
		reply(a, t, view_of(&t->kept));
	bytes_free(&t->kept);
}

static void answer_change(struct answers *a, struct talk *t, struct view message)
{
	if (is_faulty(t))
		message.data[message.len / 2] ^= 0x40;
	reply(a, t, message);
}

static void answer_short(struct answers *a, struct talk *t, struct view message)
{
	message.len -= is_faulty(t);
	reply(a, t, message);
}

static void answer_long(struct answers *a, struct talk *t, struct view message)
{
	struct bytes longer = {NULL, 0, 0};

	bytes_append(&longer, message.data, message.len);
	bytes_append(&longer, "!", is_faulty(t));
	reply(a, t, view_of(&longer));
	bytes_free(&longer);
}

/* What the next message may well look like: the last digit of its sequence number, one higher. */
static void answer_early(struct answers *a, struct talk *t, struct view message)
{
	reply(a, t, message);
	if (!is_faulty(t))
		return;
	message.data[18]++;
	reply(a, t, message);
}

static void answer_foreign(struct answers *a, struct talk *t, struct view message)
{
	bool foreign = t->count >= ANSWERS_FAULTY && a->last_talk && a->last_talk != t;

	reply(a, t, foreign ? view_of(&a->last) : message);
	a->last.len = 0;
	bytes_append(&a->last, message.data, message.len);
	a->last_talk = t;
}

/* In the words of the service; echo has none, so its client sees plain text. */
static void answer_error(struct answers *a, struct talk *t, struct view message)
{
	static char error[] = "error: come back later\n";
	struct view words = {error, sizeof error - 2};

	if (t->count < ANSWERS_FAULTY) {
		reply(a, t, message);
		return;
	}
	if (a->framing->kind == FRAMING_FRAME)
		reply(a, t, words);
	else
		bytes_append(&t->out, error, sizeof error - 1);
	t->over = true;
}

static void answer_half(struct answers *a, struct talk *t, struct view message)
{
	reply(a, t, message);
	if (!is_faulty(t))
		return;
	t->out.len -= message.len / 2;
	t->over = true;
}

static void answer_eof(struct answers *a, struct talk *t, struct view message)
{
	t->over = is_faulty(t);
	if (!t->over)
		reply(a, t, message);
}

static void answer_never(struct answers *a, struct talk *t, struct view message)
{
	(void)a;
	(void)t;
	(void)message;
}

const struct answers_mode *answers_find(const char *name)
{
	static const struct answers_mode modes[] = {
		{"right", answer_right, false, false},
		{"drop", answer_drop, false, false},
		{"repeat", answer_repeat, false, false},
		{"swap", answer_swap, false, false},
		{"change", answer_change, false, false},
		{"short", answer_short, false, false},
		{"long", answer_long, false, false},
		{"early", answer_early, false, false},
		{"foreign", answer_foreign, false, false},
		{"error", answer_error, false, false},
		{"half", answer_half, false, false},
		{"eof", answer_eof, false, false},
		{"silent", answer_never, false, false},
		{"reset", answer_never, true, false},
		{"close", answer_never, false, true},
	};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(name, modes[i].name) == 0)
			return &modes[i];
	}
	return NULL;
}

void answers_forget(struct answers *a, struct talk *t)
{
	if (a->last_talk == t)
		a->last_talk = NULL;
	bytes_free(&t->out);
	bytes_free(&t->kept);
}
