# What the commands compute.  libpprofout.la writes profiles in pprof's format and is there only where its libraries are.
noinst_LTLIBRARIES += libanalysis.la
libanalysis_la_SOURCES = \
	%D%/calltree.c %D%/calltree.h \
	%D%/flamegraph.c \
	%D%/chart.c %D%/chart.h \
	%D%/group.c %D%/group.h \
	%D%/filter.c %D%/filter.h \
	%D%/anonymize.c %D%/anonymize.h \
	%D%/carry.c \
	%D%/grow.h \
	%D%/hist.c %D%/hist.h \
	%D%/idtable.c %D%/idtable.h \
	%D%/json.c %D%/json.h \
	%D%/late.c \
	%D%/labels.c %D%/labels.h \
	%D%/lockchain.c %D%/lockchain.h \
	%D%/lockhistory.c %D%/lockhistory.h \
	%D%/locks.c %D%/locks.h \
	%D%/names.c %D%/names.h \
	%D%/past.c %D%/past.h \
	%D%/pick.c %D%/pick.h \
	%D%/prelude.c \
	%D%/profile.c %D%/profile.h \
	%D%/profimpl.h %D%/profkinds.c %D%/profsample.c \
	%D%/profiler.c %D%/profiler.h \
	%D%/ranktest.c %D%/ranktest.h \
	%D%/series.c %D%/series.h \
	%D%/recode.c %D%/recode.h \
	%D%/slicer.c %D%/slicer.h \
	%D%/source.c %D%/source.h \
	%D%/spans.c %D%/spans.h \
	%D%/states.c %D%/states.h \
	%D%/statdiff.c %D%/statdiff.h \
	%D%/statimpl.h %D%/statjson.c %D%/statothers.c \
	%D%/stattable.c %D%/stattable.h \
	%D%/stattext.c %D%/stattext.h \
	%D%/summary.c %D%/summary.h \
	%D%/sumimpl.h %D%/sumgoroutine.c %D%/sumreason.c %D%/summerge.c %D%/sumspan.c \
	%D%/table.c %D%/table.h \
	%D%/text.c %D%/text.h \
	%D%/timeline.c %D%/timeline.h \
	%D%/toptable.c \
	%D%/tracenotes.c %D%/tracenotes.h \
	%D%/window.c %D%/window.h \
	%D%/wordmap.c %D%/wordmap.h \
	%D%/world.c %D%/world.h
# Times come from the file: their sums may wrap, and that must be defined.
libanalysis_la_CFLAGS = $(AM_CFLAGS) -fwrapv
libanalysis_la_LIBADD = libcond.la libexectrace.la -lm

if WITH_PROFILE
noinst_LTLIBRARIES += libpprofout.la
libpprofout_la_SOURCES = %D%/pprofout.c
nodist_libpprofout_la_SOURCES = %D%/profile.pb-c.c %D%/profile.pb-c.h
libpprofout_la_CFLAGS = $(AM_CFLAGS) -fwrapv $(PROFILE_CFLAGS)
libpprofout_la_LIBADD = libanalysis.la $(PROFILE_LIBS)
BUILT_SOURCES += %D%/profile.pb-c.h
CLEANFILES += %D%/profile.pb-c.c %D%/profile.pb-c.h

%D%/profile.pb-c.c: $(top_srcdir)/%D%/profile.proto
	$(AM_V_GEN)$(MKDIR_P) %D% && $(PROTOC_C) --proto_path=$(top_srcdir)/%D% --c_out=%D% $(top_srcdir)/%D%/profile.proto

# Made by the rule above; stands alone so that make knows when one of the two is gone.
%D%/profile.pb-c.h: %D%/profile.pb-c.c
	$(AM_V_at)test -f $@ || { rm -f %D%/profile.pb-c.c && $(MAKE) $(AM_MAKEFLAGS) %D%/profile.pb-c.c; }
endif
EXTRA_DIST += %D%/profile.proto
