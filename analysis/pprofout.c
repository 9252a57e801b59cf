/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pprofout.c - a profile as gzip-compressed profile.proto.
 *
 * The message is built whole in memory: its size is that of the distinct stacks, not of the trace.  Everything that the message
 * points to hangs on the builder, which frees it in one place.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "analysis/grow.h"
#include "analysis/labels.h"
#include "analysis/profile.h"
#include "analysis/profile.pb-c.h"
#include "analysis/text.h"

/* Inlined frames of our own recordings have their depth above the address. */
#define PC_BITS 57

struct builder {
	const struct an_source *source;
	const struct an_names *names;
	Pprof__Profile profile;
	bool oom;
	size_t main;			/* the program among the modules */
	int64_t unknown;		/* the name of functions that have none */

	size_t strings_cap, functions_cap, locations_cap;
	struct an_map texts;		/* text id -> index in string_table */
	struct an_map function_ids;	/* func, file -> id */
	struct an_map location_ids;	/* the frame -> id */
	Pprof__ValueType value_types[3];
	Pprof__ValueType *sample_types[2];
};

/* One sample with all that hangs on it, in one allocation. */
struct sample {
	Pprof__Sample message;
	int64_t values[2];
	Pprof__Label labels[AN_LABEL_COUNT_];
	Pprof__Label *label_list[AN_LABEL_COUNT_];
	uint64_t locations[];
};

struct location {
	Pprof__Location message;
	Pprof__Line line;
	Pprof__Line *lines[1];
};

/* A copy that is UTF-8 without NULs, as profile readers demand. */
static char *clean_copy(const char *text, size_t len)
{
	char *copy = malloc(3 * len + 1), *to = copy;

	while (copy && len) {
		size_t n = an_text_utf8(text, len);

		if (n && *text) {
			memcpy(to, text, n);
			to += n;
		} else {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			n = 1;
		}
		text += n;
		len -= n;
	}
	if (copy)
		*to = '\0';
	return copy;
}

static int64_t put_string(struct builder *b, const char *text, size_t len)
{
	char **table = an_grow(b->profile.string_table, &b->strings_cap, b->profile.n_string_table + 1, sizeof(char *));
	char *copy = clean_copy(text, len);

	if (table)
		b->profile.string_table = table;
	if (!table || !copy) {
		free(copy);
		b->oom = true;
		return 0;
	}
	table[b->profile.n_string_table] = copy;
	return (int64_t)b->profile.n_string_table++;
}

static int64_t put_literal(struct builder *b, const char *text)
{
	size_t len = strlen(text);

	return len ? put_string(b, text, len) : 0;
}

static int64_t put_text(struct builder *b, an_text_id id)
{
	size_t len;
	const char *text = an_text(b->names, id, &len);
	bool added;
	uint64_t *index;

	if (!id)
		return 0;
	index = an_map_add(&b->texts, &(uint64_t){ id }, &added);
	if (!index) {
		b->oom = true;
		return 0;
	}
	if (added)
		*index = (uint64_t)put_string(b, text, len);
	return (int64_t)*index;
}

static uint64_t put_function(struct builder *b, const struct an_frame *frame)
{
	const uint64_t key[2] = { frame->func, frame->file };
	Pprof__Function **list, *function;
	bool added;
	uint64_t *id = an_map_add(&b->function_ids, key, &added);

	if (id && !added)
		return *id;
	list = an_grow(b->profile.function, &b->functions_cap, b->profile.n_function + 1, sizeof(function));
	function = malloc(sizeof(*function));
	if (list)
		b->profile.function = list;
	if (!id || !list || !function) {
		free(function);
		b->oom = true;
		return 0;
	}
	pprof__function__init(function);
	function->id = *id = b->profile.n_function + 1;
	function->name = function->system_name = frame->func ? put_text(b, frame->func) : b->unknown;
	function->filename = put_text(b, frame->file);
	list[b->profile.n_function++] = function;
	return function->id;
}

/*
 * The program itself among the modules, since a profile's first mapping stands for it: the one with the process's name, else
 * one that is no shared library.
 */
static size_t main_module(const struct an_notes *notes)
{
	size_t other = 0;

	for (size_t i = 0; i < notes->nmodules; i++) {
		const char *slash = strrchr(notes->modules[i].path, '/');
		const char *base = slash ? slash + 1 : notes->modules[i].path;

		/* The kernel's name for a process is cut to 15 bytes. */
		if (notes->process && strncmp(base, notes->process, 15) == 0)
			return i;
		if (!other && !strstr(base, ".so") && *base != '[')
			other = i;
	}
	return other;
}

/* Module ids: the program is 1, the others follow in their order. */
static uint64_t mapping_id(const struct builder *b, size_t module)
{
	return module == b->main ? 1 : module < b->main ? module + 2 : module + 1;
}

static uint64_t mapping_of(const struct builder *b, uint64_t address)
{
	const struct an_notes *notes = &b->source->notes;

	for (size_t i = 0; i < notes->nmodules; i++)
		if (address - notes->modules[i].base < notes->modules[i].size)
			return mapping_id(b, i);
	return notes->nmodules ? 0 : 1;
}

