/* SPDX-License-Identifier: BSD-3-Clause
 *
 * printjson.c - a delivered event as a JSON object (RFC 8259) on a line of its own.
 *
 * Text is bytes in a trace; what is not UTF-8 in it becomes U+FFFD, one for each byte, so that every line is valid.
 */
#include "tools/printevent.h"

#include <exectrace/raw.h>

#include "analysis/text.h"

/* Bytes that stand for themselves in a JSON string. */
static inline bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* One character, or a byte that is none.  Returns how many bytes it had. */
static size_t put_odd(struct textout *t, const unsigned char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = an_text_utf8((const char *)s, n);

	if (len == 0) {
		textout_lit(t, "\\ufffd");
		return 1;
	}
	if (*s < 0x20 || *s == 0x7f) {
		textout_lit(t, "\\u00");
		textout_char(t, hex[*s >> 4]);
		textout_char(t, hex[*s & 15]);
		return 1;
	}
	if (*s == '"' || *s == '\\')
		textout_char(t, '\\');
	textout_bytes(t, (const char *)s, len);
	return len;
}

static void put_text(struct textout *t, const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text, *end = s + n;

	textout_char(t, '"');
	while (s < end) {
		const unsigned char *from = s;

		while (s < end && is_plain(*s))
			s++;
		textout_bytes(t, (const char *)from, (size_t)(s - from));
		if (s < end)
			s += put_odd(t, s, (size_t)(end - s));
	}
	textout_char(t, '"');
}

static void put_string(struct textout *t, const struct etr_reader *r, etr_string_id id)
{
	size_t n;
	const char *s = etr_reader_string(r, id, &n);

	put_text(t, s, n);
}

/* Keys are literals, so that with these inlined a key is one constant piece of text. */
#define MEMBER static inline __attribute__((always_inline)) void

MEMBER put_key(struct textout *t, const char *key)
{
	size_t n = strlen(key);
	char *to = textout_room(t, n + 4);

	*to++ = ',';
	*to++ = '"';
	to = text_put(to, key, n);
	*to++ = '"';
	*to++ = ':';
	textout_done(t, to);
}

MEMBER member_string(struct printer *p, const char *key, etr_string_id id)
{
	put_key(p->t, key);
	put_string(p->t, p->r, id);
}

/* A name of ours, that is plain. */
MEMBER member_name(struct printer *p, const char *key, const char *name)
{
	size_t n = strlen(name);
	char *to;

	put_key(p->t, key);
	to = textout_room(p->t, n + 2);
	*to++ = '"';
	to = text_put(to, name, n);
	*to++ = '"';
	textout_done(p->t, to);
}

MEMBER member_u64(struct printer *p, const char *key, uint64_t value)
{
	put_key(p->t, key);
	textout_u64(p->t, value);
}

MEMBER member_i64(struct printer *p, const char *key, int64_t value)
{
	put_key(p->t, key);
	textout_i64(p->t, value);
}

/* -1 is none. */
MEMBER member_id(struct printer *p, const char *key, int64_t id)
{
	put_key(p->t, key);
	if (id == -1)
		textout_lit(p->t, "null");
	else
		textout_i64(p->t, id);
}

MEMBER member_task(struct printer *p, const char *key, uint64_t id)
{
	put_key(p->t, key);
	if (id == ETR_NO_TASK)
		textout_lit(p->t, "null");
	else
		textout_u64(p->t, id);
}

static void member_resource(struct printer *p, uint8_t resource, int64_t id)
{
	if (resource == ETR_RESOURCE_GOROUTINE)
		member_i64(p, "goroutine", id);
	else if (resource == ETR_RESOURCE_PROC)
		member_i64(p, "proc", id);
	else if (resource == ETR_RESOURCE_THREAD)
		member_i64(p, "thread", id);
}

static void format_frames(struct textout *t, const struct etr_reader *r, const struct etr_frame *f, size_t n)
{
	textout_char(t, '[');
	for (size_t i = 0; i < n; i++) {
		textout_bytes(t, &",{\"pc\":\"0x"[i == 0], i == 0 ? 9 : 10);
		textout_hex(t, f[i].pc);
		textout_char(t, '"');
		put_key(t, "func");
		put_string(t, r, f[i].func);
		put_key(t, "file");
		put_string(t, r, f[i].file);
		put_key(t, "line");
		textout_u64(t, f[i].line);
		textout_char(t, '}');
	}
	textout_char(t, ']');
}

MEMBER member_stack(struct printer *p, const char *key, etr_stack_id id)
{
	put_key(p->t, key);
	if (id == 0)
		textout_lit(p->t, "[]");
	else
		print__stack(p, id, format_frames);
}

