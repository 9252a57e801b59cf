librt_sched_sources += \
	%D%/gmp.h %D%/context.h %D%/futex.h %D%/stack.h \
	%D%/switch.S %D%/context.c %D%/futex.c %D%/stack.c \
	%D%/mself.c %D%/m.c %D%/g.c %D%/runq.c %D%/proc.c %D%/timer.c %D%/syscall.c %D%/monitor.c %D%/startstop.c %D%/die.c \
	%D%/tracehost.c %D%/annotate.c
