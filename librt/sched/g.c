/* SPDX-License-Identifier: BSD-3-Clause
 *
 * g.c - goroutines: made, ended, pooled, listed.
 *
 * Structs are cut from slabs and never freed. A dead one keeps a stack of the default size (and gives back any other), and
 * waits in its P's list, or beyond a few in the global one. The list of all is an append-only array in pieces, so it can be
 * walked while it grows.
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_MAX 64u
#define IDS_AT_ONCE 16u
#define SLAB 64u
#define PIECE 1024u
#define PIECES 65536u

static struct {
	struct exrt__lock lock;
	_Atomic(struct exrt__g *) *_Atomic pieces[PIECES];
	_Atomic uint32_t n;		/* release by who appends (under lock), acquire by who walks */
	struct exrt__g *slab;
	unsigned slab_left;
} all;

void exrt__g_visit(void (*visit)(struct exrt__g *g, void *ctx), void *ctx)
{
	uint32_t n = atomic_load_explicit(&all.n, memory_order_acquire);

	for (uint32_t i = 0; i < n; i++) {
		_Atomic(struct exrt__g *) *piece = atomic_load_explicit(&all.pieces[i / PIECE], memory_order_relaxed);

		visit(atomic_load_explicit(&piece[i % PIECE], memory_order_relaxed), ctx);
	}
}

/* A struct that was never used, already listed (dead); NULL when out of memory. */
static struct exrt__g *g_make(void)
{
	uint32_t n;
	struct exrt__g *g = NULL;

	exrt__lock(&all.lock);
	n = atomic_load_explicit(&all.n, memory_order_relaxed);
	if (n / PIECE == PIECES)
		goto out;
	if (n % PIECE == 0 && !atomic_load_explicit(&all.pieces[n / PIECE], memory_order_relaxed)) {
		_Atomic(struct exrt__g *) *piece = calloc(PIECE, sizeof(*piece));

		if (!piece)
			goto out;
		atomic_store_explicit(&all.pieces[n / PIECE], piece, memory_order_relaxed);
	}
	if (all.slab_left == 0) {
		all.slab = calloc(SLAB, sizeof(*all.slab));
		if (!all.slab)
			goto out;
		all.slab_left = SLAB;
	}
	g = all.slab++;
	all.slab_left--;
	atomic_store_explicit(&atomic_load_explicit(&all.pieces[n / PIECE], memory_order_relaxed)[n % PIECE], g,
			      memory_order_relaxed);
	atomic_store_explicit(&all.n, n + 1, memory_order_release);
out:
	exrt__unlock(&all.lock);
	return g;
}

/* A dead G from the P's list, else from the global one, from which half a listful is taken. */
static struct exrt__g *g_reuse(struct exrt__p *p)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__g *g;

	if (!p->free) {
		exrt__lock(&s->lock);
		while (s->gfree && p->nfree < LOCAL_MAX / 2) {
			g = s->gfree;
			s->gfree = g->next;
			g->next = p->free;
			p->free = g;
			p->nfree++;
		}
		exrt__unlock(&s->lock);
	}
	g = p->free;
	if (g) {
		p->free = g->next;
		p->nfree--;
	}
	return g;
}

static bool stack_bind(struct exrt__g *g, size_t size)
{
	g->stack = exrt__stack_get(size);
	if (!g->stack)
		return false;
	exrt__ctx_bind(&g->ctx, g->stack->lo, g->stack->hi);
	g->t.stack_lo = g->stack->lo;
	g->t.stack_hi = g->stack->hi;
	return true;
}

static void stack_unbind(struct exrt__g *g)
{
	if (!g->stack)
		return;
	exrt__ctx_unbind(&g->ctx);
	exrt__stack_put(g->stack);
	g->stack = NULL;
}

/* Keeps a dead G for later, in p's list if there is one. */
static void g_keep(struct exrt__p *p, struct exrt__g *g)
{
	struct exrt__sched *s = &exrt__sched;

	if (p && p->nfree < LOCAL_MAX) {
		g->next = p->free;
		p->free = g;
		p->nfree++;
		return;
	}
	exrt__lock(&s->lock);
	g->next = s->gfree;
	s->gfree = g;
	for (; p && p->nfree > LOCAL_MAX / 2; p->nfree--) {
		g = p->free;
		p->free = g->next;
		g->next = s->gfree;
		s->gfree = g;
	}
	exrt__unlock(&s->lock);
}

struct exrt__g *exrt__g_new(struct exrt__m *m, size_t stack_size, void (*fn)(void *), void *arg)
{
	struct exrt__p *p = m->p;
	struct exrt__g *g = g_reuse(p);