static void put_sync(struct printer *p, const struct etr_event *ev)
{
	const struct etr_sync *s = etr_reader_sync(p->r);
	struct printer wall = { .t = p->t, .times = PRINT_TIME_WALL };
	int64_t ns;

	member_u64(p, "n", ev->u.sync.n);
	if (s->has_clock) {
		member_i64(p, "trace_ns", s->trace_ns);
		member_u64(p, "mono_ns", s->mono_ns);
		if (!__builtin_mul_overflow(s->wall_sec, (int64_t)1000000000, &ns) &&
		    !__builtin_add_overflow(ns, (int64_t)s->wall_nsec, &ns)) {
			put_key(p->t, "wall");
			textout_char(p->t, '"');
			textout_done(p->t, print__time(&wall, textout_room(p->t, 64), ns));
			textout_char(p->t, '"');
		}
	}
	if (!s->nexperiments)
		return;
	put_key(p->t, "experiments");
	for (size_t i = 0; i < s->nexperiments; i++) {
		textout_bytes(p->t, i ? ",{\"name\":" : "[{\"name\":", 9);
		put_text(p->t, s->experiments[i].name, strlen(s->experiments[i].name));
		member_u64(p, "batches", s->experiments[i].batches);
		member_u64(p, "bytes", s->experiments[i].bytes);
		textout_char(p->t, '}');
	}
	textout_char(p->t, ']');
}

static void put_experimental(struct printer *p, const struct etr_event *ev)
{
	int type = ev->u.experimental.type;

	member_name(p, "name", etr_wire_name(type));
	member_name(p, "experiment", etr_wire_experiment(type));
	put_key(p->t, "args");
	textout_char(p->t, '{');
	for (unsigned i = 1; i < etr_wire_nargs(type); i++) {
		if (i > 1)
			textout_char(p->t, ',');
		put_text(p->t, etr_wire_arg_name(type, i), strlen(etr_wire_arg_name(type, i)));
		textout_char(p->t, ':');
		textout_u64(p->t, ev->u.experimental.args[i - 1]);
	}
	textout_char(p->t, '}');
}

static void put_range(struct printer *p, const struct etr_event *ev)
{
	member_string(p, "name", ev->u.range.name);
	member_resource(p, ev->resource, ev->u.range.id);
	if (ev->u.range.nattrs) {
		member_u64(p, "bytes_swept", ev->u.range.swept);
		member_u64(p, "bytes_reclaimed", ev->u.range.reclaimed);
	}
}

static void put_details(struct printer *p, const struct etr_event *ev)
{
	switch (ev->kind) {
	case ETR_KIND_SYNC:
		put_sync(p, ev);
		break;
	case ETR_KIND_METRIC:
		member_string(p, "name", ev->u.metric.name);
		member_u64(p, "value", ev->u.metric.value);
		break;
	case ETR_KIND_LABEL:
		member_string(p, "label", ev->u.label.label);
		member_resource(p, ev->resource, ev->u.label.id);
		break;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		put_range(p, ev);
		break;
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		member_task(p, "id", ev->u.task.id);
		member_task(p, "parent", ev->u.task.parent);
		member_string(p, "type", ev->u.task.type);
		break;
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		member_task(p, "task", ev->u.region.task);
		member_string(p, "type", ev->u.region.type);
		break;
	case ETR_KIND_LOG:
		member_task(p, "task", ev->u.log.task);
		member_string(p, "category", ev->u.log.category);
		member_string(p, "message", ev->u.log.message);
		break;
	case ETR_KIND_STATE_TRANSITION:
		member_resource(p, ev->resource, ev->u.transition.id);
		member_name(p, "from", etr_state_name(ev->from));
		member_name(p, "to", etr_state_name(ev->to));
		member_string(p, "reason", ev->u.transition.reason);
		break;
	case ETR_KIND_EXPERIMENTAL:
		put_experimental(p, ev);
		break;
	}
}

void print_json(struct printer *p, const struct etr_event *ev)
{
	struct textout *t = p->t;
	/* A number of seconds is a number, a date is text. */
	bool quoted = p->times == PRINT_TIME_WALL;

	/* A Sync begins a generation: stacks have other ids from here on. */
	if (ev->kind == ETR_KIND_SYNC)
		print__forget_stacks(&p->cache);
	textout_lit(t, "{\"time\":");
	if (quoted)
		textout_char(t, '"');
	textout_done(t, print__time(p, textout_room(t, 64), ev->time));
	if (quoted)
		textout_char(t, '"');
	member_name(p, "kind", etr_kind_name(ev->kind));
	member_id(p, "g", ev->g);
	member_id(p, "p", ev->p);
	member_id(p, "m", ev->m);
	put_details(p, ev);
	if (p->stacks) {
		member_stack(p, "stack", ev->stack);
		member_stack(p, "tstack", ev->kind == ETR_KIND_STATE_TRANSITION ? ev->u.transition.stack : 0);
	}
	textout_lit(t, "}\n");
}
