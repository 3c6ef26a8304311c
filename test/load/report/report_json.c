/* SPDX-License-Identifier: ISC */
/* report_json - the result as JSON. */
#include "report_json.h"

#include "common/deadline.h"
#include "test/load/text/json.h"

#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void write_host(struct json *j)
{
	struct utsname host;

	if (uname(&host) < 0)
		return;
	json_open_object(j, "host");
	json_string(j, "name", host.nodename);
	json_string(j, "system", host.sysname);
	json_string(j, "release", host.release);
	json_string(j, "machine", host.machine);
	json_integer(j, "processors", sysconf(_SC_NPROCESSORS_ONLN));
	json_close_object(j);
}

static void write_addresses(struct json *j, const struct result *r, const struct endpoint *e)
{
	char text[ADDRESS_TEXT_MAX];

	json_open_array(j, "addresses", false);
	for (int i = 0; i < e->count; i++) {
		json_open_object(j, NULL);
		json_string(j, "address", address_format(&e->addresses[i], text));
		json_count(j, "connections", r->figures.address_opened[i]);
		json_count(j, "failed_attempts", r->figures.address_failed[i]);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_settings(struct json *j, const struct settings *s)
{
	json_open_object(j, "settings");
	json_string(j, "network", address_network_name(s->endpoint.network));
	json_string(j, "host", s->endpoint.where.host);
	json_integer(j, "port", s->endpoint.where.port);
	json_string(j, "service", wire_service_name(s->endpoint.service));
	json_string(j, "loop", s->rate.count > 0 ? "open" : "closed");
	json_real(j, "rate_per_s", rate_per_s(&s->rate));
	json_count(j, "connections", s->connections);
	json_count(j, "in_flight", s->in_flight);
	json_count(j, "threads", s->threads);
	json_count(j, "messages", s->messages);
	json_count(j, "messages_per_connection", s->per_connection);
	json_real(j, "connect_rate_per_s", rate_per_s(&s->connect_rate));
	json_integer(j, "payload_min_bytes", s->size.min_bytes);
	json_integer(j, "payload_max_bytes", s->size.max_bytes);
	json_integer(j, "duration_ns", s->duration_ns);
	json_integer(j, "ramp_ns", s->ramp_ns);
	json_integer(j, "timeout_ns", s->timeout_ns);
	json_count(j, "sources", s->sources.count);
	json_string(j, "close", s->close_by_reset ? "reset" : "fin");
	json_string(j, "prefix", s->prefix);
	json_bool(j, "prefix_any", s->prefix_any);
	json_string(j, "banner", s->banner ? s->banner : "");
	json_count(j, "seed", s->seed);
	json_close_object(j);
}

static void write_messages(struct json *j, const struct result *r)
{
	const struct figures *f = &r->figures;

	json_open_object(j, "messages");
	json_count(j, "scheduled", f->due);
	json_count(j, "sent", f->sent);
	json_count(j, "late", f->late);
	json_count(j, "not_sent", figures_not_sent(f));
	json_count(j, "not_sent_no_room", f->not_sent_no_vacancy);
	json_count(j, "not_sent_client_late", f->not_sent_late);
	json_count(j, "answered", f->answered);
	json_count(j, "mismatched", f->mismatched);
	json_count(j, "lost", f->lost);
	json_count(j, "cut_off", f->cut_off);
	json_count(j, "excused", f->excused);
	json_count(j, "measured", f->latency.count);
	json_bool(j, "marked", r->marked);
	json_close_object(j);
}

static void write_throughput(struct json *j, const struct result *r)
{
	double window_s = (double)r->window_ns / 1e9;

	json_open_object(j, "throughput");
	json_real(j, "replies_per_s", result_rate(r));
	json_real(
		j, "sent_bytes_per_s", window_s > 0 ? (double)r->figures.bytes_sent / window_s : 0);
	json_real(j, "received_bytes_per_s",
		window_s > 0 ? (double)r->figures.bytes_received / window_s : 0);
	json_close_object(j);
}

static void write_buckets(struct json *j, const struct histogram *h)
{
	json_open_array(j, "buckets_low_ns_count", false);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->buckets[i] == 0)
			continue;
		json_open_array(j, NULL, true);
		json_integer(j, NULL, histogram_bucket_low(i));
		json_count(j, NULL, h->buckets[i]);
		json_close_array(j);
	}
	json_close_array(j);
}

/* What never came, or of nothing, is null. */
static void write_duration(struct json *j, const char *name, int64_t ns)
{
	if (ns == HISTOGRAM_NEVER)
		json_real(j, name, INFINITY);
	else
		json_integer(j, name, ns);
}

static int64_t percentile_of(const struct histogram *h, double percentile)
{
	return histogram_total(h) > 0 ? histogram_percentile(h, percentile) : HISTOGRAM_NEVER;
}

static void write_histogram(struct json *j, const char *name, const struct histogram *h)
{
	static const struct {
		const char *name;
		double percentile;
	} rows[] = {
		{"p50_ns", 50},
		{"p90_ns", 90},
		{"p95_ns", 95},
		{"p99_ns", 99},
		{"p99_9_ns", 99.9},
		{"p99_99_ns", 99.99},
	};

	json_open_object(j, name);
	json_count(j, "count", h->count);
	json_count(j, "never", h->never);
	write_duration(j, "min_ns", h->count > 0 ? h->min_ns : HISTOGRAM_NEVER);
	json_real(j, "mean_ns", h->count > 0 ? histogram_mean(h) : INFINITY);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		write_duration(j, rows[i].name, percentile_of(h, rows[i].percentile));
	write_duration(j, "max_ns", percentile_of(h, 100));
	json_integer(j, "significant_digits", 3);
	write_buckets(j, h);
	json_close_object(j);
}

