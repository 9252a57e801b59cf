/* SPDX-License-Identifier: BSD-3-Clause
 *
 * header.h - the file header and the batch header.
 */
#ifndef WIRE_HEADER_H
#define WIRE_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "wire/event.h"
#include "wire/varint.h"

/* Room for any batch header: the type byte, for experiments their number, and four varints. */
#define WIRE_BATCH_HEADER_MAX (2 + 4 * WIRE_VARINT_MAX)

/* Writes the 16-byte file header of "go 1.MINOR trace" at p. */
void wire_put_file_header(uint8_t p[WIRE_HEADER_SIZE], unsigned minor);

/*
 * The minor Go version that a file header names, 1 to 99: 22, 23, 25 and 26 are this format, 24 was never released, and
 * anything below 22 is the older format.  -1 when these bytes are no trace header.
 */
int wire_get_file_header(const uint8_t p[WIRE_HEADER_SIZE]);

/* Writes an ordinary batch's header; returns the first byte behind it.  p has room for WIRE_BATCH_HEADER_MAX bytes. */
uint8_t *wire_put_batch_header(uint8_t *p, uint64_t gen, uint64_t m, uint64_t time, size_t size);

#endif
