# Unit tests (Check) link the core libraries; command tests are scripts.

# A script test is distributed and run from the source folder.
script_tests = \
	%D%/trace-cut.sh \
	%D%/trace-cut-picks.sh \
	%D%/trace-cut-seek.sh \
	%D%/trace-cut-signals.sh \
	%D%/trace-cut-sums.sh \
	%D%/interop-cut.sh \
	%D%/analysis-commands.sh \
	%D%/interop-analysis.sh \
	%D%/interop-pargrep.sh \
	%D%/arrows.sh \
	%D%/manpages.sh \
	%D%/trace-pprof.sh \
	%D%/trace-pprof-forms.sh \
	%D%/trace-pprof-slices.sh \
	%D%/interop-locks.sh
dist_check_SCRIPTS += $(script_tests)
TESTS += $(script_tests)
EXTRA_DIST += %D%/interop/exactsema.sh %D%/interop/cmd/locks/compare.awk %D%/interop/cmd/checkpprof/main.go %D%/interop/cmd/locks/main.go
EXTRA_DIST += %D%/aarch64.sh %D%/interop/cmd/viewer/main.go

# Damaged traces: the reader under every truncation and many changes.
check_PROGRAMS += mutate-read
mutate_read_SOURCES = %D%/mutate-read.c
mutate_read_LDADD = libexectrace.la
EXTRA_DIST += %D%/interop/go.mod %D%/interop/go.sum %D%/interop/compare-mutations.sh \
	%D%/interop/cmd/godump/main.go %D%/interop/cmd/mutate/main.go \
	%D%/interop/cmd/readbench/main.go
# What Go programs record: kept traces, and how they are made anew.
dist_check_SCRIPTS += %D%/go-traces.sh %D%/interop-record.sh %D%/interop-writer.sh
TESTS += %D%/go-traces.sh %D%/interop-record.sh %D%/interop-writer.sh
EXTRA_DIST += testdata/go %D%/interop/peers.sh %D%/interop/remake.sh %D%/interop/record
remake-go-traces: all
	top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' GO='$(GO)' $(SHELL) $(top_srcdir)/%D%/interop/remake.sh
.PHONY: remake-go-traces

# What the commands compute.
EXTRA_DIST += testdata/slice-behind-its-window.trace testdata/locks-named.txt testdata/locks-unnamed.txt testdata/stays-alike.txt \
	testdata/expected/locks-named.json testdata/expected/locks-named.stat testdata/expected/locks-named.top \
	testdata/expected/locks-unnamed.json testdata/expected/locks-unnamed.stat testdata/expected/locks-unnamed.top \
	%D%/interop/cmd/figures/main.go %D%/interop/pprofkeys.sh
if HAVE_CHECK
analysis_tests = test-analysis test-profiles
check_PROGRAMS += $(analysis_tests)
TESTS += $(analysis_tests)
test_analysis_SOURCES = %D%/test-analysis.c %D%/checks.c %D%/checks.h
test_analysis_CFLAGS = $(AM_CFLAGS) -fwrapv $(CHECK_CFLAGS)
test_analysis_LDADD = libanalysis.la libexectrace.la $(CHECK_LIBS)
test_profiles_SOURCES = %D%/test-profiles.c %D%/checks.c %D%/checks.h
test_profiles_CFLAGS = $(AM_CFLAGS) -fwrapv $(CHECK_CFLAGS)
test_profiles_LDADD = libanalysis.la libexectrace.la $(CHECK_LIBS)
endif

# The runtime under load: stress.sh runs it, and has its traces read.
if HAVE_RT
check_PROGRAMS += stress-rt
stress_rt_SOURCES = %D%/stress-rt.c
stress_rt_LDADD = libexectrace-rt.la
dist_check_SCRIPTS += %D%/stress.sh %D%/mutex-known.sh
TESTS += %D%/stress.sh %D%/mutex-known.sh
check_PROGRAMS += mutex-known
mutex_known_SOURCES = %D%/mutex-known.c
mutex_known_LDADD = libexectrace-rt.la
endif

