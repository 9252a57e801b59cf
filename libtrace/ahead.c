/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ahead.c - threads that load and order generations before their turn comes.
 *
 * Generations go round in a ring of slots.  One thread at a time loads the next one, so that all reading of the input is in
 * order and by one thread at a time; any number of threads order loaded ones as guesses (guess.h).  The reader's own thread takes
 * them in turn: a guess that holds is delivered as it is, a generation that nobody has begun is ordered while it is delivered,
 * which is cheapest, and so is one whose guess does not hold.
 *
 * Who owns what: `lock` guards everything here but what a state gives to one thread.  A slot belongs to its loader while it is
 * LOADING, to a worker while it is ORDERING, to the reader's thread while it is TAKEN.  The loading reader and its input belong to
 * whoever has set `loading`.  r->now is exchanged with a slot's generation, so that memory is used over again.
 *
 * Ordering reads no input but a plain file, which any number of threads can do; else batches are held in memory, as a stream's
 * are.  Where that fails, the generation is left to the reader's thread, which keeps the input to itself for as long as it is at it.
 */
#include "libtrace/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libtrace/guess.h"
#include "libtrace/readerimpl.h"

#define MAX_THREADS 64

/* After so many guesses in a row that did not hold, no more are made. */
#define PATIENCE 4

enum state { LOADING, LOADED, ORDERING, ORDERED, TAKEN };

struct slot {
	enum state state;
	int rc;				/* of loading it */
	bool ends_badly, spilled;	/* the loading reader's, after it */
	bool held;			/* no input is needed to order it */
	struct etr__fault fault;	/* where rc or ends_badly tells of one */
	struct etr__generation gen;
	struct etr__guess guess;
};

/* How long generations of that many bytes took; what was long ago counts less.  To begin with it is as if of so few. */
struct pace {
	double ns, bytes;
};
#define FEW_BYTES 65536

struct etr__ahead {
	pthread_mutex_t lock;
	pthread_cond_t work, done;	/* for workers; for the reader's thread */
	pthread_t threads[MAX_THREADS];
	unsigned nthreads;
	bool stop;			/* set under the lock, and read without it by who only stops earlier for it */
	bool loading;			/* somebody has the loading reader */
	bool keeps_input;		/* the reader's thread, for the generation it is at */
	bool paused;			/* or for the caller */
	unsigned norderings;		/* slots that are */
	bool ended;			/* there is nothing more to load */
	uint64_t next_load, next_take;	/* generations, counted from 0 */
	uint64_t first;			/* from here on guesses make sense */
	unsigned misses;		/* guesses in a row that did not hold */
	uint64_t size;			/* of the input */
	struct pace direct;		/* the reader's thread orders while it delivers, */
	struct pace delivering;		/* or delivers what is in order, */
	struct pace ordering;		/* which a worker has put there */
	struct pace *taken;		/* what the reader's thread does now; NULL: it does not */
	uint64_t taken_bytes;
	double taken_at;		/* since when */
	struct etr__log_pool pool;	/* it has its own lock */
	struct etr_reader *loader;	/* a reader that only loads; it has the input */
	size_t nslots;
	struct slot slots[];
};

static struct slot *slot_of(struct etr__ahead *a, uint64_t no)
{
	return &a->slots[no % a->nslots];
}

static void swap_generations(struct etr__generation *a, struct etr__generation *b)
{
	struct etr__generation t = *a;

	*a = *b;
	*b = t;
}

/* --- workers --- */

/* Sees to it that ordering reads nothing, or only what any thread can read at any time.  False where that fails. */
static bool hold(struct etr__input *in, struct etr__generation *g)
{
	if (in->mode == ETR__INPUT_PREAD && in->fd >= 0)
		return true;
	for (size_t i = 0; i < g->frontier.nbatches; i++) {
		struct etr__event_batch *b = &g->frontier.batches[i];
		uint8_t *copy;

		if (b->held || !b->size)
			continue;
		if (in->mode == ETR__INPUT_MEMORY) {
			b->held = in->mem + b->data;
			continue;
		}
		copy = etr__arena_alloc(&g->held, b->size);
		if (!copy || etr__input_pread(in, copy, b->size, b->data) != (ssize_t)b->size)
			return false;
		b->held = copy;
	}
	return true;
}

