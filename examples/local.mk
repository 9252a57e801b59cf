# Example programs.

# Not installed: run from the build folder.
if HAVE_RT
noinst_PROGRAMS += examples/pargrep
examples_pargrep_SOURCES = %D%/pargrep.c
examples_pargrep_LDADD = libexectrace-rt.la
endif
