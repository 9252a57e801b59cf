/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chan.c - channels, as in Go: unbuffered ones hand an element from stack to stack, buffered ones keep it in a ring.
 */
#include "librt/sync/chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct exrt_chan *exrt_chan_new(size_t elem_size, size_t cap)
{
	struct exrt_chan *ch;
	size_t bytes;

	if (__builtin_mul_overflow(elem_size, cap, &bytes) || bytes > PTRDIFF_MAX - sizeof(*ch))
		return NULL;
	ch = malloc(sizeof(*ch) + bytes);
	if (!ch)
		return NULL;
	memset(ch, 0, sizeof(*ch));
	ch->elem_size = elem_size;
	ch->cap = cap;
	return ch;
}

void exrt_chan_free(struct exrt_chan *ch)
{
	free(ch);
}

static void *slot(struct exrt_chan *ch, size_t i)
{
	i += ch->head;
	return ch->buf + (i >= ch->cap ? i - ch->cap : i) * ch->elem_size;
}

static void copy(void *to, const void *from, size_t size)
{
	/* Most elements are a word. */
	if (size == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (size > 0)
		memcpy(to, from, size);
}

struct exrt__waiter *exrt__chan_pop(struct exrt__waitlist *list)
{
	struct exrt__waiter *w;
	uint32_t not_yet;

	while ((w = exrt__waitlist_pop(list)) != NULL) {
		if (!w->is_select)
			return w;
		not_yet = 0;
		/* Relaxed: what it guards is under the channels' locks. */
		if (atomic_compare_exchange_strong_explicit(&w->g->select_done, &not_yet, 1, memory_order_relaxed,
							    memory_order_relaxed))
			return w;
	}
	return NULL;
}

bool exrt__chan_send_now(struct exrt_chan *ch, const void *elem, struct exrt__g **wake)
{
	struct exrt__waiter *w;

	*wake = NULL;
	if (ch->closed) {
		exrt__unlock(&ch->lock);
		exrt__fatal("send on closed channel");
	}
	w = exrt__chan_pop(&ch->receivers);
	if (w) {
		if (w->elem)
			copy(w->elem, elem, ch->elem_size);
		w->ok = true;
		w->g->woken = w;
		*wake = w->g;
		return true;
	}
	if (ch->count == ch->cap)
		return false;
	copy(slot(ch, ch->count), elem, ch->elem_size);
	ch->count++;
	return true;
}

bool exrt__chan_recv_now(struct exrt_chan *ch, void *elem, int *ok, struct exrt__g **wake)
{
	struct exrt__waiter *w = NULL;

	*wake = NULL;
	*ok = 1;
	if (ch->count > 0) {
		if (elem)
			copy(elem, slot(ch, 0), ch->elem_size);
		ch->head = ch->head + 1 == ch->cap ? 0 : ch->head + 1;
		ch->count--;
		w = exrt__chan_pop(&ch->senders);
		if (w) {
			copy(slot(ch, ch->count), w->elem, ch->elem_size);
			ch->count++;
		}
	} else {
		w = exrt__chan_pop(&ch->senders);
		if (w && elem)
			copy(elem, w->elem, ch->elem_size);
		if (!w && !ch->closed)
			return false;
		if (!w) {
			if (elem && ch->elem_size > 0)
				memset(elem, 0, ch->elem_size);
			*ok = 0;
		}
	}
	if (w) {
		w->ok = true;
		w->g->woken = w;
		*wake = w->g;
	}
	return true;
}

/* Blocks for ever. */
static void forever(struct exrt__m *m, struct trace_where where)
{
	exrt__park(m, "forever", 0, where, exrt__nothing_after, NULL);
	__builtin_unreachable();
}

static int do_send(struct exrt_chan *ch, const void *elem, bool wait, struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("channel send: not on a goroutine");
	struct exrt__waiter w;
	struct exrt__g *wake;

	if (!ch) {
		if (!wait)
			return -EAGAIN;
		forever(m, where);
	}
	exrt__lock(&ch->lock);
	if (exrt__chan_send_now(ch, elem, &wake)) {
		exrt__unlock(&ch->lock);
		if (wake)
			exrt__ready(m, wake, 0, where);
		return 1;
	}
	if (!wait) {
		exrt__unlock(&ch->lock);
		return -EAGAIN;
	}
	w = (struct exrt__waiter){ .g = m->g, .elem = (void *)elem, .is_send = true };
	exrt__waitlist_push(&ch->senders, &w);
	exrt__park(m, "chan send", 0, where, exrt__unlock_after, &ch->lock);
	if (!w.ok)
		exrt__fatal("send on closed channel");
	return 1;
}

static int do_recv(struct exrt_chan *ch, void *elem, bool wait, struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("channel receive: not on a goroutine");
	struct exrt__waiter w;
	struct exrt__g *wake;
	int ok;

	if (!ch) {
		if (!wait)
			return -EAGAIN;
		forever(m, where);
	}
	exrt__lock(&ch->lock);
	if (exrt__chan_recv_now(ch, elem, &ok, &wake)) {
		exrt__unlock(&ch->lock);
		if (wake)
			exrt__ready(m, wake, 0, where);
		return ok;
	}
	if (!wait) {
		exrt__unlock(&ch->lock);
		return -EAGAIN;
	}
	w = (struct exrt__waiter){ .g = m->g, .elem = elem };
	exrt__waitlist_push(&ch->receivers, &w);
	exrt__park(m, "chan receive", 0, where, exrt__unlock_after, &ch->lock);
	return w.ok;
}

void exrt_chan_send(struct exrt_chan *ch, const void *elem)
{
	do_send(ch, elem, true, TRACE_HERE());
}

int exrt_chan_trysend(struct exrt_chan *ch, const void *elem)
{
	return do_send(ch, elem, false, TRACE_HERE());
}

int exrt_chan_recv(struct exrt_chan *ch, void *elem)
{
	return do_recv(ch, elem, true, TRACE_HERE());
}

int exrt_chan_tryrecv(struct exrt_chan *ch, void *elem)
{
	return do_recv(ch, elem, false, TRACE_HERE());
}

void exrt_chan_close(struct exrt_chan *ch)
{
	struct exrt__m *m = exrt__m_on_g("channel close: not on a goroutine");
	struct exrt__g *wake = NULL, **end = &wake, *g;
	struct exrt__waiter *w;

	if (!ch)
		exrt__fatal("close of nil channel");
	exrt__lock(&ch->lock);
	if (ch->closed) {
		exrt__unlock(&ch->lock);
		exrt__fatal("close of closed channel");
	}
	ch->closed = true;
	while ((w = exrt__chan_pop(&ch->receivers)) || (w = exrt__chan_pop(&ch->senders))) {
		if (w->elem && !w->is_send && ch->elem_size > 0)
			memset(w->elem, 0, ch->elem_size);
		w->ok = false;
		w->g->woken = w;
		/* Waiting Gs are in no queue: their link is free. */
		w->g->next = NULL;
		*end = w->g;
		end = &w->g->next;
	}
	exrt__unlock(&ch->lock);
	while ((g = wake) != NULL) {
		wake = g->next;
		exrt__ready(m, g, 0, TRACE_HERE());
	}
}

size_t exrt_chan_len(const struct exrt_chan *ch)
{
	struct exrt_chan *c = (struct exrt_chan *)ch;
	size_t n;

	if (!c)
		return 0;
	exrt__lock(&c->lock);
	n = c->count;
	exrt__unlock(&c->lock);
	return n;
}

size_t exrt_chan_cap(const struct exrt_chan *ch)
{
	return ch ? ch->cap : 0;
}