# The parser and trace-print.
reader_scripts = %D%/cases.sh %D%/headers.sh %D%/interop-reader.sh %D%/mutations.sh %D%/trace-print.sh
dist_check_SCRIPTS += $(reader_scripts)
TESTS += $(reader_scripts)
EXTRA_DIST += %D%/headers.cc \
	testdata/clocks-odd-122.test testdata/clocks-odd-122.dump \
	testdata/deadlock-122.test testdata/deadlock-122.dump \
	testdata/empty-123.test testdata/empty-123.dump \
	testdata/empty-126.test testdata/empty-126.dump \
	testdata/end-missing-126.test testdata/end-missing-126.dump \
	testdata/event-undecodable-126.test testdata/event-undecodable-126.dump \
	testdata/every-event-126.test testdata/every-event-126.dump \
	testdata/frame-unresolved-122.test testdata/frame-unresolved-122.dump \
	testdata/frequency-missing-125.test testdata/frequency-missing-125.dump \
	testdata/goroutine-untold-126.test testdata/goroutine-untold-126.dump \
	testdata/region-across-generations-123.test testdata/region-across-generations-123.dump \
	testdata/region-misnested-123.test testdata/region-misnested-123.dump \
	testdata/rest-dropped-126.test testdata/rest-dropped-126.dump \
	testdata/start-waits-for-steal-123.test testdata/start-waits-for-steal-123.dump \
	testdata/string-unknown-126.test testdata/string-unknown-126.dump \
	testdata/ties-many-threads-122.test testdata/ties-many-threads-122.dump
if HAVE_CHECK
reader_tests = test-wire test-cond test-tables test-trace test-writer test-order test-eventlog
check_PROGRAMS += $(reader_tests)
TESTS += $(reader_tests)
test_cond_SOURCES = %D%/test-cond.c %D%/checks.c %D%/checks.h
test_cond_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_cond_LDADD = libcond.la $(CHECK_LIBS)
test_wire_SOURCES = %D%/test-wire.c %D%/checks.c %D%/checks.h
test_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_wire_LDADD = libwire.la $(CHECK_LIBS)
test_tables_SOURCES = %D%/test-tables.c %D%/checks.c %D%/checks.h
test_tables_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_tables_LDADD = libtracecore.la $(CHECK_LIBS)
test_trace_SOURCES = %D%/test-trace.c %D%/checks.c %D%/checks.h %D%/maketrace.c %D%/maketrace.h
test_trace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_trace_LDADD = libtracecore.la $(CHECK_LIBS)
test_writer_SOURCES = %D%/test-writer.c %D%/checks.c %D%/checks.h %D%/maketrace.c %D%/maketrace.h
test_writer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_writer_LDADD = libtracecore.la $(CHECK_LIBS)
test_order_SOURCES = %D%/test-order.c %D%/checks.c %D%/checks.h %D%/maketrace.c %D%/maketrace.h
test_order_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_order_LDADD = libtracecore.la $(CHECK_LIBS)
test_eventlog_SOURCES = %D%/test-eventlog.c %D%/checks.c %D%/checks.h
test_eventlog_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_eventlog_LDADD = libtracecore.la $(CHECK_LIBS)
endif

