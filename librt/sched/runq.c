/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runq.c - run queues: each P's ring with its runnext, and the global list.
 *
 * A ring has one producer, the P's owner, and many consumers. Slots in [head, tail) are full. The owner stores a slot and then
 * tail (release); a consumer reads tail (acquire), the slots, and then moves head by compare-and-swap (release: the owner,
 * which reads head with acquire before it stores into a slot again, must not overwrite what is still being read). A consumer
 * that loses the swap forgets what it read.
 */
#include "librt/sched/gmp.h"

#include <time.h>

#define NEXTS_MAX 64		/* runnext may go first that often while others wait */

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release

void exrt__globq_put(struct exrt__g *g)
{
	struct exrt__sched *s = &exrt__sched;

	g->next = NULL;
	if (s->runq_tail)
		s->runq_tail->next = g;
	else
		s->runq_head = g;
	s->runq_tail = g;
	atomic_fetch_add_explicit(&s->runq_size, 1, RELAXED);
}

/* Takes one to return and, up to a fair share or max in all, more into p's ring (NULL: none). */
struct exrt__g *exrt__globq_get(struct exrt__p *p, int max)
{
	struct exrt__sched *s = &exrt__sched;
	int size = atomic_load_explicit(&s->runq_size, RELAXED);
	int n = size / atomic_load_explicit(&s->nprocs, RELAXED) + 1;
	struct exrt__g *first = s->runq_head;

	if (!first)
		return NULL;
	if (n > size)
		n = size;
	if (max > 0 && n > max)
		n = max;
	if (n > (int)EXRT__RUNQ_SIZE / 2)
		n = EXRT__RUNQ_SIZE / 2;
	s->runq_head = first->next;
	for (int i = 1; i < n && p; i++) {
		struct exrt__g *g = s->runq_head;
		uint32_t tail = atomic_load_explicit(&p->tail, RELAXED);

		/* No overflow to the global queue from here: its lock is held. */
		if (tail - atomic_load_explicit(&p->head, ACQUIRE) == EXRT__RUNQ_SIZE) {
			n = i;
			break;
		}
		s->runq_head = g->next;
		atomic_store_explicit(&p->runq[tail % EXRT__RUNQ_SIZE], g, RELAXED);
		atomic_store_explicit(&p->tail, tail + 1, RELEASE);
	}
	if (!s->runq_head)
		s->runq_tail = NULL;
	atomic_fetch_sub_explicit(&s->runq_size, p ? n : 1, RELAXED);
	return first;
}

/* The ring is full: its older half and g go to the global queue.  Return: false when it is not full any more. */
static bool put_slow(struct exrt__p *p, struct exrt__g *g, uint32_t head, uint32_t tail)
{
	struct exrt__g *batch[EXRT__RUNQ_SIZE / 2];
	uint32_t n = (tail - head) / 2;

	for (uint32_t i = 0; i < n; i++)
		batch[i] = atomic_load_explicit(&p->runq[(head + i) % EXRT__RUNQ_SIZE], RELAXED);
	if (!atomic_compare_exchange_strong_explicit(&p->head, &head, head + n, RELEASE, RELAXED))
		return false;
	exrt__lock(&exrt__sched.lock);
	for (uint32_t i = 0; i < n; i++)
		exrt__globq_put(batch[i]);
	exrt__globq_put(g);
	exrt__unlock(&exrt__sched.lock);
	return true;
}

void exrt__runq_put(struct exrt__p *p, struct exrt__g *g, bool next)
{
	uint32_t head, tail;

	if (next) {
		struct exrt__g *former = atomic_load_explicit(&p->runnext, RELAXED);

		/* Others only ever turn it into NULL: an empty one stays so. Release pairs with the acquire of whoever takes it. */
		if (!former)
			atomic_store_explicit(&p->runnext, g, RELEASE);
		else
			former = atomic_exchange_explicit(&p->runnext, g, memory_order_acq_rel);
		g = former;
		if (!g)
			return;		/* else the one that was there goes into the ring */
	}
	for (;;) {
		head = atomic_load_explicit(&p->head, ACQUIRE);
		tail = atomic_load_explicit(&p->tail, RELAXED);
		if (tail - head < EXRT__RUNQ_SIZE) {
			atomic_store_explicit(&p->runq[tail % EXRT__RUNQ_SIZE], g, RELAXED);
			atomic_store_explicit(&p->tail, tail + 1, RELEASE);
			return;
		}
		if (put_slow(p, g, head, tail))
			return;
	}
}

