/* SPDX-License-Identifier: BSD-3-Clause
 *
 * symbols.c - addresses to frames, each once for the process.
 *
 * Owner: the writer's thread.  Names are kept for ever, once each; frames until the code they belong to is gone.  What cannot
 * be resolved gets stand-ins, since strict readers want every frame to have a function, a file and a line: the module's file
 * name and the offset in it.
 */
#include "librt/tracer/symbols.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "librt/tracer/modules.h"
#include "librt/tracer/tracer.h"
#include "wire/event.h"

#define MAX_INLINED 64		/* frames at one address: depths of 0 to 63 fit above bit 57 */

struct cached {
	uintptr_t pc;		/* 0: free */
	uint32_t n;
	struct trace_frame *frames;
};

static struct {
	struct cached *slots;
	size_t size, used;
} cache;

static struct {
	struct trace_text **slots;
	size_t size, used;
} texts;

static _Atomic uintptr_t main_address;	/* 0: not known; written once, read relaxed */

/* --- names --- */

static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3ull;
	return h ^ h >> 32;
}

static size_t cut_length(const char *s, size_t len)
{
	if (len <= WIRE_MAX_STRING_SIZE)
		return len;
	len = WIRE_MAX_STRING_SIZE;
	while (len > WIRE_MAX_STRING_SIZE - 4 && ((uint8_t)s[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static bool texts_grow(void)
{
	size_t size = texts.size != 0 ? 2 * texts.size : 1024;
	struct trace_text **slots;

	if (texts.used < texts.size / 2)
		return true;
	slots = calloc(size, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < texts.size; i++) {
		struct trace_text *t = texts.slots[i];
		size_t at;

		if (t == NULL)
			continue;
		for (at = hash_bytes(t->bytes, t->len); slots[at & (size - 1)] != NULL; at++)
			;
		slots[at & (size - 1)] = t;
	}
	free(texts.slots);
	texts.slots = slots;
	texts.size = size;
	return true;
}

static struct trace_text *text_of(const char *s)
{
	size_t len = cut_length(s, strlen(s)), at;
	struct trace_text *t;

	if (!texts_grow())
		return NULL;
	for (at = hash_bytes(s, len); (t = texts.slots[at & (texts.size - 1)]) != NULL; at++) {
		if (t->len == len && memcmp(t->bytes, s, len) == 0)
			return t;
	}
	t = calloc(1, sizeof(*t) + len);
	if (t == NULL)
		return NULL;
	t->len = len;
	memcpy(t->bytes, s, len);
	texts.slots[at & (texts.size - 1)] = t;
	texts.used++;
	return t;
}

/* --- frames --- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static bool frame_set(struct trace_frame *f, const char *func, const char *file, uint64_t line)
{
	f->func = text_of(func);
	f->file = text_of(file);
	f->line = line != 0 ? line : 1;
	return f->func != NULL && f->file != NULL;
}

void trace_set_main(uintptr_t main_addr)
{
	atomic_store_explicit(&main_address, main_addr, memory_order_relaxed);
}

/* Whether addr, which no symbol covers, lies in main(). */
static bool is_in_main(const struct trace_module *m, uint64_t addr)
{
	static uint64_t lo, hi;		/* in the executable's file, once looked for */
	uintptr_t at = atomic_load_explicit(&main_address, memory_order_relaxed);

	if (at < m->lo || at >= m->hi)
		return false;
	if (lo == 0) {
		lo = at - m->bias;
		hi = trace_elf_function_end(m, lo);
	}
	return addr >= lo && addr < hi;
}

/* Return: how many frames, or -1 when there is no memory. */
static int look_up(uintptr_t pc, struct trace_frame out[MAX_INLINED])
{
	struct trace_dwarf_frame found[MAX_INLINED];
	uintptr_t inside = pc - 1;	/* stored pcs are just behind what was executing */
	struct trace_module *m;
	const struct trace_elf_symbol *symbol;
	const char *func;
	uint64_t addr;
	int n;

	if (inside == getauxval(AT_ENTRY) && atomic_load_explicit(&main_address, memory_order_relaxed) != 0)
		inside = atomic_load_explicit(&main_address, memory_order_relaxed);
	m = trace_module_find(inside);
	if (m == NULL)
		return frame_set(&out[0], "[unknown]", "[unknown]", inside) ? 1 : -1;
	trace_module_open(m);
	addr = inside - m->bias;
	symbol = trace_elf_symbol_at(m, addr);
	func = symbol != NULL ? symbol->name : is_in_main(m, addr) ? "main" : base_name(m->path);
	n = trace_dwarf_frames(m, addr, found, MAX_INLINED);
	if (n == 0)
		return frame_set(&out[0], func, m->path, addr) ? 1 : -1;
	for (int i = 0; i < n; i++) {
		bool known = found[i].file != NULL && found[i].file[0] != '\0' && found[i].line > 0;

		if (!frame_set(&out[i], found[i].func != NULL ? found[i].func : func, known ? found[i].file : m->path,
			       known ? (uint64_t)found[i].line : addr))
			return -1;
	}
	return n;
}

static struct cached *cache_slot(uintptr_t pc)
{
	size_t at = (size_t)((pc * 0x9e3779b97f4a7c15ull) >> 20);

	while (cache.slots[at & (cache.size - 1)].pc != 0 && cache.slots[at & (cache.size - 1)].pc != pc)
		at++;
	return &cache.slots[at & (cache.size - 1)];
}

static bool cache_grow(void)
{
	struct cached *old = cache.slots;
	size_t old_size = cache.size, size = old_size != 0 ? 2 * old_size : 1024;
	struct cached *slots;

	if (cache.used < cache.size / 2)
		return true;
	slots = calloc(size, sizeof(*slots));
	if (slots == NULL)
		return false;
	cache.slots = slots;
	cache.size = size;
	for (size_t i = 0; i < old_size; i++) {
		if (old[i].pc != 0)
			*cache_slot(old[i].pc) = old[i];
	}
	free(old);
	return true;
}

int trace_symbols_resolve(uintptr_t pc, const struct trace_frame **frames)
{
	struct trace_frame found[MAX_INLINED];
	struct cached *c;
	int n;

	if (!cache_grow())
		return -1;
	c = cache_slot(pc);
	if (c->pc == 0) {
		n = look_up(pc, found);
		if (n < 0 || (c->frames = calloc((size_t)n, sizeof(*c->frames))) == NULL)
			return -1;
		memcpy(c->frames, found, (size_t)n * sizeof(*c->frames));
		c->n = (uint32_t)n;
		c->pc = pc;
		cache.used++;
	}
	*frames = c->frames;
	return (int)c->n;
}

void trace_symbols_refresh(void)
{
	if (!trace_modules_refresh())
		return;
	for (size_t i = 0; i < cache.size; i++)
		free(cache.slots[i].frames);
	if (cache.slots != NULL)
		memset(cache.slots, 0, cache.size * sizeof(*cache.slots));
	cache.used = 0;
}