static uint64_t put_location(struct builder *b, const struct an_frame *frame)
{
	const uint64_t key[3] = { frame->pc, frame->line, (uint64_t)frame->func << 32 | frame->file };
	Pprof__Location **list;
	struct location *location;
	bool added;
	uint64_t *id = an_map_add(&b->location_ids, key, &added);

	if (id && !added)
		return *id;
	list = an_grow(b->profile.location, &b->locations_cap, b->profile.n_location + 1, sizeof(*list));
	location = calloc(1, sizeof(*location));
	if (list)
		b->profile.location = list;
	if (!id || !list || !location) {
		free(location);
		b->oom = true;
		return 0;
	}
	pprof__location__init(&location->message);
	pprof__line__init(&location->line);
	location->message.id = *id = b->profile.n_location + 1;
	location->message.address = b->source->notes.any ? frame->pc & ((UINT64_C(1) << PC_BITS) - 1) : frame->pc;
	location->message.mapping_id = mapping_of(b, location->message.address);
	location->line.function_id = put_function(b, frame);
	location->line.line = (int64_t)frame->line;
	location->lines[0] = &location->line;
	location->message.line = location->lines;
	location->message.n_line = 1;
	list[b->profile.n_location++] = &location->message;
	return location->message.id;
}

static void put_label(struct sample *sample, int64_t key, int64_t str, int64_t num)
{
	Pprof__Label *label = &sample->labels[sample->message.n_label];

	pprof__label__init(label);
	label->key = key;
	label->str = str;
	label->num = num;
	sample->label_list[sample->message.n_label++] = label;
}

/* Indices of what labels are called. */
struct label_keys {
	int64_t names[AN_LABEL_COUNT_];
	int64_t states[ETR_STATE_COUNT_];
};

static void put_labels(struct builder *b, struct sample *sample, const struct an_labels *labels, const struct label_keys *keys)
{
	sample->message.label = sample->label_list;
	if (labels->state < ETR_STATE_COUNT_)
		put_label(sample, keys->names[AN_LABEL_STATE], keys->states[labels->state], 0);
	if (labels->reason)
		put_label(sample, keys->names[AN_LABEL_REASON], put_text(b, labels->reason), 0);
	if (labels->task)
		put_label(sample, keys->names[AN_LABEL_TASK], put_text(b, labels->task), 0);
	if (labels->region)
		put_label(sample, keys->names[AN_LABEL_REGION], put_text(b, labels->region), 0);
	if (labels->goroutine >= 0)
		put_label(sample, keys->names[AN_LABEL_GOROUTINE], 0, labels->goroutine);
	if (labels->thread >= 0)
		put_label(sample, keys->names[AN_LABEL_THREAD], 0, labels->thread);
	if (labels->lock)
		put_label(sample, keys->names[AN_LABEL_LOCK], 0, (int64_t)labels->lock);
}

static void put_sample(struct builder *b, const struct an_sample *from, const struct label_keys *keys)
{
	size_t n;
	const struct an_frame *frames = an_stack(b->names, from->stack, &n);
	struct sample *sample = calloc(1, sizeof(*sample) + n * sizeof(uint64_t));

	if (!sample) {
		b->oom = true;
		return;
	}
	pprof__sample__init(&sample->message);
	for (size_t i = 0; i < n; i++)
		sample->locations[i] = put_location(b, &frames[i]);
	sample->message.location_id = sample->locations;
	sample->message.n_location_id = n;
	sample->values[0] = from->values.count;
	sample->values[1] = from->values.ns;
	sample->message.value = sample->values;
	sample->message.n_value = 2;
	put_labels(b, sample, &from->labels, keys);
	b->profile.sample[b->profile.n_sample++] = &sample->message;
}

static void put_samples(struct builder *b, const struct an_profile *profile)
{
	struct an_sample *sorted = NULL;
	struct label_keys keys;
	size_t n;

	for (int label = 0; label < AN_LABEL_COUNT_; label++)
		keys.names[label] = put_literal(b, an_label_name(label));
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		keys.states[s] = put_literal(b, etr_state_name(s));
	if (an_profile_sorted(profile, &sorted, &n) < 0 || !(b->profile.sample = calloc(n + 1, sizeof(void *)))) {
		free(sorted);
		b->oom = true;
		return;
	}
	for (size_t i = 0; i < n && !b->oom; i++)
		put_sample(b, &sorted[i], &keys);
	free(sorted);
}

/* A trace that tells of no modules: all addresses are in one, which needs no symbols. */
static void put_only_mapping(struct builder *b)
{
	Pprof__Mapping *mapping = malloc(sizeof(*mapping));

	if (!mapping) {
		b->oom = true;
		return;
	}
	pprof__mapping__init(mapping);
	mapping->id = 1;
	mapping->memory_limit = UINT64_MAX;
	mapping->has_functions = mapping->has_filenames = mapping->has_line_numbers = mapping->has_inline_frames = 1;
	b->profile.mapping[b->profile.n_mapping++] = mapping;
}

