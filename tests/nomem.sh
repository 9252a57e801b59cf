#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Every allocation of reading and writing small traces fails, each in its turn.
exec "$top_builddir/test-nomem" "$top_srcdir"/testdata/fuzz/text/*.txt
