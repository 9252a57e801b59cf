# The runtime library: the recorder's core with the scheduler as its host, and the preloaded recorder with pthreads as its host.
# A folder's local.mk adds its sources to these variables.
librt_tracer_sources =
librt_sched_sources =
librt_sync_sources =
librt_pthread_sources =
include librt/tracer/local.mk
include librt/sched/local.mk
include librt/sync/local.mk
include librt/pthread/local.mk

if HAVE_RT
noinst_LTLIBRARIES += libtracercore.la libruntimecore.la
libtracercore_la_SOURCES = $(librt_tracer_sources)
libtracercore_la_CFLAGS = $(AM_CFLAGS) $(DW_CFLAGS) $(ZSTD_CFLAGS)
libtracercore_la_LIBADD = libwire.la $(DW_LIBS) $(ZSTD_RT_LIBS)
libruntimecore_la_SOURCES = $(librt_sched_sources) $(librt_sync_sources)
libruntimecore_la_LIBADD = libtracercore.la

lib_LTLIBRARIES += libexectrace-rt.la
libexectrace_rt_la_SOURCES =
libexectrace_rt_la_LIBADD = libruntimecore.la
libexectrace_rt_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/librt/exectrace-rt.sym
EXTRA_libexectrace_rt_la_DEPENDENCIES = librt/exectrace-rt.sym
pkgconfig_DATA += librt/exectrace-rt.pc

# Loaded into programs that know nothing of it.
pkglib_LTLIBRARIES += exectrace-pthread.la
exectrace_pthread_la_SOURCES = $(librt_pthread_sources)
exectrace_pthread_la_LIBADD = libtracercore.la
exectrace_pthread_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-z,nodelete \
	-Wl,--version-script=$(top_srcdir)/librt/pthread/pthread.sym
EXTRA_exectrace_pthread_la_DEPENDENCIES = librt/pthread/pthread.sym
endif
EXTRA_DIST += librt/exectrace-rt.sym librt/pthread/pthread.sym
exectraceinclude_HEADERS += include/exectrace/rt.h
