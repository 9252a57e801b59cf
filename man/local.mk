# Manual pages, in mdoc.
dist_man_MANS += %D%/trace-record.1
dist_man_MANS += %D%/trace-stat.1 %D%/trace-cut.1 %D%/exectrace.5 %D%/exectrace-filter.7
if WITH_PROFILE
dist_man_MANS += %D%/trace-pprof.1
endif
dist_man_MANS += %D%/trace-print.1
