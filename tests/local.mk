# Unit tests (Check) link the core libraries; command tests are scripts.

# A script test is distributed and run from the source folder.
script_tests = \
	%D%/arrows.sh
dist_check_SCRIPTS += $(script_tests)
TESTS += $(script_tests)
EXTRA_DIST += %D%/aarch64.sh %D%/interop/viewer/main.go
