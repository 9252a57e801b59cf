# The format: no allocation, no I/O.  Linked into both libraries.
noinst_LTLIBRARIES += libwire.la
libwire_la_SOURCES = \
	%D%/event.c %D%/event.h %D%/events.def \
	%D%/header.c %D%/header.h \
	%D%/seektable.h \
	%D%/varint.h
