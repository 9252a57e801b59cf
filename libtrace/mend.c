/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mend.c - makes a compressed recording that was cut off anywhere whole again.
 */
#include <exectrace/raw.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libtrace/growth.h"
#include "libtrace/input.h"
#include "libtrace/unzip.h"
#include "wire/seektable.h"

#define PIECE ((size_t)128 * 1024)

struct mending {
	struct etr__input in;
	struct etr__zframe *ends;	/* of the frames that are whole */
	size_t n, cap;
	uint8_t buf[PIECE];
};

/* Unpacks the frames and notes where they end.  0 at the end, whatever it is like, or a negative code. */
static int find_frames(struct mending *m)
{
	struct etr__unzip *z = m->in.unzip;
	uint64_t out = 0;
	ssize_t n;

	while ((n = etr__unzip_read(z, &m->in, m->buf, sizeof(m->buf))) > 0) {
		out += (uint64_t)n;
		if (etr__unzip_is_in_frame(z))
			continue;
		if (etr__grow(&m->ends, &m->cap, m->n + 1) != 0)
			return -ETR_E_NOMEM;
		m->ends[m->n++] = (struct etr__zframe){ etr__unzip_raw_offset(z), out };
	}
	if (n < 0 && errno == ENOMEM)
		return -ETR_E_NOMEM;
	return n < 0 && errno != EBADMSG ? -ETR_E_IO : 0;
}

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -ETR_E_IO;
		p += done;
		n -= (size_t)done;
		off += (uint64_t)done;
	}
	return 0;
}

/* Cuts the file behind the last whole frame and writes the table there. */
static int write_table(struct mending *m, int fd, struct etr_mend *mend)
{
	size_t size = WIRE_SEEK_HEADER_SIZE + m->n * WIRE_SEEK_ENTRY_SIZE + WIRE_SEEK_FOOTER_SIZE;
	uint64_t end = m->ends[m->n - 1].raw;
	struct etr__zframe last = { 0, 0 };
	uint8_t *table = malloc(size), *p;
	int rc;

	if (!table)
		return -ETR_E_NOMEM;
	p = wire_put_seek_header(table, (uint32_t)m->n);
	for (size_t i = 0; i < m->n; i++) {
		uint64_t raw = m->ends[i].raw - last.raw, out = m->ends[i].out - last.out;

		/* A table that cannot tell it is none. */
		if (raw > UINT32_MAX || out > UINT32_MAX)
			size = 0;
		p = wire_put_seek_entry(p, (uint32_t)raw, (uint32_t)out);
		last = m->ends[i];
	}
	wire_put_seek_footer(p, (uint32_t)m->n);
	mend->cut = mend->size - end;
	rc = ftruncate(fd, (off_t)end) == 0 ? write_all(fd, table, size, end) : -ETR_E_IO;
	mend->size = end + size;
	mend->mended = 1;
	free(table);
	return rc;
}

int etr_compressed_mend(int fd, struct etr_mend *mend)
{
	struct mending *m = malloc(sizeof(*m));
	size_t n;
	int rc = 0;

	memset(mend, 0, sizeof(*mend));
	if (!m)
		return -ETR_E_NOMEM;
	m->ends = NULL;
	m->n = m->cap = 0;
	etr__input_init(&m->in);
	if (etr__input_open_fd(&m->in, fd) != 0 || !etr__input_raw_size(&m->in, &mend->size) || etr__input_detect(&m->in) != 0) {
		rc = errno == ENOMEM ? -ETR_E_NOMEM : -ETR_E_IO;
	} else if (m->in.unzip && m->in.raw == ETR__INPUT_PREAD) {
		mend->compressed = 1;
		if (!etr__unzip_frames(m->in.unzip, &m->in, &n))
			rc = find_frames(m);
		if (rc == 0 && m->n && m->n <= WIRE_SEEK_MAX_FRAMES)
			rc = write_table(m, fd, mend);
	}
	etr__input_close(&m->in);
	free(m->ends);
	free(m);
	return rc;
}