# The recorder's core under a pretended host.
if HAVE_RT
check_PROGRAMS += tracer-stress
fake_host_sources = %D%/fake-host.c %D%/fake-host.h %D%/hostthread.c %D%/hostthread.h
tracer_stress_SOURCES = %D%/tracer-stress.c $(fake_host_sources)
tracer_stress_LDADD = libtracercore.la
dist_check_SCRIPTS += %D%/tracer-stress.sh
TESTS += %D%/tracer-stress.sh
if HAVE_CHECK
tracer_parts = tracer-clock tracer-tables tracer-stacks tracer-cfi tracer-buffers
tracer_recordings = tracer-session tracer-failures tracer-environ tracer-ends
check_PROGRAMS += $(tracer_parts) $(tracer_recordings)
TESTS += $(tracer_parts) $(tracer_recordings)
tracer_clock_SOURCES = %D%/tracer-clock.c %D%/checks.c %D%/checks.h
tracer_clock_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_clock_LDADD = libtracercore.la $(CHECK_LIBS)
tracer_tables_SOURCES = %D%/tracer-tables.c %D%/checks.c %D%/checks.h
tracer_tables_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_tables_LDADD = libtracercore.la $(CHECK_LIBS)
tracer_stacks_SOURCES = %D%/tracer-stacks.c %D%/checks.c %D%/checks.h
tracer_stacks_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_stacks_LDADD = libtracercore.la $(CHECK_LIBS)
tracer_cfi_SOURCES = %D%/tracer-cfi.c %D%/checks.c %D%/checks.h
tracer_cfi_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_cfi_LDADD = libtracercore.la $(CHECK_LIBS)
tracer_buffers_SOURCES = %D%/tracer-buffers.c %D%/checks.c %D%/checks.h
tracer_buffers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
if WITH_ZSTD
tracer_buffers_CPPFLAGS = $(AM_CPPFLAGS) -DWITH_ZSTD
endif
tracer_buffers_LDADD = libtracercore.la $(CHECK_LIBS)
recording_sources = %D%/recording.c %D%/recording.h %D%/checks.c %D%/checks.h $(fake_host_sources)
tracer_session_SOURCES = %D%/tracer-session.c $(recording_sources)
tracer_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_session_LDADD = libtracercore.la libtracecore.la $(CHECK_LIBS)
tracer_failures_SOURCES = %D%/tracer-failures.c $(recording_sources)
tracer_failures_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_failures_LDADD = libtracercore.la libtracecore.la $(CHECK_LIBS)
tracer_environ_SOURCES = %D%/tracer-environ.c $(recording_sources)
tracer_environ_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_environ_LDADD = libtracercore.la libtracecore.la $(CHECK_LIBS)
tracer_ends_SOURCES = %D%/tracer-ends.c $(recording_sources)
tracer_ends_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tracer_ends_LDADD = libtracercore.la libtracecore.la $(CHECK_LIBS)
endif
endif

# The scheduler and what goroutines wait with.
if HAVE_RT
if HAVE_CHECK
runtime_tests = test-sched test-running test-channels test-waiting test-threads test-misuse
check_PROGRAMS += $(runtime_tests)
TESTS += $(runtime_tests)
test_sched_SOURCES = %D%/test-sched.c %D%/checks.c %D%/checks.h
test_sched_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_sched_LDADD = libruntimecore.la $(CHECK_LIBS)
rtcheck_sources = %D%/rtcheck.c %D%/rtcheck.h %D%/checks.c %D%/checks.h
test_running_SOURCES = %D%/test-running.c $(rtcheck_sources)
test_running_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_running_LDADD = libruntimecore.la $(CHECK_LIBS)
test_channels_SOURCES = %D%/test-channels.c $(rtcheck_sources)
test_channels_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_channels_LDADD = libruntimecore.la $(CHECK_LIBS)
test_waiting_SOURCES = %D%/test-waiting.c $(rtcheck_sources)
test_waiting_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_waiting_LDADD = libruntimecore.la $(CHECK_LIBS)
test_threads_SOURCES = %D%/test-threads.c $(rtcheck_sources)
test_threads_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_threads_LDADD = libruntimecore.la $(CHECK_LIBS)
test_threads_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pthread_create
test_misuse_SOURCES = %D%/test-misuse.c $(rtcheck_sources)
test_misuse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_misuse_LDADD = libruntimecore.la $(CHECK_LIBS)
endif
endif
# Recording pthread programs, and the command that does.
if HAVE_RT
check_PROGRAMS += tests/ptload tests/ptcalls tests/ptwaits
tests_ptload_SOURCES = %D%/ptload.c %D%/ptcheck.h
tests_ptload_LDADD =
tests_ptcalls_SOURCES = %D%/ptcalls.c %D%/ptcheck.h
tests_ptcalls_LDADD =
tests_ptwaits_SOURCES = %D%/ptwaits.c %D%/ptcheck.h
tests_ptwaits_LDADD =
check_PROGRAMS += tests/deepsamples
tests_deepsamples_SOURCES = %D%/deepsamples.c
tests_deepsamples_CFLAGS = $(AM_CFLAGS) -O2 -fomit-frame-pointer
tests_deepsamples_LDADD =
pthread_tests = %D%/record-pthread.sh %D%/record-samples.sh %D%/record-waits.sh %D%/trace-record.sh
dist_check_SCRIPTS += $(pthread_tests)
TESTS += $(pthread_tests)
if HAVE_CHECK
pthosted_tests = test-pthost test-ptslots
check_PROGRAMS += $(pthosted_tests)
TESTS += $(pthosted_tests)
pthosted_sources = %D%/pthosted.c %D%/pthosted.h %D%/hostthread.c %D%/hostthread.h %D%/checks.c %D%/checks.h \
	librt/pthread/ptbarrier.c librt/pthread/pthost.c librt/pthread/pthost.h librt/pthread/ptreal.c librt/pthread/ptreal.h \
	librt/pthread/ptroot.S librt/pthread/ptslot.c librt/pthread/ptstate.c librt/pthread/ptthread.c librt/pthread/ptwait.c
