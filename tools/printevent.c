/* SPDX-License-Identifier: BSD-3-Clause
 *
 * printevent.c - a delivered event as a line of text: TIME KIND g=G p=P m=M DETAILS.
 */
#include "tools/printevent.h"

#include <stdlib.h>
#include <time.h>

#include <exectrace/raw.h>

/* Beyond this much, stacks are formatted each time. */
#define CACHE_LIMIT ((size_t)64 * 1024 * 1024)

/* Room for what begins every line, and for the fixed part of a transition. */
#define HEAD_ROOM 256

static void put_string(struct textout *t, const struct etr_reader *r, etr_string_id id)
{
	size_t n;
	const char *s = etr_reader_string(r, id, &n);

	textout_escaped(t, s, n);
}

static void put_text(struct textout *t, const char *s)
{
	textout_escaped(t, s, strlen(s));
}

static void put_task(struct textout *t, uint64_t id)
{
	if (id == ETR_NO_TASK)
		textout_lit(t, "-1");
	else
		textout_u64(t, id);
}

/* At most 32 bytes. */
static char *text_resource(char *p, uint8_t resource, int64_t id)
{
	switch (resource) {
	case ETR_RESOURCE_GOROUTINE:
		p = text_put_lit(p, "Goroutine(");
		break;
	case ETR_RESOURCE_PROC:
		p = text_put_lit(p, "Proc(");
		break;
	case ETR_RESOURCE_THREAD:
		p = text_put_lit(p, "Thread(");
		break;
	default:
		return text_put_lit(p, "None");
	}
	p = text_put_i64(p, id);
	*p++ = ')';
	return p;
}

static void put_resource(struct textout *t, uint8_t resource, int64_t id)
{
	textout_done(t, text_resource(textout_room(t, 32), resource, id));
}

static void put_sync(struct textout *t, const struct etr_reader *r, const struct etr_event *ev)
{
	const struct etr_sync *s = etr_reader_sync(r);
	char nsec[9];
	uint32_t n = s->wall_nsec;

	textout_lit(t, " n=");
	textout_u64(t, ev->u.sync.n);
	if (s->has_clock) {
		textout_lit(t, " trace=");
		textout_i64(t, s->trace_ns);
		textout_lit(t, " mono=");
		textout_u64(t, s->mono_ns);
		textout_lit(t, " wall=");
		textout_i64(t, s->wall_sec);
		textout_char(t, '.');
		for (int i = 8; i >= 0; i--, n /= 10)
			nsec[i] = (char)('0' + n % 10);
		textout_bytes(t, nsec, sizeof(nsec));
	}
	for (size_t i = 0; i < s->nexperiments; i++) {
		textout_lit(t, " exp=");
		put_text(t, s->experiments[i].name);
		textout_lit(t, " batches=");
		textout_u64(t, s->experiments[i].batches);
		textout_lit(t, " bytes=");
		textout_u64(t, s->experiments[i].bytes);
	}
}

static void put_range(struct textout *t, const struct etr_reader *r, const struct etr_event *ev)
{
	textout_lit(t, " name=");
	put_string(t, r, ev->u.range.name);
	textout_lit(t, " scope=");
	put_resource(t, ev->resource, ev->u.range.id);
	if (ev->u.range.nattrs) {
		textout_lit(t, " attr:bytes\\x20swept=");
		textout_u64(t, ev->u.range.swept);
		textout_lit(t, " attr:bytes\\x20reclaimed=");
		textout_u64(t, ev->u.range.reclaimed);
	}
}

static void put_experimental(struct textout *t, const struct etr_event *ev)
{
	int type = ev->u.experimental.type;

	textout_lit(t, " name=");
	put_text(t, etr_wire_name(type));
	textout_lit(t, " experiment=");
	put_text(t, etr_wire_experiment(type));
	for (unsigned i = 1; i < etr_wire_nargs(type); i++) {
		textout_lit(t, " arg:");
		put_text(t, etr_wire_arg_name(type, i));
		textout_char(t, '=');
		textout_u64(t, ev->u.experimental.args[i - 1]);
	}
}

