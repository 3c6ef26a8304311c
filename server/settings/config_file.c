/* SPDX-License-Identifier: ISC */
/* config_file - a libconfig file to settings. */
#include "config_file.h"

#include "config_scan.h"
#include "options.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#define LISTENERS "listeners"

struct config_file {
	config_t config;
	struct config_scan *scan; /* of which config knows the lines */
};

static const char *type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a decimal point";
	case CONFIG_TYPE_STRING:
		return "text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_GROUP:
		return "a group";
	default:
		return "a list";
	}
}

static void tell_at(struct config_file *c, unsigned line, struct mistakes *m, const char *what)
{
	struct config_place place = config_scan_place(c->scan, line);

	mistakes_in_file(m, place.path, place.line, "%s", what);
}

static void tell(
	struct config_file *c, const config_setting_t *at, struct mistakes *m, const char *what)
{
	tell_at(c, config_setting_source_line(at), m, what);
}

static void tell_type(struct config_file *c, const config_setting_t *at, struct mistakes *m,
	const char *key, const char *expects)
{
	char what[OPTION_MISTAKE_MAX];

	snprintf(what, sizeof what, "%s is %s; it must be %s", key, type_name(at), expects);
	tell(c, at, m, what);
}

/* Reading. */

static char *must_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

/* "a,b" from ( "a", "b" ) or [ "a", "b" ].  NULL if anything else is in it.  The caller frees it. */
static char *join(const config_setting_t *list)
{
	char *joined = NULL;
	size_t size;
	bool good = true;
	FILE *memory = open_memstream(&joined, &size);

	if (!memory)
		abort();
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *item = config_setting_get_string_elem(list, i);
		good = good && item;
		fprintf(memory, "%s%s", i > 0 ? "," : "", item ? item : "");
	}
	fclose(memory);
	if (!good)
		free(joined);
	return good ? joined : NULL;
}

/* True of a number that does not fit: config_scan has told it already. */
static bool is_told(const config_setting_t *at)
{
	return config_setting_get_format(at) == CONFIG_FORMAT_HEX;
}

/*
 * The value as text that option_set() takes: the types of text and quantities take text, switches
 * true or false, blocks a list too.  NULL if it is none of those.  The caller frees it.
 */
static char *as_text(const config_setting_t *at, const struct option *row)
{
	const char *text = NULL;

	switch (config_setting_type(at)) {
	case CONFIG_TYPE_STRING:
		if (row->type != OPTION_COUNT && row->type != OPTION_SWITCH)
			text = config_setting_get_string(at);
		break;
	case CONFIG_TYPE_BOOL:
		if (row->type == OPTION_SWITCH)
			text = config_setting_get_bool(at) ? "true" : "false";
		break;
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ARRAY:
		return row->type == OPTION_BLOCKS ? join(at) : NULL;
	}
	return text ? must_copy(text) : NULL;
}

static bool takes_number(const config_setting_t *at, const struct option *row)
{
	int type = config_setting_type(at);

	return (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) && !option_is_text(row) &&
		row->type != OPTION_WORD && row->type != OPTION_SWITCH;
}

static void tell_expected(struct config_file *c, const config_setting_t *at,
	const struct option *row, struct mistakes *m)
{
	char *expects = option_expects(row);

	tell_type(c, at, m, row->key, expects);
	free(expects);
}

static void apply_value(struct config_file *c, const config_setting_t *at, const struct option *row,
	void *base, struct mistakes *m)
{
	char mistake[OPTION_MISTAKE_MAX];
	char *text = as_text(at, row);
	bool good = true;

	if (text)
		good = option_set(row, base, text, mistake);
	else if (!takes_number(at, row))
		tell_expected(c, at, row, m);
	else if (!is_told(at))
		good = option_set_number(row, base, config_setting_get_int64(at), mistake);
	if (!good)
		tell(c, at, m, mistake);
	free(text);
}

static void tell_unknown(
	struct config_file *c, const config_setting_t *at, struct mistakes *m, const char *key)
{
	char what[OPTION_MISTAKE_MAX];
	const char *near = option_near(key);

	if (near)
		snprintf(what, sizeof what, "there is no option %.100s; did you mean %s?", key,
			near);
	else
		snprintf(what, sizeof what, "there is no option %.100s", key);
	tell(c, at, m, what);
}

static void tell_key(struct config_file *c, const config_setting_t *at, struct mistakes *m,
	const char *key, const char *what)
{
	char text[OPTION_MISTAKE_MAX];

	snprintf(text, sizeof text, "%.100s %.140s", key, what);
	tell(c, at, m, text);
}

/* The row with this name in any group, or the end of the rows. */
static const struct option *grouped(const char *name)
{
	const struct option *row = option_rows;

	for (; row->key; row++) {
		const char *dot = strchr(row->key, '.');
		if (dot && strcmp(dot + 1, name) == 0)
			break;
	}
	return row;
}

static void tell_listeners_key(
	struct config_file *c, const config_setting_t *at, struct mistakes *m, const char *key)
{
	char what[OPTION_MISTAKE_MAX];
	const char *meant = grouped(key)->key;

