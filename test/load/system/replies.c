/* SPDX-License-Identifier: ISC */
/* replies - the right reply, and the wrong ones. */
#include "replies.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const replies_services[] = {"line", "frame", "echo", NULL};
const char *const replies_ways[] = {"right", "drop", "repeat", "swap", "change", "short", "long",
	"early", "foreign", "error", "half", "eof", "silent", "reset", "close", NULL};

/* FOREIGN: the newest message of all, and the connection that sent it. */
static struct bytes newest;
static const struct talk *newest_of;

void bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (b->size - b->len < len) {
		b->size = 2 * (b->len + len);
		b->data = realloc(b->data, b->size);
		if (!b->data)
			abort();
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void bytes_drop(struct bytes *b, size_t len)
{
	b->len -= len;
	if (b->len > 0)
		memmove(b->data, b->data + len, b->len);
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){NULL, 0, 0};
}

size_t replies_split(enum service service, struct view data, struct view *message)
{
	size_t head = service == FRAME ? sizeof(uint32_t) : 0;
	size_t tail = service == LINE;
	uint32_t length;

	if (data.len == 0 || data.len < head)
		return 0;
	if (service == FRAME)
		memcpy(&length, data.data, head);
	const char *newline = memchr(data.data, '\n', data.len);
	if (service == LINE && !newline)
		return 0;
	message->data = data.data + head;
	message->len = service == LINE ? (size_t)(newline - data.data)
		: service == FRAME     ? ntohl(length)
				       : REPLIES_ECHO_BYTES;
	size_t whole = head + message->len + tail;
	return data.len < whole ? 0 : whole;
}

static void reply(enum service service, struct bytes *out, struct view payload)
{
	uint32_t length = htonl((uint32_t)payload.len);

	if (service == LINE)
		bytes_append(out, "echo: ", 6);
	if (service == FRAME)
		bytes_append(out, &length, sizeof length);
	bytes_append(out, payload.data, payload.len);
	bytes_append(out, "\n", service == LINE);
}

static struct view view_of(const struct bytes *b)
{
	return (struct view){b->data, b->len};
}

static void reply_longer(enum service service, struct talk *t, struct view message)
{
	struct bytes longer = {NULL, 0, 0};

	bytes_append(&longer, message.data, message.len);
	bytes_append(&longer, "!", 1);
	reply(service, &t->out, view_of(&longer));
	bytes_free(&longer);
}

/* echo has no words of its own: its client sees plain text. */
static void reply_error(enum service service, struct talk *t)
{
	static char error[] = "error: come back later\n";

	if (service == FRAME)
		reply(service, &t->out, (struct view){error, sizeof error - 2});
	else
		bytes_append(&t->out, error, sizeof error - 1);
	t->over = true;
}

static void reply_foreign(enum service service, struct talk *t, struct view message)
{
	bool foreign = t->count >= REPLIES_FAULTY && newest_of && newest_of != t;

	reply(service, &t->out, foreign ? view_of(&newest) : message);
	newest.len = 0;
	bytes_append(&newest, message.data, message.len);
	newest_of = t;
}

/* To every message but the faulty one. */
static void reply_usually(enum way way, enum service service, struct talk *t, struct view message)
{
	if (way == SILENT)
		return;
	reply(service, &t->out, message);
	if (t->kept.data)
		reply(service, &t->out, view_of(&t->kept));
	bytes_free(&t->kept);
}

void replies_give(enum way way, enum service service, struct talk *t, struct view message)
{
	if (way == FOREIGN) {
		reply_foreign(service, t, message);
		return;
	}
	if (t->count != REPLIES_FAULTY || way == SILENT) {
		reply_usually(way, service, t, message);
		return;
	}
	switch (way) {
	case DROP:
		return;
	case SWAP:
		bytes_append(&t->kept, message.data, message.len);
		return;
	case LENGTHEN:
		reply_longer(service, t, message);
		return;
	case ERROR:
		reply_error(service, t);
		return;
	case END:
		t->over = true;
		return;
	case CHANGE:
		message.data[message.len / 2] ^= 0x40;
		break;
	case SHORTEN:
		message.len--;
		break;
	default:
		break;
	}
	reply(service, &t->out, message);
	if (way == HALF) {
		t->out.len -= message.len / 2;
		t->over = true;
	} else if (way == REPEAT || way == EARLY) {
		/* The last digit of the sequence number, one higher. */
		message.data[18] = (char)(message.data[18] + (way == EARLY));
		reply(service, &t->out, message);
	}
}

void replies_forget(struct talk *t)
{
	if (newest_of == t)
		newest_of = NULL;
	bytes_free(&t->out);
	bytes_free(&t->kept);
}
