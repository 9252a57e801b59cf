# Manual pages, in mdoc.
dist_man_MANS += %D%/trace-record.1
dist_man_MANS += %D%/trace-stat.1 %D%/trace-cut.1 %D%/exectrace.5 %D%/exectrace-filter.7
if WITH_PROFILE
dist_man_MANS += %D%/trace-pprof.1
endif
dist_man_MANS += %D%/trace-print.1
dist_man_MANS += %D%/etr_compressor_new.3 %D%/etr_raw_reader_new.3 %D%/etr_reader_detail.3 %D%/etr_reader_new.3 %D%/etr_reader_next.3 \
	%D%/etr_reader_seek_time.3 \
	%D%/etr_reader_string.3 %D%/etr_wire_name.3 %D%/etr_writer_new.3
if HAVE_RT
dist_man_MANS += %D%/exrt_chan_new.3 %D%/exrt_mutex_lock.3 %D%/exrt_run.3 %D%/exrt_syscall_begin.3 %D%/exrt_trace_start.3
endif

# Each function has a page of its own name, which leads to the one that tells of it.
each_other_function = for page in $(dist_man_MANS); do \
		case $$page in *.3) ;; *) continue ;; esac; \
		for name in `sed -n '/^\.Nd/q; s/^\.Nm \([a-z_0-9]*\).*/\1/p' $(srcdir)/$$page`; do \
			file=$(DESTDIR)$(man3dir)/$$name.3; \
			[ "man/$$name.3" = "$$page" ] ||
install-data-hook:
	$(each_other_function) echo ".so man3/`basename $$page`" >"$$file" || exit 1; done; done
uninstall-hook:
	$(each_other_function) rm -f "$$file"; done; done
