/* SPDX-License-Identifier: BSD-3-Clause
 *
 * error.c - names of the error codes.
 */
#include <exectrace/error.h>

const char *etr_strerror(int code)
{
	switch (code < 0 ? -code : code) {
	case 0:
		return "no error";
	case ETR_E_INVALID:
		return "invalid call";
	case ETR_E_NOMEM:
		return "out of memory";
	case ETR_E_IO:
		return "input or output failed";
	case ETR_E_AGAIN:
		return "nothing new yet";
	case ETR_E_EMPTY:
		return "empty";
	case ETR_E_FORMAT:
		return "not an execution trace";
	case ETR_E_VERSION:
		return "unsupported trace version";
	case ETR_E_TRUNCATED:
		return "truncated";
	case ETR_E_COMPRESSION:
		return "compressed data cannot be read";
	case ETR_E_BATCH:
		return "malformed batch";
	case ETR_E_TABLE:
		return "malformed table";
	case ETR_E_EVENT:
		return "malformed event";
	case ETR_E_ORDER:
		return "inconsistent order";
	case ETR_E_SYNTAX:
		return "malformed text";
	}
	return "unknown error";
}
