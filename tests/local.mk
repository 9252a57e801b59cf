# Unit tests (Check) link the core libraries; command tests are scripts.

# A script test is distributed and run from the source folder.
script_tests = \
	%D%/arrows.sh \
	%D%/manpages.sh
dist_check_SCRIPTS += $(script_tests)
TESTS += $(script_tests)
EXTRA_DIST += %D%/aarch64.sh %D%/interop/viewer/main.go

# Damaged traces: the reader under every truncation and many changes.
check_PROGRAMS += mutate-read
mutate_read_SOURCES = %D%/mutate-read.c
mutate_read_LDADD = libexectrace.la
EXTRA_DIST += %D%/interop/go.mod %D%/interop/go.sum %D%/interop/compare-mutations.sh \
	%D%/interop/cmd/gen/main.go %D%/interop/cmd/godump/main.go %D%/interop/cmd/mutate/main.go \
	%D%/interop/cmd/readbench/main.go

# What the commands compute.
EXTRA_DIST += testdata/locks-named.txt testdata/locks-unnamed.txt
if HAVE_CHECK
analysis_tests = test-analysis test-profiles
check_PROGRAMS += $(analysis_tests)
TESTS += $(analysis_tests)
test_analysis_SOURCES = %D%/test-analysis.c
test_analysis_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_analysis_LDADD = libanalysis.la libexectrace.la $(CHECK_LIBS)
test_profiles_SOURCES = %D%/test-profiles.c
test_profiles_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_profiles_LDADD = libanalysis.la libexectrace.la $(CHECK_LIBS)
endif

# The runtime under load: stress.sh runs it, and has its traces read.
if HAVE_RT
check_PROGRAMS += stress-rt
stress_rt_SOURCES = %D%/stress-rt.c
stress_rt_LDADD = libexectrace-rt.la
dist_check_SCRIPTS += %D%/stress.sh
TESTS += %D%/stress.sh
endif