static void put_transition(struct textout *t, const struct etr_reader *r, const struct etr_event *ev)
{
	const char *from = etr_state_name(ev->from), *to = etr_state_name(ev->to);
	char *p = textout_room(t, HEAD_ROOM);

	p = text_put_lit(p, " res=");
	p = text_resource(p, ev->resource, ev->u.transition.id);
	p = text_put_lit(p, " from=");
	p = text_put(p, from, strlen(from));
	p = text_put_lit(p, " to=");
	p = text_put(p, to, strlen(to));
	p = text_put_lit(p, " reason=");
	textout_done(t, p);
	if (ev->u.transition.reason)
		put_string(t, r, ev->u.transition.reason);
}

static void put_details(struct textout *t, const struct etr_reader *r, const struct etr_event *ev)
{
	switch (ev->kind) {
	case ETR_KIND_SYNC:
		put_sync(t, r, ev);
		break;
	case ETR_KIND_METRIC:
		textout_lit(t, " name=");
		put_string(t, r, ev->u.metric.name);
		textout_lit(t, " value=");
		textout_u64(t, ev->u.metric.value);
		break;
	case ETR_KIND_LABEL:
		textout_lit(t, " label=");
		put_string(t, r, ev->u.label.label);
		textout_lit(t, " res=");
		put_resource(t, ev->resource, ev->u.label.id);
		break;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		put_range(t, r, ev);
		break;
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		textout_lit(t, " id=");
		put_task(t, ev->u.task.id);
		textout_lit(t, " parent=");
		put_task(t, ev->u.task.parent);
		textout_lit(t, " type=");
		put_string(t, r, ev->u.task.type);
		break;
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		textout_lit(t, " task=");
		put_task(t, ev->u.region.task);
		textout_lit(t, " type=");
		put_string(t, r, ev->u.region.type);
		break;
	case ETR_KIND_LOG:
		textout_lit(t, " task=");
		put_task(t, ev->u.log.task);
		textout_lit(t, " category=");
		put_string(t, r, ev->u.log.category);
		textout_lit(t, " message=");
		put_string(t, r, ev->u.log.message);
		break;
	case ETR_KIND_STATE_TRANSITION:
		put_transition(t, r, ev);
		break;
	case ETR_KIND_EXPERIMENTAL:
		put_experimental(t, ev);
		break;
	}
}

static void format_stack(struct textout *t, const struct etr_reader *r, const struct etr_frame *f, size_t n)
{
	if (n == 0)
		textout_char(t, '-');
	for (size_t i = 0; i < n; i++) {
		if (i)
			textout_char(t, ';');
		textout_hex(t, f[i].pc);
		textout_char(t, ':');
		put_string(t, r, f[i].func);
		textout_char(t, ':');
		put_string(t, r, f[i].file);
		textout_char(t, ':');
		textout_u64(t, f[i].line);
	}
}

void print__forget_stacks(struct print_cache *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->stacks[i].text);
	free(c->stacks);
	memset(c, 0, sizeof(*c));
}

/* Makes the cache's entry for a stack, if there is room; false where there is not. */
static bool remember_stack(struct print_cache *c, const struct etr_reader *r, etr_stack_id id, print_frames *format)
{
	const struct etr_frame *f;
	struct textout *t;
	char *text;
	size_t n, size = 0;

	if (!c->stacks) {
		c->n = etr_reader_nstacks(r);
		c->stacks = calloc(c->n, sizeof(*c->stacks));
	}
	if (!c->stacks || id >= c->n || c->bytes >= CACHE_LIMIT)
		return false;
	t = calloc(1, sizeof(*t));
	if (!t)
		return false;
	t->f = open_memstream(&text, &size);
	if (t->f) {
		f = etr_reader_stack(r, id, &n);
		format(t, r, f, n);
		textout_flush(t);
		if (fclose(t->f) == 0 && !t->failed) {
			c->stacks[id] = (struct print_text){ text, size };
			c->bytes += size;
		} else {
			free(text);
		}
	}
	free(t);
	return c->stacks[id].text != NULL;
}

