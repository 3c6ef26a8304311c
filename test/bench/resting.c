/* SPDX-License-Identifier: ISC */
/* resting - what connections that have talked and now rest keep in memory. */
#include "resting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Each has talked at least once then, if they are not too many to be opened in the meantime. */
#define LOOK_AFTER_MS 1700
#define RESTING_MS    2000
#define FEW           2000
#define OPENING_US    200

static int64_t opening_ms(uint32_t connections)
{
	return connections > FEW ? (int64_t)(connections - FEW) * OPENING_US / 1000 : 0;
}

int64_t resting_takes_ms(uint32_t connections)
{
	return RESTING_MS + opening_ms(connections);
}

/* What the kernel keeps for threads and sockets; it is the whole system's, so others disturb it. */
static int64_t kernel_bytes(void)
{
	static const char *const names[] = {
		"Slab:", "KernelStack:", "PageTables:", "SecPageTables:", "Percpu:"};
	FILE *file = fopen("/proc/meminfo", "re");
	int64_t sum = 0;
	char line[128];
	char name[64];
	long long kib;

	if (!file)
		return -1;
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "%63s %lld", name, &kib) != 2)
			continue;
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			sum += strcmp(name, names[i]) == 0 ? kib * 1024 : 0;
	}
	fclose(file);
	return sum;
}

int resting_measure(const struct load_order *order, struct sample *sample, char fault[FAULT_MAX])
{
	struct load_order talk = *order;
	struct process client;
	double connections = order->of->connections;
	int64_t resident = process_resident_bytes(order->server);
	int64_t kernel = kernel_bytes();

	talk.run_ms = resting_takes_ms(order->of->connections);
	talk.ramp_ms = 0;
	talk.rate = order->of->connections;
	int rc = load_start(&talk, &client);
	if (rc == 0)
		rc = process_wait(&client, LOOK_AFTER_MS + opening_ms(order->of->connections));
	int64_t resident_then = process_resident_bytes(order->server);
	int64_t kernel_then = kernel_bytes();
	/* It should still be at work. */
	if (rc == -ETIMEDOUT)
		rc = process_wait(&client, talk.run_ms + LOAD_PATIENCE_MS);
	if (rc >= 0)
		rc = load_read(&client, rc, &talk, sample, fault);
	process_end(&client);
	if (rc < 0 && rc != -EINTR && !fault[0])
		snprintf(fault, FAULT_MAX, "the load client: %s", strerrordesc_np(-rc));
	if (rc < 0)
		return rc;
	*sample = sample_empty();
	if (resident < 0 || resident_then < 0 || kernel < 0 || kernel_then < 0) {
		snprintf(fault, FAULT_MAX, "the server's memory cannot be read");
		return -EPROTO;
	}
	sample->of[RESIDENT] = (double)(resident_then - resident) / connections;
	sample->of[MEMORY] = sample->of[RESIDENT] + (double)(kernel_then - kernel) / connections;
	return 0;
}
