librt_sync_sources += %D%/waitlist.h %D%/chan.h %D%/chan.c %D%/select.c %D%/mutex.c %D%/waitgroup.c