void print__stack(struct printer *p, etr_stack_id id, print_frames *format)
{
	struct print_cache *c = &p->cache;
	const struct etr_frame *f;
	size_t n;

	if ((id < c->n && c->stacks[id].text) || remember_stack(c, p->r, id, format)) {
		textout_bytes(p->t, c->stacks[id].text, c->stacks[id].n);
		return;
	}
	f = etr_reader_stack(p->r, id, &n);
	format(p->t, p->r, f, n);
}

static void put_stack(struct printer *p, etr_stack_id id)
{
	if (id == 0)
		textout_char(p->t, '-');
	else
		print__stack(p, id, format_stack);
}

static char *put_nine_digits(char *p, uint64_t n)
{
	for (int i = 8; i >= 0; i--, n /= 10)
		p[i] = (char)('0' + n % 10);
	return p + 9;
}

char *print__time(const struct printer *p, char *at, int64_t time)
{
	int64_t sec, nsec;
	time_t when;
	struct tm tm;

	if (p->times == PRINT_TIME_RELATIVE) {
		uint64_t since = (uint64_t)time - (uint64_t)p->zero;

		at = text_put_u64(at, since / 1000000000);
		*at++ = '.';
		return put_nine_digits(at, since % 1000000000);
	}
	if (p->times == PRINT_TIME_ABSOLUTE || __builtin_add_overflow(time, p->zero, &time))
		return text_put_i64(at, time);
	sec = time / 1000000000;
	nsec = time % 1000000000;
	if (nsec < 0) {
		nsec += 1000000000;
		sec--;
	}
	/* Within the range of 64-bit nanoseconds the year has four digits. */
	when = (time_t)sec;
	if (!gmtime_r(&when, &tm))
		return text_put_i64(at, time);
	at += strftime(at, 24, "%Y-%m-%dT%H:%M:%S", &tm);
	*at++ = '.';
	at = put_nine_digits(at, (uint64_t)nsec);
	*at++ = 'Z';
	return at;
}

/* Transitions by what they lead to, the rest by what it is about. */
static char *put_colour(char *p, const struct etr_event *ev)
{
	static const char states[ETR_STATE_COUNT_] = {
		[ETR_STATE_RUNNABLE] = '3', [ETR_STATE_RUNNING] = '2', [ETR_STATE_SYSCALL] = '5', [ETR_STATE_WAITING] = '1',
	};
	char colour = '6';

	if (ev->kind == ETR_KIND_STATE_TRANSITION)
		colour = ev->to < ETR_STATE_COUNT_ && states[ev->to] ? states[ev->to] : '4';
	else if (ev->kind == ETR_KIND_SYNC)
		return text_put_lit(p, "\033[1m");
	p = text_put_lit(p, "\033[3");
	*p++ = colour;
	*p++ = 'm';
	return p;
}

void print_event(struct printer *p, const struct etr_event *ev)
{
	struct textout *t = p->t;
	const char *kind = etr_kind_name(ev->kind);
	char *s = textout_room(t, HEAD_ROOM);

	/* A Sync begins a generation: stacks have other ids from here on. */
	if (ev->kind == ETR_KIND_SYNC)
		print__forget_stacks(&p->cache);
	s = p->times == PRINT_TIME_ABSOLUTE ? text_put_i64(s, ev->time) : print__time(p, s, ev->time);
	*s++ = ' ';
	if (p->colour)
		s = put_colour(s, ev);
	s = text_put(s, kind, strlen(kind));
	if (p->colour)
		s = text_put_lit(s, "\033[0m");
	s = text_put_lit(s, " g=");
	s = text_put_i64(s, ev->g);
	s = text_put_lit(s, " p=");
	s = text_put_i64(s, ev->p);
	s = text_put_lit(s, " m=");
	s = text_put_i64(s, ev->m);
	textout_done(t, s);
	put_details(t, p->r, ev);
	if (p->stacks) {
		textout_lit(t, " stack=");
		put_stack(p, ev->stack);
		textout_lit(t, " tstack=");
		put_stack(p, ev->kind == ETR_KIND_STATE_TRANSITION ? ev->u.transition.stack : 0);
	}
	textout_char(t, '\n');
}

void print_free(struct printer *p)
{
	print__forget_stacks(&p->cache);
}
