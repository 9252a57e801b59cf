# make bench: costs, in turn with peers.

noinst_PROGRAMS += bench-read
bench_read_SOURCES = %D%/bench-read.c
bench_read_LDADD = libexectrace.la
