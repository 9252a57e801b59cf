# The parser.  libtracecore.la is everything, for the unit tests; libexectrace.la exports what exectrace.sym lists.
noinst_LTLIBRARIES += libtracecore.la
libtracecore_la_SOURCES = \
	%D%/error.c
libtracecore_la_LIBADD = libwire.la

lib_LTLIBRARIES += libexectrace.la
libexectrace_la_SOURCES =
libexectrace_la_LIBADD = libtracecore.la
libexectrace_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/%D%/exectrace.sym
EXTRA_libexectrace_la_DEPENDENCIES = %D%/exectrace.sym
EXTRA_DIST += %D%/exectrace.sym

exectraceinclude_HEADERS += \
	include/exectrace/error.h include/exectrace/reader.h include/exectrace/raw.h include/exectrace/writer.h
pkgconfig_DATA += %D%/exectrace.pc
