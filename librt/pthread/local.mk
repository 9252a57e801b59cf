librt_pthread_sources += \
	%D%/hookbarrier.c \
	%D%/hookc11.c \
	%D%/hookcond.c \
	%D%/hookexit.c \
	%D%/hookio.c \
	%D%/hookmain.c \
	%D%/hookmutex.c \
	%D%/hookrwlock.c \
	%D%/hooksignal.c \
	%D%/hookthread.c \
	%D%/ptbarrier.c \
	%D%/pthost.c \
	%D%/pthost.h \
	%D%/ptreal.c \
	%D%/ptreal.h \
	%D%/ptroot.S \
	%D%/ptslot.c \
	%D%/ptstate.c \
	%D%/ptthread.c \
	%D%/ptwait.c
