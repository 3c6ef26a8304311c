/* SPDX-License-Identifier: ISC */
/*
 * Proves settings: copies that share nothing, what a check derives, and the same listener in another
 * set.  test/documents/settings.txt proves the mistakes in a listener, and the names.
 */
#include "server/settings/settings.h"

#include "common/deadline.h"
#include "server/service.h"
#include "server/settings/options.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must_set(struct endpoint *e, const char *key, const char *value)
{
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_msg(option_set(option_find(key), e, value, mistake), "%s", mistake);
}

static struct endpoint *must_add(struct settings *s, const char *name, const char *address)
{
	struct endpoint *e = settings_add_endpoint(s);
	const char *key;

	must_set(e, "name", name);
	must_set(e, "address", address);
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
	return e;
}

TEST(null_can_be_released)
{
	settings_release(NULL);
}

TEST(a_listener_copies_the_defaults_and_shares_none_of_their_text)
{
	struct settings *s = settings_new();

	must_set(&s->defaults, "line.prefix", "one ");
	struct endpoint *e = settings_add_endpoint(s);
	ck_assert_ptr_ne(e->prefix, s->defaults.prefix);
	ck_assert_ptr_ne(e->name, s->defaults.name);
	ck_assert_ptr_ne(e->address, s->defaults.address);
	ck_assert_ptr_ne(e->service_name, s->defaults.service_name);
	must_set(&s->defaults, "line.prefix", "two ");
	ck_assert_str_eq(e->prefix, "one ");
	must_set(e, "line.prefix", "three ");
	ck_assert_str_eq(s->defaults.prefix, "two ");
	settings_release(s);
}

TEST(cleared_listeners_are_gone_and_others_can_come)
{
	struct settings *s = settings_new();

	must_add(s, "a", ":1");
	must_add(s, "b", ":2");
	settings_clear_endpoints(s);
	ck_assert_uint_eq(s->endpoint_count, 0);
	settings_clear_endpoints(s);
	must_add(s, "a", ":1");
	ck_assert_uint_eq(s->endpoint_count, 1);
	settings_release(s);
}

TEST(finishing_derives_where_service_framing_and_name)
{
	struct settings *s = settings_new();
	struct endpoint *e = settings_add_endpoint(s);
	const char *key;

	must_set(e, "address", "[::1]:7007");
	must_set(e, "service", "frame");
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
	ck_assert_str_eq(e->where.host, "::1");
	ck_assert_uint_eq(e->where.port, 7007);
	ck_assert_ptr_eq(e->service, service_find("frame"));
	ck_assert_int_eq(e->terms.framing, STREAM_FRAME);
	ck_assert_str_eq(e->name, "[::1]:7007");
	settings_release(s);
}

/* The same listener in another set. */

static const struct {
	const char *name;
	const char *address;
	const char *network;
	bool same;
} others[] = {
	{"a", "127.0.0.1:1", "tcp", true},
	{"b", "127.0.0.1:1", "tcp", false},
	{"a", "127.0.0.1:2", "tcp", false},
	{"a", "127.0.0.2:1", "tcp", false},
	{"a", ":1", "tcp", false},
	{"a", "127.0.0.1:1", "tcp4", false},
};

TEST_ROWS(a_listener_is_found_by_name_network_and_address, SUITE_COUNT(others))
{
	struct settings *one = settings_new();
	struct settings *other = settings_new();

	const struct endpoint *wanted = must_add(one, "a", "127.0.0.1:1");
	ck_assert_ptr_null(settings_find_endpoint(other, wanted));
	must_add(other, "first", ":7");
	struct endpoint *e = must_add(other, others[_i].name, others[_i].address);
	must_set(e, "network", others[_i].network);
	/* What else it has is no matter. */
	must_set(e, "timeouts.idle", "5s");
	must_set(e, "service", "echo");
	ck_assert_ptr_eq(settings_find_endpoint(other, wanted), others[_i].same ? e : NULL);
	settings_release(one);
	settings_release(other);
}

TEST(a_copy_has_the_listeners_own_keys_and_the_rest_from_the_defaults_of_its_set)
{
	struct settings *one = settings_new();
	struct settings *other = settings_new();
	const char *key;

	struct endpoint *of = must_add(one, "a", "[::1]:1");
	must_set(of, "network", "tcp6");
	must_set(of, "service", "frame");
	must_set(of, "max_connections", "3");
	must_set(of, "timeouts.idle", "5s");
	must_set(of, "line.prefix", "one");
	of->from_supervisor = true;
	must_set(&other->defaults, "timeouts.idle", "7s");
	struct endpoint *copy = settings_add_copy(other, of);
	ck_assert_ptr_null(settings_finish_endpoint(other, copy, &key));
	settings_release(one);
	ck_assert_ptr_eq(copy, &other->endpoints[0]);
	ck_assert_uint_eq(other->endpoint_count, 1);
	ck_assert_str_eq(copy->name, "a");
	ck_assert_str_eq(copy->address, "[::1]:1");
	ck_assert_str_eq(copy->service_name, "frame");
	ck_assert_uint_eq(copy->where.port, 1);
	ck_assert_int_eq(copy->network, NETWORK_TCP6);
	ck_assert_int_eq(copy->max_connections, 3);
	ck_assert(copy->from_supervisor);
	ck_assert_int_eq(copy->terms.idle_ns, 7 * NS_PER_S);
	ck_assert_int_eq(copy->terms.framing, STREAM_FRAME);
	ck_assert_str_eq(copy->prefix, "echo: ");
	ck_assert_ptr_eq(copy->settings, other);
	settings_release(other);
}
