librt_tracer_sources += %D%/placeholder.c