static void put_mappings(struct builder *b)
{
	const struct an_notes *notes = &b->source->notes;

	b->profile.mapping = calloc(notes->nmodules + 1, sizeof(void *));
	if (!b->profile.mapping) {
		b->oom = true;
		return;
	}
	if (!notes->nmodules) {
		put_only_mapping(b);
		return;
	}
	for (size_t i = 0; i < notes->nmodules; i++) {
		const struct an_module *module = &notes->modules[i];
		Pprof__Mapping *mapping = malloc(sizeof(*mapping));

		if (!mapping) {
			/* free_builder() frees what stands before n_mapping: gaps are NULL. */
			b->profile.n_mapping = notes->nmodules;
			b->oom = true;
			return;
		}
		pprof__mapping__init(mapping);
		mapping->id = mapping_id(b, i);
		mapping->memory_start = module->base;
		mapping->memory_limit = module->base + module->size;
		mapping->filename = put_literal(b, module->path);
		if (strcmp(module->build_id, "-") != 0)
			mapping->build_id = put_literal(b, module->build_id);
		mapping->has_functions = mapping->has_filenames = mapping->has_line_numbers = 1;
		mapping->has_inline_frames = 1;
		b->profile.mapping[mapping->id - 1] = mapping;
		b->profile.n_mapping++;
	}
}

static Pprof__ValueType *put_type(struct builder *b, int which, const char *type, const char *unit)
{
	Pprof__ValueType *value_type = &b->value_types[which];

	pprof__value_type__init(value_type);
	value_type->type = put_literal(b, type);
	value_type->unit = put_literal(b, unit);
	return value_type;
}

static void put_head(struct builder *b, const struct an_profile *profile, const struct an_profile_times *times)
{

	put_string(b, "", 0);
	b->sample_types[0] = put_type(b, 0, profile->count_type, "count");
	b->sample_types[1] = put_type(b, 1, profile->time_type, "nanoseconds");
	b->profile.sample_type = b->sample_types;
	b->profile.n_sample_type = 2;
	b->profile.period_type = profile->period_is_time ? put_type(b, 2, profile->time_type, "nanoseconds")
							 : put_type(b, 2, profile->count_type, "count");
	b->profile.period = profile->period;
	b->unknown = put_literal(b, "(unknown)");
	if (times->has_wall)
		b->profile.time_nanos = times->wall;
	b->profile.duration_nanos = times->duration;
}

static void free_builder(struct builder *b)
{
	for (size_t i = 0; i < b->profile.n_string_table; i++)
		free(b->profile.string_table[i]);
	for (size_t i = 0; i < b->profile.n_function; i++)
		free(b->profile.function[i]);
	/* A message is the first member of what it was allocated with. */
	for (size_t i = 0; i < b->profile.n_location; i++)
		free(b->profile.location[i]);
	for (size_t i = 0; i < b->profile.n_sample; i++)
		free(b->profile.sample[i]);
	for (size_t i = 0; i < b->profile.n_mapping; i++)
		free(b->profile.mapping[i]);
	free(b->profile.string_table);
	free(b->profile.function);
	free(b->profile.location);
	free(b->profile.sample);
	free(b->profile.mapping);
	an_map_free(&b->texts);
	an_map_free(&b->function_ids);
	an_map_free(&b->location_ids);
}

static int write_gzip(unsigned char *data, size_t size, FILE *out)
{
	unsigned char buf[65536];
	z_stream z = { 0 };
	int zrc;

	/* 16 more window bits ask for a gzip header. */
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ETR_E_NOMEM;
	do {
		size_t some = size > 1 << 30 ? 1 << 30 : size;

		z.next_in = data;
		z.avail_in = (uInt)some;
		data += some;
		size -= some;
		do {
			z.next_out = buf;
			z.avail_out = sizeof(buf);
			zrc = deflate(&z, size ? Z_NO_FLUSH : Z_FINISH);
			fwrite(buf, 1, sizeof(buf) - z.avail_out, out);
		} while (z.avail_out == 0);
	} while (size);
	deflateEnd(&z);
	return zrc == Z_STREAM_END && !ferror(out) ? 0 : -ETR_E_IO;
}

int an_profile_write(const struct an_profile *profile, const struct an_source *source, const struct an_profile_times *times,
		     FILE *out)
{
	struct builder b = { .source = source, .names = &source->names, .main = main_module(&source->notes) };
	unsigned char *packed = NULL;
	size_t size;
	int rc = -ETR_E_NOMEM;

	pprof__profile__init(&b.profile);
	an_map_init(&b.texts, 1, sizeof(uint64_t));
	an_map_init(&b.function_ids, 2, sizeof(uint64_t));
	an_map_init(&b.location_ids, 3, sizeof(uint64_t));
	put_head(&b, profile, times);
	put_mappings(&b);
	put_samples(&b, profile);
	size = b.oom ? 0 : pprof__profile__get_packed_size(&b.profile);
	if (!b.oom && (packed = malloc(size + 1))) {
		pprof__profile__pack(&b.profile, packed);
		rc = write_gzip(packed, size, out);
	}
	free(packed);
	free_builder(&b);
	return rc;
}