	snprintf(what, sizeof what, "belongs into a listener%s%s",
		meant ? "; for the whole server there is " : "", meant ? meant : "");
	tell_key(c, at, m, key, what);
}

/* One key.  Some belong into a listener only, some outside of listeners only. */
static void apply_key(struct config_file *c, const config_setting_t *at, const char *key,
	struct settings *s, struct endpoint *listener, struct mistakes *m)
{
	const struct option *row = option_find(key);

	if (!row) {
		tell_unknown(c, at, m, key);
	} else if (listener && row->scope == OPTION_SERVER) {
		tell_key(
			c, at, m, key, "holds for the whole server; a listener cannot override it");
	} else if (!listener && row->scope == OPTION_LISTENER) {
		tell_listeners_key(c, at, m, key);
	} else {
		apply_value(c, at, row, listener ? (void *)listener : option_base(row, s), m);
	}
}

static bool is_group_name(const char *name)
{
	size_t len = strlen(name);

	for (const struct option *row = option_rows; row->key; row++) {
		if (strncmp(row->key, name, len) == 0 && row->key[len] == '.')
			return true;
	}
	return false;
}

/* "group.member" for each member. */
static void apply_group(struct config_file *c, const config_setting_t *group, struct settings *s,
	struct endpoint *listener, struct mistakes *m)
{
	const char *name = config_setting_name(group);
	char key[256];

	if (!config_setting_is_group(group)) {
		tell_type(c, group, m, name, "a group, as in name: { key = value; };");
		return;
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
		snprintf(key, sizeof key, "%s.%s", name, config_setting_name(member));
		apply_key(c, member, key, s, listener, m);
	}
}

static void apply_members(struct config_file *c, const config_setting_t *of, struct settings *s,
	struct endpoint *listener, struct mistakes *m)
{
	for (int i = 0; i < config_setting_length(of); i++) {
		const config_setting_t *member = config_setting_get_elem(of, (unsigned)i);
		const char *name = config_setting_name(member);
		if (!listener && strcmp(name, LISTENERS) == 0)
			continue;
		if (is_group_name(name))
			apply_group(c, member, s, listener, m);
		else
			apply_key(c, member, name, s, listener, m);
	}
}

void config_file_apply(struct config_file *c, struct settings *s, struct mistakes *m)
{
	apply_members(c, config_root_setting(&c->config), s, NULL, m);
}

/* A key whose value is no text has been told already. */
static void tell_check(struct config_file *c, const config_setting_t *listener, struct mistakes *m,
	const char *key, const char *mistake)
{
	/* NULL where the listener has copied the value from outside. */
	const config_setting_t *value = config_setting_lookup((config_setting_t *)listener, key);
	char what[OPTION_MISTAKE_MAX + 64];

	if (value && config_setting_type(value) != CONFIG_TYPE_STRING)
		return;
	snprintf(what, sizeof what, "%s: %s", key,
		value || strchr(key, '.') ? mistake : "it is missing");
	tell(c, value ? value : listener, m, what);
}

static void apply_listener(
	struct config_file *c, const config_setting_t *at, struct settings *s, struct mistakes *m)
{
	const char *key;

	if (!config_setting_is_group(at)) {
		tell_type(c, at, m, "a listener", "a group, as in { address = \":7007\"; }");
		return;
	}
	struct endpoint *e = settings_add_endpoint(s);
	apply_members(c, at, s, e, m);
	unsigned check = 0;
	do {
		const char *mistake = settings_check_endpoint(s, e, check++, &key);
		if (mistake)
			tell_check(c, at, m, key, mistake);
	} while (key);
}

void config_file_apply_listeners(struct config_file *c, struct settings *s, struct mistakes *m)
{
	const config_setting_t *list = config_lookup(&c->config, LISTENERS);

	if (!list)
		return;
	if (!config_setting_is_list(list)) {
		tell_type(c, list, m, LISTENERS, "a list of groups, as in ( { ... }, { ... } )");
		return;
	}
	if (config_setting_length(list) == 0)
		tell(c, list, m, "listeners is empty; leave it out for the default, or name one");
	for (int i = 0; i < config_setting_length(list); i++)
		apply_listener(c, config_setting_get_elem(list, (unsigned)i), s, m);
}

struct config_file *config_file_open(const char *path, struct mistakes *m)
{
	struct config_scan *scan = config_scan_open(path, m);

	if (!scan)
		return NULL;
	struct config_file *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	c->scan = scan;
	config_init(&c->config);
	if (config_read_string(&c->config, config_scan_text(scan)) != CONFIG_TRUE) {
		tell_at(c, (unsigned)config_error_line(&c->config), m,
			config_error_text(&c->config));
		config_file_free(c);
		return NULL;
	}
	return c;
}

void config_file_free(struct config_file *c)
{
	if (!c)
		return;
	config_destroy(&c->config);
	config_scan_free(c->scan);
	free(c);
}