test_pthost_SOURCES = %D%/test-pthost.c $(pthosted_sources)
test_pthost_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_pthost_CCASFLAGS = $(AM_CCASFLAGS)
test_pthost_LDADD = libtracercore.la libtracecore.la $(CHECK_LIBS)
test_ptslots_SOURCES = %D%/test-ptslots.c $(pthosted_sources)
test_ptslots_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_ptslots_CCASFLAGS = $(AM_CCASFLAGS)
test_ptslots_LDADD = libtracercore.la libtracecore.la $(CHECK_LIBS)
endif
endif
EXTRA_DIST += %D%/pthread-lib.sh %D%/interop/cmd/accept/main.go %D%/interop/cmd/blocked/main.go %D%/interop/cmd/cutcompare/main.go

# The mutex profile of a program with known times.
if HAVE_RT
check_PROGRAMS += locktimes-rt locktimes-pthread profile-at
locktimes_rt_SOURCES = %D%/locktimes.c
locktimes_rt_LDADD = libexectrace-rt.la
locktimes_pthread_SOURCES = %D%/locktimes.c
locktimes_pthread_CPPFLAGS = $(AM_CPPFLAGS) -DWITH_PTHREAD
locktimes_pthread_LDADD =
profile_at_SOURCES = %D%/profile-at.c
profile_at_LDADD = libanalysis.la libexectrace.la
dist_check_SCRIPTS += %D%/locktimes.sh
TESTS += %D%/locktimes.sh
endif

# What go builds for the tests.
clean-local: clean-interop
clean-interop:
	rm -rf %D%/interop/bin
.PHONY: clean-interop
# Every command on bad input.
check_PROGRAMS += bad-input
bad_input_SOURCES = %D%/bad-input.c
bad_input_LDADD = libexectrace.la
dist_check_SCRIPTS += %D%/bad-input.sh
TESTS += %D%/bad-input.sh

# Every allocation fails.
check_PROGRAMS += test-nomem
test_nomem_SOURCES = %D%/test-nomem.c %D%/hostile.c %D%/hostile.h %D%/wrapalloc.h
if WITH_ZSTD
# With the static libzstd, where there is one, its allocations are counted, too.
test_nomem_CPPFLAGS = $(AM_CPPFLAGS) -DWITH_ZSTD
test_nomem_LDADD = $(ZSTD_RT_LIBS) libtracecore.la libwire.la
nomem_ldflags = -Wl,-u,ZSTD_createCCtx,-u,ZSTD_createDStream
else
nomem_ldflags =
test_nomem_LDADD = libtracecore.la libwire.la
endif
test_nomem_LDFLAGS = $(AM_LDFLAGS) $(nomem_ldflags) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=pthread_create
dist_check_SCRIPTS += %D%/nomem.sh
TESTS += %D%/nomem.sh

# Compressed traces, and files that grow.
dist_check_SCRIPTS += %D%/compressed.sh
TESTS += %D%/compressed.sh
if HAVE_CHECK
if WITH_ZSTD
input_tests = test-compressed test-seek test-follow
check_PROGRAMS += $(input_tests)
TESTS += $(input_tests)
packtrace_sources = %D%/packtrace.c %D%/packtrace.h %D%/maketrace.c %D%/maketrace.h %D%/checks.c %D%/checks.h
test_compressed_SOURCES = %D%/test-compressed.c $(packtrace_sources)
test_compressed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(ZSTD_CFLAGS)
test_compressed_LDADD = libtracecore.la $(ZSTD_LIBS) $(CHECK_LIBS)
test_seek_SOURCES = %D%/test-seek.c $(packtrace_sources)
test_seek_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(ZSTD_CFLAGS)
test_seek_LDADD = libtracecore.la $(ZSTD_LIBS) $(CHECK_LIBS)
test_follow_SOURCES = %D%/test-follow.c $(packtrace_sources)
test_follow_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(ZSTD_CFLAGS)
test_follow_LDADD = libtracecore.la $(ZSTD_LIBS) $(CHECK_LIBS)
endif
endif

