# The commands, one file each; libcommand.la is what they share.
noinst_LTLIBRARIES += libcommand.la
libcommand_la_SOURCES = %D%/command.c %D%/command.h %D%/compressout.c %D%/compressout.h %D%/filteropt.c %D%/filteropt.h \
	%D%/progress.c %D%/progress.h
libcommand_la_LIBADD = libanalysis.la libexectrace.la

bin_PROGRAMS += trace-stat trace-cut
trace_stat_SOURCES = %D%/trace-stat.c
trace_cut_SOURCES = %D%/trace-cut.c %D%/cutopts.c %D%/cutopts.h
trace_cut_LDADD = libcommand.la libanalysis.la libexectrace.la
trace_stat_LDADD = libcommand.la libanalysis.la libexectrace.la

if WITH_PROFILE
bin_PROGRAMS += trace-pprof
trace_pprof_SOURCES = %D%/trace-pprof.c
trace_pprof_LDADD = libcommand.la libpprofout.la libanalysis.la libexectrace.la
endif

bin_PROGRAMS += trace-print
trace_print_SOURCES = %D%/trace-print.c %D%/follow.c %D%/follow.h %D%/printevent.c %D%/printevent.h %D%/printjson.c %D%/textout.c %D%/textout.h
trace_print_LDADD = libcommand.la libanalysis.la libexectrace.la

bin_PROGRAMS += trace-record
trace_record_SOURCES = %D%/trace-record.c %D%/program.c %D%/program.h
trace_record_CFLAGS = $(AM_CFLAGS) $(DW_CFLAGS)
trace_record_LDADD = libcommand.la libexectrace.la -lelf
