/* SPDX-License-Identifier: BSD-3-Clause
 *
 * header.c - the file header and the batch header.
 */
#include "wire/header.h"

#include <string.h>

/* Two digits of a version stand between these. */
static const char head[] = "go 1.";
static const char tail[] = " trace\0\0\0";

void wire_put_file_header(uint8_t p[WIRE_HEADER_SIZE], unsigned minor)
{
	memcpy(p, head, 5);
	p[5] = (uint8_t)('0' + minor / 10 % 10);
	p[6] = (uint8_t)('0' + minor % 10);
	memcpy(p + 7, tail, 9);
}

int wire_get_file_header(const uint8_t p[WIRE_HEADER_SIZE])
{
	if (memcmp(p, head, 5) != 0)
		return -1;
	/* Go 1.5 to 1.9 wrote one digit and one zero byte more. */
	if (p[5] >= '1' && p[5] <= '9' && memcmp(p + 6, tail, 9) == 0 && p[15] == 0)
		return p[5] - '0';
	if (p[5] < '1' || p[5] > '9' || p[6] < '0' || p[6] > '9' || memcmp(p + 7, tail, 9) != 0)
		return -1;
	return (p[5] - '0') * 10 + (p[6] - '0');
}

uint8_t *wire_put_batch_header(uint8_t *p, uint64_t gen, uint64_t m, uint64_t time, size_t size)
{
	*p++ = WIRE_EVENT_BATCH;
	p = wire_put_varint(p, gen);
	p = wire_put_varint(p, m);
	p = wire_put_varint(p, time);
	return wire_put_varint(p, size);
}