static struct exrt__g *ring_get(struct exrt__p *p)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, ACQUIRE);
		uint32_t tail = atomic_load_explicit(&p->tail, RELAXED);
		struct exrt__g *g;

		if (head == tail)
			return NULL;
		g = atomic_load_explicit(&p->runq[head % EXRT__RUNQ_SIZE], RELAXED);
		/* Acquire too: a thief may have put this G there for its owner to take. */
		if (atomic_compare_exchange_strong_explicit(&p->head, &head, head + 1, memory_order_acq_rel, RELAXED))
			return g;
	}
}

/* By the owner. */
struct exrt__g *exrt__runq_get(struct exrt__p *p)
{
	struct exrt__g *g = atomic_load_explicit(&p->runnext, RELAXED);

	/*
	 * Two goroutines that wake each other in turn would use runnext for ever, and nobody can interrupt them: after a while
	 * the ring goes first.
	 */
	if (g && p->nexts < NEXTS_MAX) {
		p->nexts++;
		if (atomic_compare_exchange_strong_explicit(&p->runnext, &g, NULL, ACQUIRE, RELAXED))
			return g;
	}
	p->nexts = 0;
	g = ring_get(p);
	if (!g)
		g = atomic_exchange_explicit(&p->runnext, NULL, ACQUIRE);
	return g;
}

bool exrt__runq_is_empty(const struct exrt__p *p)
{
	/* runnext may move into the ring between the reads: tail is read on both sides. */
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, ACQUIRE);
		uint32_t tail = atomic_load_explicit(&p->tail, ACQUIRE);
		struct exrt__g *next = atomic_load_explicit(&p->runnext, ACQUIRE);

		if (tail == atomic_load_explicit(&p->tail, ACQUIRE))
			return head == tail && !next;
	}
}

/* Moves the older half of victim's ring into dst at tail; returns how many. */
static uint32_t grab(struct exrt__p *victim, struct exrt__p *dst, uint32_t at)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&victim->head, ACQUIRE);
		uint32_t tail = atomic_load_explicit(&victim->tail, ACQUIRE);
		uint32_t n = tail - head;

		n -= n / 2;
		if (n == 0)
			return 0;
		if (n > EXRT__RUNQ_SIZE / 2)
			continue;	/* the two reads do not belong together */
		for (uint32_t i = 0; i < n; i++) {
			struct exrt__g *g = atomic_load_explicit(&victim->runq[(head + i) % EXRT__RUNQ_SIZE], RELAXED);

			atomic_store_explicit(&dst->runq[(at + i) % EXRT__RUNQ_SIZE], g, RELAXED);
		}
		if (atomic_compare_exchange_strong_explicit(&victim->head, &head, head + n, memory_order_acq_rel, RELAXED))
			return n;
	}
}

/*
 * p's owner, whose ring is empty, takes half of victim's; one of them is returned, the rest are p's. take_next: even its
 * runnext.
 */
struct exrt__g *exrt__runq_steal(struct exrt__p *p, struct exrt__p *victim, bool take_next)
{
	uint32_t tail = atomic_load_explicit(&p->tail, RELAXED);
	uint32_t n = grab(victim, p, tail);
	struct exrt__g *g;

	if (n > 0) {
		g = atomic_load_explicit(&p->runq[(tail + n - 1) % EXRT__RUNQ_SIZE], RELAXED);
		if (n > 1)
			atomic_store_explicit(&p->tail, tail + n - 1, RELEASE);
		return g;
	}
	if (!take_next || !atomic_load_explicit(&victim->runnext, RELAXED))
		return NULL;
	/* Its readier is likely to wait in a moment and to run it itself: taking it now would only move it about. */
	if (exrt__state(atomic_load_explicit(&victim->state, RELAXED)) == TRACE_P_RUNNING)
		nanosleep(&(struct timespec){ .tv_nsec = 3000 }, NULL);
	return atomic_exchange_explicit(&victim->runnext, NULL, ACQUIRE);
}
