# The commands, one file each; libcommand.la is what they share.
noinst_LTLIBRARIES += libcommand.la
libcommand_la_SOURCES = %D%/command.c %D%/command.h
libcommand_la_LIBADD = libexectrace.la
