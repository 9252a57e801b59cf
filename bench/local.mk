# make bench: costs, in turn with peers.

noinst_PROGRAMS += bench-read bench-run
bench_run_SOURCES = %D%/bench-run.c
bench_read_SOURCES = %D%/bench-read.c
bench_read_LDADD = libexectrace.la libwire.la
bench_read_LDFLAGS = $(AM_LDFLAGS) -no-install

if HAVE_RT
noinst_PROGRAMS += bench-sched bench-emit
bench_sched_SOURCES = %D%/bench-sched.c
bench_sched_LDADD = libexectrace-rt.la
bench_sched_LDFLAGS = $(AM_LDFLAGS) -no-install
bench_emit_SOURCES = %D%/bench-emit.c tests/hostthread.c tests/hostthread.h
bench_emit_LDADD = libtracercore.la
endif

EXTRA_DIST += %D%/run.sh %D%/commands.sh tests/interop/cmd/rtbench/main.go tests/interop/cmd/busy/main.go
bench: all
	$(AM_V_at)top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' GO='$(GO)' $(srcdir)/bench/run.sh
	$(AM_V_at)top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' GO='$(GO)' $(srcdir)/bench/commands.sh
.PHONY: bench
