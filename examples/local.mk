# Example programs.

# Not installed: run from the build folder.
if HAVE_RT
noinst_PROGRAMS += examples/pargrep
examples_pargrep_SOURCES = %D%/pargrep.c
examples_pargrep_LDADD = libexectrace-rt.la
# The program itself and no libtool script in its place: it is meant to be recorded.
examples_pargrep_LDFLAGS = $(AM_LDFLAGS) -no-install
endif