/* With the lock, while nobody is loading; lets go of it meanwhile. */
static void load_next(struct etr__ahead *a)
{
	struct slot *s = slot_of(a, a->next_load);
	struct etr_reader *l = a->loader;
	uint64_t size;

	a->loading = true;
	s->state = LOADING;
	pthread_mutex_unlock(&a->lock);
	memset(&l->fault, 0, sizeof(l->fault));
	s->rc = etr__generation_load(l);
	s->ends_badly = l->ends_badly;
	s->spilled = l->spilled;
	s->fault = l->fault;
	swap_generations(&l->now, &s->gen);
	s->gen.frontier.in = &l->in;
	s->held = s->rc == 1 && hold(&l->in, &s->gen);
	size = etr__input_size(&l->in);
	pthread_mutex_lock(&a->lock);
	a->size = size;
	a->ended = s->rc != 1 || s->ends_badly || (l->version < 26 && !l->spilled);
	s->state = LOADED;
	a->next_load++;
	a->loading = false;
	pthread_cond_broadcast(&a->work);
	pthread_cond_broadcast(&a->done);
}

static bool can_load(const struct etr__ahead *a)
{
	return !a->loading && !a->ended && !a->paused && a->next_load < a->next_take + a->nslots - 1;
}

/*
 * Who orders which generation is decided by how long it would take, which is told from how long those before took for their bytes.
 * What the caller does with the events is part of that.
 */
static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t bytes_of(const struct etr__generation *g)
{
	return g->end - g->start;
}

static double expected(const struct pace *pace, uint64_t bytes)
{
	return pace->ns / pace->bytes * (double)bytes;
}

static void learn(struct pace *pace, double ns, uint64_t bytes)
{
	pace->ns = pace->ns / 2 + ns;
	pace->bytes = pace->bytes / 2 + (double)bytes + 1;
}

/*
 * To order one ahead; a worker that was kept from its processor for long is given another chance, for nothing would be learned of one
 * that is given nothing to order.
 */
static double expected_ahead(const struct etr__ahead *a, uint64_t bytes)
{
	double ahead = expected(&a->ordering, bytes), most = 2 * expected(&a->direct, bytes);

	return ahead < most ? ahead : most;
}

/* Until the reader's thread is done with the generation at hand. */
static double left_of_taken(const struct etr__ahead *a)
{
	double left = a->taken ? expected(a->taken, a->taken_bytes) - (now_ns() - a->taken_at) : 0;

	return left > 0 ? left : 0;
}

/*
 * The generation to order next: the first that the reader's thread does not come to before it would be ready.  When there is nothing
 * left to load also the last, if to wait for it takes less than to leave it.  NULL: none.
 */
static struct slot *pick(struct etr__ahead *a)
{
	double until = left_of_taken(a);
	struct slot *last = NULL;

	if (a->paused || a->misses >= PATIENCE)
		return NULL;
	for (uint64_t no = a->next_take; no < a->next_load; no++) {
		struct slot *s = slot_of(a, no);
		uint64_t bytes = bytes_of(&s->gen);

		if (s->rc != 1)
			break;
		if (s->state != LOADED) {
			until += expected(&a->delivering, bytes);
			continue;
		}
		if (s->held && no >= a->first) {
			double ahead = expected_ahead(a, bytes);

			if (until >= ahead)
				return s;
			last = until + expected(&a->direct, bytes) > ahead + expected(&a->delivering, bytes) ? s : NULL;
		}
		until += expected(&a->direct, bytes);
	}
	return a->ended ? last : NULL;
}

static void *work(void *arg)
{
	struct etr__ahead *a = arg;
	struct etr__blocks blocks = { NULL };

	pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		struct slot *s = pick(a);

		if (s) {
			double begun = now_ns();

			s->state = ORDERING;
			a->norderings++;
			pthread_mutex_unlock(&a->lock);
			etr__guess_run(&s->guess, &s->gen, &blocks, &a->stop);
			pthread_mutex_lock(&a->lock);
			learn(&a->ordering, now_ns() - begun, bytes_of(&s->gen));
			s->state = ORDERED;
			a->norderings--;
			pthread_cond_broadcast(&a->done);
		} else if (can_load(a)) {
			load_next(a);
		} else {
			pthread_cond_wait(&a->work, &a->lock);
		}
	}
	pthread_mutex_unlock(&a->lock);
	etr__blocks_free(&blocks);
	return NULL;
}

