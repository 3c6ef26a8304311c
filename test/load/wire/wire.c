/* SPDX-License-Identifier: ISC */
/* wire - requests and replies as they are on the connection. */
#include "wire.h"

#include <errno.h>
#include <string.h>

static const char *const service_names[] = {
	[SERVICE_LINE] = "line",
	[SERVICE_FRAME] = "frame",
	[SERVICE_ECHO] = "echo",
};

int wire_parse_service(const char *text, enum service *service)
{
	for (size_t i = 0; i < sizeof service_names / sizeof *service_names; i++) {
		if (strcmp(text, service_names[i]) == 0) {
			*service = (enum service)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *wire_service_name(enum service service)
{
	return service_names[service];
}

static void set_length(struct form *f)
{
	size_t len = f->message.size;

	for (int i = WIRE_LENGTH_BYTES - 1; i >= 0; i--) {
		f->length[i] = (char)(len & 255);
		len >>= 8;
	}
	f->head = f->length;
	f->head_len = WIRE_LENGTH_BYTES;
}

void wire_request(const struct wire *w, uint32_t connection, uint64_t sequence, struct form *f)
{
	payload_compose(w->payload, connection, sequence, &f->message);
	f->head = "";
	f->head_len = 0;
	if (w->service == SERVICE_FRAME)
		set_length(f);
	f->tail_len = w->service == SERVICE_LINE;
	f->len = f->head_len + f->message.size + f->tail_len;
}

void wire_reply(const struct wire *w, uint32_t connection, uint64_t sequence, struct form *f)
{
	wire_request(w, connection, sequence, f);
	if (w->service == SERVICE_LINE) {
		f->head = w->prefix;
		f->head_len = w->prefix_len;
		f->len += w->prefix_len;
	}
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t form_copy(const struct form *f, size_t offset, char *out, size_t len)
{
	size_t body_end = f->head_len + f->message.size;
	size_t done = 0;

	len = smaller(len, f->len - offset);
	if (offset < f->head_len) {
		done = smaller(len, f->head_len - offset);
		memcpy(out, f->head + offset, done);
	}
	if (done < len && offset + done < body_end) {
		size_t n = smaller(len - done, body_end - offset - done);
		message_copy(&f->message, offset + done - f->head_len, out + done, n);
		done += n;
	}
	if (done < len)
		out[done++] = '\n';
	return done;
}

size_t form_match(const struct form *f, size_t offset, const char *data, size_t len)
{
	size_t body_end = f->head_len + f->message.size;
	size_t done = 0;

	if (offset < f->head_len) {
		size_t n = smaller(len, f->head_len - offset);
		done = payload_common_prefix(f->head + offset, data, n);
		if (done < n)
			return done;
	}
	if (done < len && offset + done < body_end) {
		size_t n = smaller(len - done, body_end - offset - done);
		size_t same =
			message_match(&f->message, offset + done - f->head_len, data + done, n);
		done += same;
		if (same < n)
			return done;
	}
	if (done < len && data[done] == '\n')
		done++;
	return done;
}

int form_byte(const struct form *f, size_t offset)
{
	char byte = 0;

	if (offset >= f->len)
		return -1;
	form_copy(f, offset, &byte, 1);
	return (unsigned char)byte;
}
