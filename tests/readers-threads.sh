#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# readers-threads.sh - readers of recorded traces in threads side by side get what each gets alone.
exec "$top_builddir/readers-threads" "$top_srcdir"/testdata/go/12[2356]-[lsu]*.trace
