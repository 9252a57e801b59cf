librt_tracer_sources += \
	%D%/encode.c %D%/encode.h \
	%D%/chunk.c %D%/chunk.h \
	%D%/cfirows.c %D%/cfirows.h \
	%D%/cfistate.c %D%/cfistate.h \
	%D%/clock.c %D%/clock.h \
	%D%/dwarflines.c %D%/elfsyms.c %D%/modules.c %D%/modules.h \
	%D%/core.h \
	%D%/emit.c %D%/emit.h %D%/emituser.c \
	%D%/environ.c %D%/environ.h \
	%D%/fatal.c %D%/fatal.h \
	%D%/member.c \
	%D%/notes.c %D%/notes.h \
	%D%/output.c \
	%D%/sampler.c %D%/sampler.h \
	%D%/session.c \
	%D%/sink.c %D%/sink.h \
	%D%/stream.c \
	%D%/symbols.c %D%/symbols.h \
	%D%/sys.c %D%/sys.h \
	%D%/tables.c %D%/tables.h \
	%D%/tracer.h \
	%D%/unwind.c %D%/unwind.h \
	%D%/unwindmap.c %D%/unwindmap.h \
	%D%/writerthread.c %D%/writerthread.h \
	%D%/zframes.h
if WITH_ZSTD
librt_tracer_sources += %D%/zframes.c
else
librt_tracer_sources += %D%/zframes-none.c
endif
