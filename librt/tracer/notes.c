/* SPDX-License-Identifier: BSD-3-Clause
 *
 * notes.c - what the format has no place for, as strings of the string table that no event refers to.
 *
 * Each is at most 1,024 bytes, begins with "exectrace:" and a word, and has its fields separated by one space. In NAME, HOST
 * and PATH every byte below 0x21, 0x7f and '\' is written as \xHH; PATH and CMDLINE come last and may be cut. Numbers are
 * decimal unless 0x stands before them. Each generation says all of it again, so any generation alone is enough.
 *
 *     exectrace:recorder VERSION HOST-NAME      the recorder's version and host ("exectrace-rt", "pthread")
 *     exectrace:process PID NAME CMDLINE        NAME: the kernel's short one; CMDLINE: the arguments, separated by one space, each escaped as
 *                                               above
 *     exectrace:host NAME                       the machine's name
 *     exectrace:cpu HZ                          CPU samples a second of CPU time; absent when none are taken
 *     exectrace:module 0xBASE 0xSIZE BUILDID PATH    loaded code: first address, bytes, build id in hex or "-"
 *     exectrace:lock STACKID 0xLOCKID           the stack STACKID of this generation belongs to that lock
 *     exectrace:waker STACKID G                 who ended a wait, where the event's own context cannot say it
 *     exectrace:dropped M COUNT NS              events of thread M that were dropped in this generation, and the time from the first
 *                                               to the last; M is "-" for threads that are gone, "samples", "stacks", "strings"
 *                                               and "locks" for CPU samples and for table entries and identities that found no room
 */
#include "librt/tracer/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config.h"
#include "librt/tracer/core.h"
#include "librt/tracer/symbols.h"
#include "librt/tracer/tables.h"
#include "librt/tracer/writerthread.h"

struct notes {
	void *ctx;
	void (*put)(void *ctx, const char *text, size_t len);
	char line[WIRE_MAX_STRING_SIZE];
	size_t used;
};

static __attribute__((format(printf, 2, 3))) void note_add(struct notes *n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(n->line + n->used, sizeof(n->line) - n->used, fmt, ap);
	va_end(ap);
	if (len > 0)
		n->used += (size_t)len < sizeof(n->line) - n->used ? (size_t)len : sizeof(n->line) - n->used - 1;
}

/* Text without separators; what does not fit is left out. */
static void note_text(struct notes *n, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];
		bool plain = c > 0x20 && c != 0x7f && c != '\\';

		if (n->used + (plain ? 1 : 4) >= sizeof(n->line))
			return;
		if (plain) {
			n->line[n->used++] = (char)c;
			continue;
		}
		n->line[n->used++] = '\\';
		n->line[n->used++] = 'x';
		n->line[n->used++] = hex[c >> 4];
		n->line[n->used++] = hex[c & 15];
	}
}

static void note_end(struct notes *n)
{
	n->put(n->ctx, n->line, n->used);
	n->used = 0;
}

static size_t read_file(const char *path, char *buf, size_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	long n;

	if (fd < 0)
		return 0;
	while (used < size && ((n = syscall(SYS_read, fd, buf + used, size - used)) > 0 || (n < 0 && errno == EINTR)))
		used += n > 0 ? (size_t)n : 0;
	syscall(SYS_close, fd);
	return used;
}

static void note_process(struct notes *n)
{
	char buf[WIRE_MAX_STRING_SIZE];
	size_t len = read_file("/proc/self/comm", buf, 64), from = 0;

	if (len > 0 && buf[len - 1] == '\n')
		len--;
	note_add(n, "exectrace:process %ld ", (long)syscall(SYS_getpid));
	note_text(n, buf, len);
	len = read_file("/proc/self/cmdline", buf, sizeof(buf));
	while (from < len) {
		size_t arg = strnlen(buf + from, len - from);

		if (n->used + 1 < sizeof(n->line))
			n->line[n->used++] = ' ';
		note_text(n, buf + from, arg);
		from += arg + 1;
	}
	note_end(n);
}

static void note_module(void *ctx, const struct trace_module_info *info)
{
	struct notes *n = ctx;

	note_add(n, "exectrace:module 0x%llx 0x%llx %s ", (unsigned long long)info->base, (unsigned long long)info->size,
		 info->build_id);
	note_text(n, info->path, strlen(info->path));
	note_end(n);
}

static void note_lock(void *ctx, const struct trace_stack_entry *e)
{
	struct notes *n = ctx;

	if (e->lock == 0)
		return;
	note_add(n, "exectrace:lock %u 0x%llx", e->id, (unsigned long long)e->lock);
	note_end(n);
}

static void note_loss(struct notes *n, const char *what, uint64_t count)
{
	if (count == 0)
		return;
	note_add(n, "exectrace:dropped %s %llu 0", what, (unsigned long long)count);
	note_end(n);
}

/* The pins of the generation have passed: its Ms do not touch these fields before the next but one. */
static void note_losses(struct notes *n, const struct trace_writer *w)
{
	unsigned slot = w->gen & 1;
	struct trace_table_losses tables;

	trace_lock_take(&trace_core.lock);
	for (struct trace_m *m = trace_core.ms; m != NULL; m = m->next) {
		if (m->lost_gen[slot] != w->gen || m->lost[slot] == 0)
			continue;
		note_add(n, "exectrace:dropped %llu %llu %llu", (unsigned long long)m->id, (unsigned long long)m->lost[slot],
			 (unsigned long long)(m->lost_last[slot] - m->lost_first[slot]) * TRACE_CLOCK_UNIT_NS);
		note_end(n);
		m->lost[slot] = 0;
	}
	trace_lock_give(&trace_core.lock);
	trace_tables_losses(slot, &tables);
	note_loss(n, "-", atomic_exchange_explicit(&trace_core.lost_orphans, 0, memory_order_relaxed));
	note_loss(n, "samples", w->lost_samples);
	note_loss(n, "stacks", tables.stacks);
	note_loss(n, "strings", tables.strings);
	note_loss(n, "locks", tables.locks);
}

void trace_notes_write(struct trace_writer *w, void (*put)(void *ctx, const char *text, size_t len))
{
	struct notes n = { .ctx = w, .put = put };
	struct utsname uts;

	note_add(&n, "exectrace:recorder %s %s", PACKAGE_VERSION, trace_core.host->name);
	note_end(&n);
	note_process(&n);
	if (uname(&uts) == 0) {
		note_add(&n, "exectrace:host ");
		note_text(&n, uts.nodename, strlen(uts.nodename));
		note_end(&n);
	}
	if (w->session->options.cpu_hz != 0) {
		note_add(&n, "exectrace:cpu %u", w->session->options.cpu_hz);
		note_end(&n);
	}
	trace_modules_visit(note_module, &n);
	trace_stacks_visit(w->gen & 1, note_lock, &n);
	note_losses(&n, w);
}
