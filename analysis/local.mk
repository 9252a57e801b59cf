# What the commands compute.
noinst_LTLIBRARIES += libanalysis.la
libanalysis_la_SOURCES = analysis/placeholder.c
libanalysis_la_LIBADD = libexectrace.la
