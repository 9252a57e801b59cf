/* SPDX-License-Identifier: BSD-3-Clause
 *
 * member.c - the Ms: registration, pins, and waiting for pins to pass.
 *
 * Invariants: the list is changed under the core's lock; a registered M's memory is valid while it is in the list.  An M's pin
 * is odd exactly between its acquire and its release.
 */
#include "librt/tracer/core.h"
#include "librt/tracer/sampler.h"

#include <pthread.h>
#include <string.h>

static struct trace_switch off_page;
struct trace_switch *trace_switch_page = &off_page;

static void find_stack(struct trace_m_private *priv)
{
	pthread_attr_t attr;
	void *base;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &base, &size) == 0) {
		priv->stack_lo = (uintptr_t)base;
		priv->stack_hi = (uintptr_t)base + size;
	}
	pthread_attr_destroy(&attr);
}

void trace_m_register(struct trace_m *m)
{
	uint64_t gen;
	struct trace_m_private *priv = trace_pages_new(sizeof(*priv));

	if (priv != NULL)
		find_stack(priv);
	memset(m, 0, sizeof(*m));
	m->priv = priv;
	m->stamp[0] = m->stamp[1] = TRACE_NO_STAMP;
	m->id = trace_kernel_tid();
	trace_lock_take(&trace_core.lock);
	m->serial = ++trace_core.last_serial;
	gen = atomic_load_explicit(&trace_switch_page->gen, memory_order_relaxed);
	m->born = gen;
	m->next = trace_core.ms;
	m->prev = &trace_core.ms;
	if (m->next != NULL)
		m->next->prev = &m->next;
	trace_core.ms = m;
	trace_sampler_attach(m);
	trace_lock_give(&trace_core.lock);
}

void trace_m_unregister(struct trace_m *m)
{
	struct trace_m_private *priv = m->priv;

	trace_lock_take(&trace_core.lock);
	trace_sampler_detach(m);
	*m->prev = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	for (int slot = 0; slot < 2; slot++)
		atomic_fetch_add_explicit(&trace_core.lost_orphans, m->lost[slot], memory_order_relaxed);
	trace_lock_give(&trace_core.lock);
	/* A sample's handler on this thread may still look at it: first the pointer goes, then the page. */
	m->priv = NULL;
	atomic_signal_fence(memory_order_seq_cst);
	trace_pages_free(priv, sizeof(*priv));
}

void trace_m_stack_bounds(const struct trace_m *m, uintptr_t *lo, uintptr_t *hi)
{
	*lo = m->priv != NULL ? m->priv->stack_lo : 0;
	*hi = m->priv != NULL ? m->priv->stack_hi : 0;
}

static inline void pin_take(struct trace_pin *pin, struct trace_m *m, uint64_t before)
{
	pin->m = m;
	/*
	 * Store, then load, both seq_cst; the core stores the number and then loads the pin.  Either this load sees the new
	 * number or the core sees the odd pin, and then it waits.
	 */
	atomic_exchange_explicit(&m->pin, before + 1, memory_order_seq_cst);
	pin->gen = atomic_load_explicit(&trace_switch_page->gen, memory_order_seq_cst);
}

bool trace_acquire_slow(struct trace_pin *pin, struct trace_m *m)
{
	uint64_t before = atomic_load_explicit(&m->pin, memory_order_relaxed);

	/* Inside a pin already: a signal handler that interrupted an event. */
	if (__builtin_expect((before & 1) != 0, 0))
		return false;
	pin_take(pin, m, before);
	if (__builtin_expect(pin->gen == 0, 0)) {
		trace_release(pin);
		return false;
	}
	return true;
}

void trace_pin_always(struct trace_pin *pin, struct trace_m *m)
{
	pin_take(pin, m, atomic_load_explicit(&m->pin, memory_order_relaxed));
}

/*
 * The lock is given up while waiting, since Ms must be able to come and go.  An M that registers meanwhile reads the new number
 * with its first pin, and one that unregisters is outside its pin.
 */
void trace_pins_wait(_Atomic(const struct trace_m *) *dying)
{
	uint64_t upto, seen_serial = 0, seen_pin = 0;

	trace_lock_take(&trace_core.lock);
	upto = trace_core.last_serial;
	for (uint64_t rounds = 0;; rounds++) {
		struct trace_m *busy = NULL;
		const struct trace_m *except = dying != NULL ? atomic_load_explicit(dying, memory_order_acquire) : NULL;

		/* Serials fall along the list: whoever is above `upto` has passed. */
		for (struct trace_m *m = trace_core.ms; m != NULL && busy == NULL; m = m->next) {
			uint64_t pin;

			if (m->serial > upto || m == except)
				continue;
			/* Pairs with the exchange in trace_pin_always, and as an acquire with trace_release. */
			pin = atomic_load_explicit(&m->pin, memory_order_seq_cst);
			if ((pin & 1) == 0 || (m->serial == seen_serial && pin != seen_pin)) {
				upto = m->serial - 1;
			} else {
				busy = m;
				seen_serial = m->serial;
				seen_pin = pin;
			}
		}
		if (busy == NULL)
			break;
		trace_lock_give(&trace_core.lock);
		if (rounds < 100)
			trace_yield();
		else
			trace_sleep_ns(50000);
		trace_lock_take(&trace_core.lock);
	}
	trace_lock_give(&trace_core.lock);
}

void trace_members_after_fork(void)
{
	struct trace_m *me = trace_core.host->current_m != NULL ? trace_core.host->current_m() : NULL;

	atomic_store_explicit(&trace_core.lock.word, 0, memory_order_relaxed);
	trace_core.ms = me;
	if (me != NULL) {
		me->id = trace_kernel_tid();
		me->next = NULL;
		me->prev = &trace_core.ms;
	}
}
