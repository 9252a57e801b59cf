// SPDX-License-Identifier: BSD-3-Clause
//
// headers.cc - the public headers of the parser are good C++, and each stands alone.
#include <exectrace/writer.h>
#include <exectrace/raw.h>
#include <exectrace/reader.h>
#include <exectrace/error.h>

int main()
{
	etr_reader *r = etr_reader_new();
	etr_event ev;
	int rc = r ? etr_reader_open_memory(r, "go 1.26 trace\0\0", 16) : -ETR_E_NOMEM;

	while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1)
		;
	etr_reader_free(r);
	return rc == 0 ? 0 : 1;
}