# What filters take.
dist_check_SCRIPTS += %D%/trace-print-filters.sh
TESTS += %D%/trace-print-filters.sh

# Readers in several threads.
check_PROGRAMS += readers-threads
readers_threads_SOURCES = %D%/readers-threads.c %D%/fuzz/fuzz.h %D%/fuzz/fuzzread.c
readers_threads_LDADD = libexectrace.la
# What the libraries export, and what the README says of them.
library_scripts = %D%/exports.sh %D%/readers-threads.sh %D%/readme-program.sh %D%/readme-session.sh
dist_check_SCRIPTS += $(library_scripts)
TESTS += $(library_scripts)
EXTRA_DIST += %D%/functions.sh

# How much memory reading takes.
check_PROGRAMS += memory-bound
memory_bound_SOURCES = %D%/memory-bound.c %D%/hostile.c %D%/hostile.h %D%/wrapalloc.h
memory_bound_LDADD = libtracecore.la libwire.la
memory_bound_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
dist_check_SCRIPTS += %D%/memory-bound.sh
TESTS += %D%/memory-bound.sh
dist_check_SCRIPTS += %D%/trace-print-forms.sh
TESTS += %D%/trace-print-forms.sh
# Slices of traces against the traces.
check_PROGRAMS += cutcheck
cutcheck_SOURCES = %D%/cutcheck.c %D%/cutcompare.c %D%/cutcompare.h %D%/cutseen.c %D%/cutseen.h
cutcheck_CFLAGS = $(AM_CFLAGS) -fwrapv
cutcheck_LDADD = libanalysis.la libexectrace.la

# Everything that trace-stat offers.
check_PROGRAMS += stat-trace
stat_trace_SOURCES = %D%/stat-trace.c
stat_trace_LDADD = libexectrace.la
dist_check_SCRIPTS += %D%/trace-stat.sh
TESTS += %D%/trace-stat.sh
# What all commands have in common.
dist_check_SCRIPTS += %D%/commands-common.sh
TESTS += %D%/commands-common.sh

# Bash completion.
dist_check_SCRIPTS += %D%/completion.sh
TESTS += %D%/completion.sh

# Which lock a wait was about.
if HAVE_RT
check_PROGRAMS += lock-identity
lock_identity_SOURCES = %D%/lock-identity.c
lock_identity_LDADD = libexectrace-rt.la libanalysis.la libexectrace.la
dist_check_SCRIPTS += %D%/lock-identity.sh
TESTS += %D%/lock-identity.sh
endif

# What has several threads: `make check-concurrent` in a build with ThreadSanitizer.
concurrent_tests = %D%/stress.sh %D%/mutex-known.sh %D%/tracer-stress.sh $(tracer_parts) $(tracer_recordings) $(runtime_tests) \
	%D%/record-pthread.sh %D%/record-waits.sh %D%/trace-record.sh $(pthosted_tests) %D%/locktimes.sh %D%/lock-identity.sh %D%/compressed.sh $(input_tests) test-trace \
	%D%/readers-threads.sh %D%/trace-cut-seek.sh %D%/commands-common.sh %D%/fuzz/replay.sh
check-concurrent:
	$(MAKE) check TESTS='$(filter $(concurrent_tests),$(TESTS))'
.PHONY: check-concurrent

# Recordings that go on are followed.
if HAVE_RT
check_PROGRAMS += steps-rt steps-pthread
steps_rt_SOURCES = %D%/steps.c
steps_rt_LDADD = libexectrace-rt.la
steps_pthread_SOURCES = %D%/steps.c
steps_pthread_CPPFLAGS = $(AM_CPPFLAGS) -DWITH_PTHREAD
steps_pthread_LDADD =
dist_check_SCRIPTS += %D%/follow-live.sh
TESTS += %D%/follow-live.sh
endif