	if (!g)
		g = g_make();
	if (!g)
		return NULL;
	if (g->stack && stack_size > EXRT__STACK_DEFAULT)
		stack_unbind(g);
	if (!g->stack && !stack_bind(g, stack_size)) {
		g_keep(p, g);
		return NULL;
	}
	exrt__ctx_prepare(&g->ctx, fn, arg);
	if (p->next_id == p->last_id) {
		p->next_id = atomic_fetch_add_explicit(&exrt__sched.next_id, IDS_AT_ONCE, memory_order_relaxed) + 1;
		p->last_id = p->next_id + IDS_AT_ONCE;
	}
	/* Others look at it while listing (visit_g in tracehost.c), when it is dead. */
	__atomic_store_n(&g->t.id, p->next_id++, __ATOMIC_RELEASE);
	g->is_main = false;
	atomic_store_explicit(&g->select_done, 0, memory_order_relaxed);
	return g;
}

void exrt__g_free(struct exrt__m *m, struct exrt__g *g)
{
	if (g->stack->cls != 0)
		stack_unbind(g);
	g_keep(m->p, g);
}

int exrt__go(struct exrt__m *m, size_t stack_size, void (*fn)(void *), void *arg, struct trace_where where, bool is_main)
{
	struct exrt__g *g = exrt__g_new(m, stack_size, fn, arg);
	struct trace_pin pin;
	bool on;

	if (!g)
		return -ENOMEM;
	g->is_main = is_main;
	on = exrt__trace_begin(&pin, m);
	exrt__g_set(g, TRACE_G_RUNNABLE, NULL);
	if (on)
		trace_go_create(&pin, &g->t, (uintptr_t)fn, false, where);
	exrt__trace_end(&pin, m, on);
	exrt__runq_put(m->p, g, true);
	exrt__wake_p();
	return 0;
}

int exrt_go(void (*fn)(void *arg), void *arg)
{
	return exrt__go(exrt__m_on_g("exrt_go: not on a goroutine"), 0, fn, arg, TRACE_HERE(), false);
}

int exrt_go_opts(const struct exrt_go_opts *opts, void (*fn)(void *arg), void *arg)
{
	size_t size = 0;

	if (opts && opts->struct_size < sizeof(*opts))
		return -EINVAL;
	if (opts)
		size = opts->stack_size;
	return exrt__go(exrt__m_on_g("exrt_go_opts: not on a goroutine"), size, fn, arg, TRACE_HERE(), false);
}

uint64_t exrt_goid(void)
{
	struct exrt__m *m = exrt__m_self();

	return m && m->g ? m->g->t.id : 0;
}

/* --- a goroutine's beginning and end ---------------------------------------------------------------------------------- */

void exrt__go_begin(void)
{
	exrt__ctx_arrived();
	exrt__arrive(exrt__m_self());
}

static void finish_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
	if (g->is_main) {
		/* Here rather than by the one who is woken: others do not run on. */
		atomic_store(&exrt__sched.over, true);
		atomic_store(&exrt__sched.stopping, true);
		exrt__note_wake(&exrt__sched.mainnote);
		return;
	}
	exrt__g_free(m, g);
}

void exrt__go_finish(int result)
{
	struct exrt__m *m = exrt__m_self();
	struct exrt__g *g = m->g;
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	if (g->is_main)
		exrt__sched.result = result;
	if (on)
		trace_go_destroy(&pin);
	m->t.g = NULL;
	exrt__g_set(g, TRACE_G_DEAD, NULL);
	exrt__trace_end(&pin, m, on);
	exrt__leave(m, finish_after, NULL, EXRT__LEAVE_FOR_GOOD | (g->is_main ? EXRT__LEAVE_SLOWLY : 0));
	__builtin_unreachable();
}

void exrt_exit(void)
{
	exrt__m_on_g("exrt_exit: not on a goroutine");
	exrt__go_finish(0);
}

static void g_drop(struct exrt__g *g, void *ctx)
{
	if (exrt__state(atomic_load_explicit(&g->state, memory_order_relaxed)) == TRACE_G_DEAD && !g->is_main)
		return;		/* in a free list already */
	exrt__g_set(g, TRACE_G_DEAD, NULL);
	g->is_main = false;
	stack_unbind(g);
	g_keep(NULL, g);
}

/* After a run, when no M is left: what was still there is dead. */
void exrt__g_drop_all(void)
{
	exrt__g_visit(g_drop, NULL);
}
