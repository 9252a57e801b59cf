# The parser.  libtracecore.la is everything, for the unit tests; libexectrace.la exports what exectrace.sym lists.
noinst_LTLIBRARIES += libtracecore.la
libtracecore_la_SOURCES = \
	%D%/batchscan.c %D%/batchscan.h \
	%D%/ahead.c %D%/ahead.h \
	%D%/error.c \
	%D%/eventlog.c %D%/eventlog.h \
	%D%/fastbits.h %D%/fastloop.h %D%/fastout.h %D%/fastrule.h %D%/faststage.h \
	%D%/extents.c %D%/extents.h \
	%D%/fault.c %D%/fault.h \
	%D%/frontier.c %D%/frontier.h \
	%D%/genarena.c %D%/genarena.h \
	%D%/generation.c %D%/generation.h \
	%D%/gentables.c %D%/gentables.h \
	%D%/genverify.c %D%/genverify.h \
	%D%/goquote.c %D%/goquote.h \
	%D%/gosort.c %D%/gosort.h \
	%D%/granges.c %D%/granges.h \
	%D%/growth.h \
	%D%/guess.c %D%/guess.h %D%/guesscheck.c \
	%D%/gtable.c %D%/gtable.h \
	%D%/idhash.c %D%/idhash.h \
	%D%/input.c %D%/input.h \
	%D%/mend.c \
	%D%/model.c %D%/model.h \
	%D%/notrace.c %D%/notrace.h \
	%D%/order.c %D%/order.h \
	%D%/orderfast.c %D%/orderrun.c \
	%D%/order-go.c %D%/order-proc.c %D%/order-range.c %D%/order-user.c \
	%D%/rawreader.c %D%/rawtext.c \
	%D%/reader.c %D%/readerimpl.h \
	%D%/readerquery.c \
	%D%/seek.c %D%/staged.c %D%/staged.h \
	%D%/tracewriter.c %D%/tracewriter.h %D%/writertables.c \
	%D%/unzip.h
if WITH_ZSTD
libtracecore_la_SOURCES += %D%/unzip.c %D%/compressor.c
else
libtracecore_la_SOURCES += %D%/unzip-none.c %D%/compressor-none.c
endif
libtracecore_la_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
libtracecore_la_LIBADD = libwire.la $(ZSTD_LIBS)

lib_LTLIBRARIES += libexectrace.la
libexectrace_la_SOURCES =
libexectrace_la_LIBADD = libtracecore.la
libexectrace_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/%D%/exectrace.sym
EXTRA_libexectrace_la_DEPENDENCIES = %D%/exectrace.sym
EXTRA_DIST += %D%/exectrace.sym

exectraceinclude_HEADERS += \
	include/exectrace/error.h include/exectrace/reader.h include/exectrace/raw.h include/exectrace/writer.h
pkgconfig_DATA += %D%/exectrace.pc
