# Fuzz targets: with --enable-fuzzers libFuzzer drives them, else replay.c does, in `make check`, over the corpora.
fuzz_targets = fuzz-reader fuzz-threads fuzz-paths fuzz-stream fuzz-raw fuzz-assemble fuzz-writer fuzz-analysis fuzz-cut fuzz-cond
if WITH_ZSTD
fuzz_targets += fuzz-zstd
endif
check_PROGRAMS += $(fuzz_targets) diff-go

fuzz_common = %D%/fuzz.h %D%/fuzzread.c %D%/structmut.c %D%/structmut.h
if FUZZERS
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_ldflags = $(AM_LDFLAGS)
fuzz_common += %D%/replay.c
endif
fuzz_libs = libtracecore.la libwire.la

fuzz_reader_SOURCES = %D%/fuzz-reader.c $(fuzz_common)
fuzz_reader_LDADD = $(fuzz_libs)
fuzz_reader_LDFLAGS = $(fuzz_ldflags)
fuzz_threads_SOURCES = %D%/fuzz-threads.c $(fuzz_common)
fuzz_threads_LDADD = $(fuzz_libs)
fuzz_threads_LDFLAGS = $(fuzz_ldflags)
fuzz_paths_SOURCES = %D%/fuzz-paths.c $(fuzz_common)
fuzz_paths_LDADD = $(fuzz_libs)
fuzz_paths_LDFLAGS = $(fuzz_ldflags)
fuzz_stream_SOURCES = %D%/fuzz-stream.c $(fuzz_common)
fuzz_stream_LDADD = $(fuzz_libs)
fuzz_stream_LDFLAGS = $(fuzz_ldflags)
fuzz_zstd_SOURCES = %D%/fuzz-zstd.c $(fuzz_common)
fuzz_zstd_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
fuzz_zstd_LDADD = $(fuzz_libs) $(ZSTD_LIBS)
fuzz_zstd_LDFLAGS = $(fuzz_ldflags)
fuzz_raw_SOURCES = %D%/fuzz-raw.c $(fuzz_common)
fuzz_raw_LDADD = $(fuzz_libs)
fuzz_raw_LDFLAGS = $(fuzz_ldflags)
fuzz_assemble_SOURCES = %D%/fuzz-assemble.c $(fuzz_common)
fuzz_assemble_LDADD = $(fuzz_libs)
fuzz_assemble_LDFLAGS = $(fuzz_ldflags)
fuzz_writer_SOURCES = %D%/fuzz-writer.c %D%/writersched.c %D%/writersched.h $(fuzz_common)
fuzz_writer_LDADD = $(fuzz_libs)
fuzz_writer_LDFLAGS = $(fuzz_ldflags)
fuzz_analysis_SOURCES = %D%/fuzz-analysis.c $(fuzz_common)
fuzz_analysis_LDADD = libanalysis.la $(fuzz_libs)
fuzz_analysis_LDFLAGS = $(fuzz_ldflags)
fuzz_cut_SOURCES = %D%/fuzz-cut.c tests/cutcompare.c tests/cutcompare.h tests/cutseen.c tests/cutseen.h $(fuzz_common)
fuzz_cut_CFLAGS = $(AM_CFLAGS) -fwrapv
fuzz_cut_LDADD = libanalysis.la $(fuzz_libs)
fuzz_cut_LDFLAGS = $(fuzz_ldflags)
fuzz_cond_SOURCES = %D%/fuzz-cond.c $(fuzz_common)
fuzz_cond_LDADD = libcond.la $(fuzz_libs)
fuzz_cond_LDFLAGS = $(fuzz_ldflags)

# Our reader and Go's on the same damaged traces.
diff_go_SOURCES = %D%/diff-go.c %D%/fuzz.h %D%/structmut.c %D%/structmut.h tools/printevent.c tools/printevent.h \
	tools/textout.c tools/textout.h
diff_go_LDADD = libtracecore.la libwire.la

fuzz_scripts = %D%/diff-go.sh %D%/replay.sh
dist_check_SCRIPTS += $(fuzz_scripts)
TESTS += $(fuzz_scripts)
EXTRA_DIST += testdata/fuzz
