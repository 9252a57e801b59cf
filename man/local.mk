# Manual pages, in mdoc.
dist_man_MANS += %D%/trace-record.1