/* --- the reader's thread --- */

static void free_ahead(struct etr__ahead *a)
{
	for (size_t i = 0; i < a->nslots; i++) {
		etr__generation_free(&a->slots[i].gen);
		etr__guess_free(&a->slots[i].guess);
	}
	etr__log_pool_free(&a->pool);
	if (a->loader) {
		etr__generation_free(&a->loader->now);
		free((void *)(uintptr_t)a->loader->spill_held);
		free(a->loader);
	}
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->done);
	free(a);
}

static struct etr__ahead *make(unsigned nthreads)
{
	/* One is delivered, each thread has one, and there is a choice of those that come next. */
	size_t nslots = nthreads + 3;
	struct etr__ahead *a = calloc(1, sizeof(*a) + nslots * sizeof(a->slots[0]));
	int bad = 0;

	if (!a)
		return NULL;
	a->nslots = nslots;
	a->direct = (struct pace){ 1.0 * FEW_BYTES, FEW_BYTES };
	a->delivering = (struct pace){ 0.3 * FEW_BYTES, FEW_BYTES };
	a->ordering = (struct pace){ 1.1 * FEW_BYTES, FEW_BYTES };
	etr__log_pool_init(&a->pool);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->done, NULL);
	a->loader = calloc(1, sizeof(*a->loader));
	if (a->loader)
		bad = etr__generation_init(&a->loader->now, &a->loader->in, &a->loader->fault);
	for (size_t i = 0; i < nslots; i++) {
		etr__guess_init(&a->slots[i].guess, &a->pool);
		if (a->loader)
			bad |= etr__generation_init(&a->slots[i].gen, &a->loader->in, &a->slots[i].guess.fault);
	}
	if (a->loader && bad == 0)
		return a;
	free_ahead(a);
	return NULL;
}

