# The language of conditions, for triggers and filters; a leaf like wire/.
noinst_LTLIBRARIES += libcond.la
libcond_la_SOURCES = %D%/cond.c %D%/cond.h %D%/duration.c %D%/duration.h