static void write_latencies(struct json *j, const struct result *r)
{
	const struct figures *f = &r->figures;

	write_histogram(j, "latency", &f->latency);
	write_histogram(j, "latency_from_sent", &f->actual);
	write_histogram(j, "latency_client_own", &f->own);
	write_histogram(j, "client_lateness", &f->lateness);
	write_histogram(j, "connect", &f->connect);
	write_histogram(j, "first_byte", &f->first_byte);
}

static void write_failures(struct json *j, const struct result *r)
{
	const struct tally *t = &r->figures.failures;
	char text[384];

	json_open_array(j, "failures", false);
	for (size_t i = 0; i < FAILURES; i++) {
		const struct example *e = &t->first[i];
		if (t->count[i] == 0)
			continue;
		json_open_object(j, NULL);
		json_string(j, "name", failure_name((enum failure)i));
		json_count(j, "count", t->count[i]);
		json_count(j, "first_connection", e->connection);
		json_string(j, "first_phase", failure_phase_name(e->phase));
		json_string(j, "first_errno", e->error ? strerrorname_np(e->error) : "");
		json_string(j, "first", failure_format_example(e, text, sizeof text));
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_client(struct json *j, const struct result *r)
{
	json_open_object(j, "client");
	json_integer(j, "user_ns", r->figures.user_ns);
	json_integer(j, "system_ns", r->figures.system_ns);
	json_integer(j, "waiting_for_processor_ns", r->figures.waiting_ns);
	json_real(j, "cpu_ns_per_message", result_cpu_ns_per_message(r));
	json_real(j, "busiest_thread_running_share", result_running(r));
	json_real(j, "busiest_thread_running_or_waiting_share", result_busiest(r));
	json_bool(j, "was_the_limit", result_client_limited(r));
	json_bool(j, "processors_were_the_limit", result_processors_short(r));
	json_bool(j, "schedule_kept", result_schedule_kept(r));
	json_count(j, "stalls", r->figures.stalls);
	json_integer(j, "stalled_ns", r->figures.stalled_ns);
	json_integer(j, "longest_stall_ns", r->figures.stall_max_ns);
	json_close_object(j);
}

static void write_bounds(struct json *j, const struct result *r, const struct settings *s)
{
	json_open_array(j, "fail_if", false);
	for (size_t i = 0; i < s->bounds.count; i++) {
		const struct expression *e = &s->bounds.of[i];
		struct judgement verdict = result_judge(r, e);
		char text[256];
		json_open_object(j, NULL);
		json_string(j, "expression", e->text);
		json_real(j, "measured", verdict.measured);
		json_string(j, "unit", expression_unit(e));
		json_bool(j, "broken", verdict.broken);
		json_string(
			j, "not_valid_because", verdict.why_not_valid ? verdict.why_not_valid : "");
		json_string(
			j, "explained", expression_explain(e, verdict.measured, text, sizeof text));
		json_close_object(j);
	}
	json_close_array(j);
}

/* RFC 3339, and the same as a number. */
static void write_started(struct json *j, const struct timespec *started)
{
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&started->tv_sec, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_string(j, "started", text);
	json_integer(j, "started_unix_ns",
		(int64_t)started->tv_sec * NS_PER_S + (int64_t)started->tv_nsec);
}

/* How every file of ours begins. */
static void begin_file(struct json *j, FILE *to)
{
	json_init(j, to);
	json_open_object(j, NULL);
	json_integer(j, "format", 1);
	json_string(j, "program", "bobbin-load " BOBBIN_VERSION);
	json_string(j, "command", "run");
}

void report_json_write(FILE *to, const struct result *r, const struct settings *s)
{
	const char *sum = figures_broken_sum(&r->figures);
	struct json j;

	begin_file(&j, to);
	write_started(&j, &r->started);
	write_host(&j);
	write_settings(&j, s);
	json_bool(&j, "reached", r->reached);
	json_bool(&j, "interrupted", r->interrupted);
	json_string(&j, "broken_sum", sum ? sum : "");
	json_integer(&j, "opening_ns", r->opening_ns);
	json_integer(&j, "measured_ns", r->window_ns);
	write_messages(&j, r);
	write_throughput(&j, r);
	json_count(&j, "connections_opened", r->figures.opened);
	json_count(&j, "connections_ended_by_server", r->figures.ended_by_server);
	write_addresses(&j, r, &s->endpoint);
	write_latencies(&j, r);
	write_failures(&j, r);
	write_client(&j, r);
	write_bounds(&j, r, s);
	json_integer(&j, "exit_status", result_status(r, &s->bounds));
	json_close_object(&j);
}

void report_json_write_failure(FILE *to, const char *why, int status)
{
	struct json j;

	begin_file(&j, to);
	json_string(&j, "failed", why);
	json_integer(&j, "exit_status", status);
	json_close_object(&j);
}