/* Threads that no signal is delivered to. */
static void make_threads(struct etr__ahead *a, unsigned n)
{
	sigset_t all, before;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return;
	while (a->nthreads < n && pthread_create(&a->threads[a->nthreads], NULL, work, a) == 0)
		a->nthreads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void give_input(struct etr_reader *from, struct etr_reader *to)
{
	to->in = from->in;
	to->scan_off = from->scan_off;
	etr__input_init(&from->in);
	from->in.mode = to->in.mode;
}

void etr__ahead_start(struct etr_reader *r)
{
	unsigned n = r->nthreads > MAX_THREADS ? MAX_THREADS : r->nthreads;
	struct etr__ahead *a;

	if (r->ahead || n < 2 || r->in.follow || r->loading)
		return;
	a = make(n);
	if (!a)
		return;
	a->loader->version = r->version;
	a->loader->opened = true;
	a->loader->keeps_experimental = r->keeps_experimental;
	a->loader->load_no = r->load_no++;
	a->loader->loaded = r->loaded;
	a->loader->spilled = r->spilled;
	a->loader->spill = r->spill;
	a->loader->spill_held = r->spill_held;
	r->spill_held = NULL;
	a->size = etr__input_size(&r->in);
	a->first = r->order.model.first_gen == 0;
	give_input(r, a->loader);
	r->ahead = a;
	/* Here the first generation, which is needed at once, is there sooner than in a thread that has yet to begin. */
	pthread_mutex_lock(&a->lock);
	load_next(a);
	pthread_mutex_unlock(&a->lock);
	/* The reader's thread is one of them. */
	if (!a->ended)
		make_threads(a, n - 1);
}

static void stop_threads(struct etr__ahead *a)
{
	pthread_mutex_lock(&a->lock);
	__atomic_store_n(&a->stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
	for (unsigned i = 0; i < a->nthreads; i++)
		pthread_join(a->threads[i], NULL);
}

void etr__ahead_drop(struct etr_reader *r)
{
	struct etr__ahead *a = r->ahead;

	if (!a)
		return;
	stop_threads(a);
	if (!a->paused)
		give_input(a->loader, r);
	r->load_no = a->loader->load_no;
	r->now.frontier.in = &r->in;
	r->ahead = NULL;
	r->guess = NULL;
	free_ahead(a);
}

void etr__ahead_pause(struct etr_reader *r)
{
	struct etr__ahead *a = r->ahead;

	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->paused = true;
	while ((a->loading && !a->keeps_input) || a->norderings)
		pthread_cond_wait(&a->done, &a->lock);
	pthread_mutex_unlock(&a->lock);
	give_input(a->loader, r);
}

void etr__ahead_resume(struct etr_reader *r)
{
	struct etr__ahead *a = r->ahead;

	if (!a)
		return;
	give_input(r, a->loader);
	pthread_mutex_lock(&a->lock);
	a->paused = false;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
}

/* Waits until nobody works on the generation whose turn it is, loading it where nobody has.  With the lock. */
static struct slot *wait_for_turn(struct etr__ahead *a)
{
	struct slot *s = slot_of(a, a->next_take);

	for (;;) {
		if (a->next_take < a->next_load && s->state != ORDERING)
			return s;
		if (a->next_take >= a->next_load && !a->loading) {
			load_next(a);
		} else {
			pthread_cond_wait(&a->done, &a->lock);
		}
	}
}

/* What a slot has becomes the reader's.  1, or what loading returned. */
static int take(struct etr_reader *r, struct slot *s)
{
	swap_generations(&r->now, &s->gen);
	r->now.frontier.fault = &r->fault;
	r->loaded = s->rc == 1;
	r->ends_badly = s->ends_badly;
	r->spilled = s->spilled;
	if (s->rc < 0 || s->ends_badly)
		r->fault = s->fault;
	return s->rc;
}

/* Takes over what was guessed, where that holds; r->guess tells.  0, or a negative code with the fault recorded. */
static int judge(struct etr_reader *r, struct slot *s)
{
	r->nguessed++;
	if (!etr__guess_holds(&s->guess, &r->now, &r->order)) {
		etr__guess_undo(&r->now);
		return 0;
	}
	r->nheld++;
	if (etr__guess_adopt(&s->guess, &r->now, &r->order) < 0)
		return r->fault.code;
	r->guess = &s->guess;
	return 0;
}

/* The slot whose turn it is now; what the reader's thread had so far goes round again.  *ordered: its guess is there. */
static struct slot *next_slot(struct etr_reader *r, struct etr__ahead *a, bool *ordered)
{
	struct slot *s;

	pthread_mutex_lock(&a->lock);
	if (a->keeps_input)
		a->loading = a->keeps_input = false;
	r->guess = NULL;
	if (a->taken)
		learn(a->taken, now_ns() - a->taken_at, a->taken_bytes);
	a->taken = NULL;
	s = wait_for_turn(a);
	*ordered = s->state == ORDERED;
	s->state = TAKEN;
	a->next_take++;
	if (s->rc == 1 && !s->held) {
		while (a->loading)
			pthread_cond_wait(&a->done, &a->lock);
		a->loading = a->keeps_input = true;
	}
	if (r->guess_all && !*ordered && s->rc == 1 && s->held && a->next_take > a->first) {
		etr__guess_run(&s->guess, &s->gen, &r->blocks, &a->stop);
		*ordered = true;
	}
	pthread_mutex_unlock(&a->lock);
	return s;
}

int etr__ahead_next(struct etr_reader *r)
{
	struct etr__ahead *a = r->ahead;
	bool ordered;
	struct slot *s = next_slot(r, a, &ordered);
	int rc = take(r, s);

	if (rc == 1 && ordered && judge(r, s) < 0)
		rc = r->fault.code;
	pthread_mutex_lock(&a->lock);
	if (ordered)
		a->misses = r->guess || r->guess_all ? 0 : a->misses + 1;
	a->taken = rc != 1 ? NULL : r->guess ? &a->delivering : &a->direct;
	a->taken_bytes = bytes_of(&r->now);
	a->taken_at = now_ns();
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

int etr__ahead_events(struct etr_reader *r, struct etr_event *events, int max)
{
	return etr__log_read(&r->guess->log, &r->order.last_time, events, max);
}

uint64_t etr__ahead_size(struct etr_reader *r)
{
	uint64_t size;

	pthread_mutex_lock(&r->ahead->lock);
	size = r->ahead->size;
	pthread_mutex_unlock(&r->ahead->lock);
	return size;
}
