# Bash completion, one file under the name of each command: bash-completion loads it by the command's name.
EXTRA_DIST += %D%/exectrace.bash

if WITH_BASH_COMPLETION
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) '$(top_srcdir)/completions/exectrace.bash' '$(DESTDIR)$(bashcompletiondir)/trace-record'
	for c in $(bin_PROGRAMS); do test $$c = trace-record || ln -sf trace-record '$(DESTDIR)$(bashcompletiondir)'/$$c; done

uninstall-local:
	for c in $(bin_PROGRAMS); do rm -f '$(DESTDIR)$(bashcompletiondir)'/$$c; done
endif
