/* SPDX-License-Identifier: BSD-3-Clause
 *
 * replay.c - runs a fuzz target over the files of a corpus, without libFuzzer.
 *
 *     fuzz-reader [-m ROUNDS] FILE|FOLDER...
 *
 * Files of a folder are those right in it.  With -m each is also changed ROUNDS times by the target's own mutator, so that the
 * tests go a little beyond the corpus; the changes are the same in every run.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define MAX_SIZE ((size_t)1 << 20)

static unsigned long rounds, runs;
static uint8_t *data, *changed;
static uint64_t rng = 88172645463325252u;

/* What targets without a mutator use; also the byte-wise part of those that have one. */
size_t LLVMFuzzerMutate(uint8_t *p, size_t size, size_t max)
{
	size_t at, n;

	rng = rng * 6364136223846793005u + 1442695040888963407u;
	if (size == 0)
		return size;
	at = (size_t)(rng >> 33) % size;
	switch ((rng >> 29) % 4) {
	case 0:
		p[at] = (uint8_t)(rng >> 20);
		return size;
	case 1:
		p[at] ^= (uint8_t)(1 << ((rng >> 20) % 8));
		return size;
	case 2:
		memmove(p + at, p + at + 1, size - at - 1);
		return size - 1;
	}
	n = size - at < max - size ? size - at : max - size;
	n = n < 16 ? n : 16;
	memmove(p + at + n, p + at, size - at);
	return size + n;
}

/* The input stands in an allocation of its own size, for the sanitizers to see what reads beyond it. */
static void run(const uint8_t *p, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	FUZZ_CHECK(exact);
	memcpy(exact, p, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	runs++;
}

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, MAX_SIZE, f);
	fclose(f);
	run(data, size);
	for (unsigned long i = 0; i < rounds; i++) {
		memcpy(changed, data, size);
		run(changed, LLVMFuzzerCustomMutator(changed, size, MAX_SIZE, (unsigned)i + 1));
	}
}

static void replay(const char *path)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	dir = opendir(path);
	if (!dir) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir))) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			replay_file(name);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "-m") == 0) {
		rounds = strtoul(argv[2], NULL, 10);
		first = 3;
	}
	data = malloc(MAX_SIZE);
	changed = malloc(MAX_SIZE);
	FUZZ_CHECK(data && changed);
	for (int i = first; i < argc; i++)
		replay(argv[i]);
	printf("%lu runs\n", runs);
	free(data);
	free(changed);
	return 0;
}
