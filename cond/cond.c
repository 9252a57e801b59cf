/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cond.c - parses conditions by recursive descent into postfix order, and evaluates them with a stack of bits.
 *
 * There are at most COND_MAX_NODES nodes, so at most as many values wait at once: they fit in a word.  Nesting is bounded by the
 * same number, so hostile text cannot exhaust the stack.
 */
#include "cond/cond.h"

#include <string.h>

#include "cond/duration.h"

enum { OP_TERM, OP_NOT, OP_AND, OP_OR };
enum { COMPARE_ANY, COMPARE_GREATER, COMPARE_NOT_LESS, COMPARE_LESS, COMPARE_NOT_GREATER, COMPARE_EQUAL };

struct parser {
	struct cond *cond;
	const char *start, *p;
	unsigned depth;
	struct cond_error *error;
};

static int fail(struct parser *ps, const char *message)
{
	ps->error->column = (size_t)(ps->p - ps->start) + 1;
	ps->error->message = message;
	return -1;
}

static void skip_space(struct parser *ps)
{
	while (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\n' || *ps->p == '\r')
		ps->p++;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool take_symbol(struct parser *ps, const char *symbol)
{
	size_t len = strlen(symbol);

	skip_space(ps);
	if (strncmp(ps->p, symbol, len) != 0)
		return false;
	ps->p += len;
	return true;
}

static bool take_word(struct parser *ps, const char *word)
{
	size_t len = strlen(word);

	skip_space(ps);
	if (strncmp(ps->p, word, len) != 0 || is_word(ps->p[len]))
		return false;
	ps->p += len;
	return true;
}

static struct cond_node *add_node(struct parser *ps, uint8_t op)
{
	struct cond_node *node;

	if (ps->cond->n == COND_MAX_NODES) {
		fail(ps, "the condition is too long");
		return NULL;
	}
	node = &ps->cond->nodes[ps->cond->n++];
	*node = (struct cond_node){ .op = op };
	return node;
}

static int add_char(struct parser *ps, struct cond_node *node, char c)
{
	if (ps->cond->names_used == COND_MAX_NAMES)
		return fail(ps, "the names are too long");
	ps->cond->names[ps->cond->names_used++] = c;
	node->name_len++;
	return 0;
}

/* Behind the opening quote. */
static int parse_quoted(struct parser *ps, struct cond_node *node)
{
	for (; *ps->p && *ps->p != '"'; ps->p++) {
		if (*ps->p == '\\' && (ps->p[1] == '"' || ps->p[1] == '\\'))
			ps->p++;
		if (add_char(ps, node, *ps->p) != 0)
			return -1;
	}
	if (*ps->p != '"')
		return fail(ps, "a closing \" is missing");
	ps->p++;
	return 0;
}

/* Up to the closing parenthesis; those inside come in pairs. */
static int parse_bare(struct parser *ps, struct cond_node *node)
{
	unsigned open = 0;

	for (; *ps->p && (open || *ps->p != ')'); ps->p++) {
		open += *ps->p == '(';
		open -= *ps->p == ')';
		if (add_char(ps, node, *ps->p) != 0)
			return -1;
	}
	while (node->name_len && strchr(" \t\r\n", ps->cond->names[ps->cond->names_used - 1])) {
		ps->cond->names_used--;
		node->name_len--;
	}
	return 0;
}

static int parse_name(struct parser *ps, struct cond_node *node)
{
	int rc;

	node->name = (uint16_t)ps->cond->names_used;
	skip_space(ps);
	if (*ps->p == '"') {
		ps->p++;
		rc = parse_quoted(ps, node);
	} else {
		rc = parse_bare(ps, node);
	}
	if (rc != 0)
		return rc;
	if (node->name_len == 0)
		return fail(ps, "a name is missing");
	return take_symbol(ps, ")") ? 0 : fail(ps, "a closing parenthesis is missing");
}

static int parse_comparison(struct parser *ps, struct cond_node *node)
{
	static const struct {
		const char *symbol;
		uint8_t compare;
	} symbols[] = { { ">=", COMPARE_NOT_LESS }, { "<=", COMPARE_NOT_GREATER }, { ">", COMPARE_GREATER },
			{ "<", COMPARE_LESS }, { "==", COMPARE_EQUAL }, { "=", COMPARE_EQUAL } };

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		if (!take_symbol(ps, symbols[i].symbol))
			continue;
		node->compare = symbols[i].compare;
		skip_space(ps);
		if (!duration_take(&ps->p, &node->ns) || is_word(*ps->p))
			return fail(ps, "a duration such as 50ms is expected");
		return 0;
	}
	return 0;
}

static const struct {
	const char *word;
	uint8_t kind;
	bool has_name;
	const char *name;		/* what it stands for */
} kinds[] = {
	{ "running", COND_RUNNING, true, NULL }, { "runnable", COND_RUNNABLE, true, NULL },
	{ "waiting", COND_WAITING, true, NULL }, { "blocked", COND_WAITING, true, NULL },
	{ "syscall", COND_SYSCALL, false, NULL }, { "region", COND_REGION, true, NULL },
	{ "task", COND_TASK, true, NULL }, { "range", COND_RANGE, true, NULL },
	{ "stw", COND_RANGE, false, "stop-the-world*" }, { "gc", COND_RANGE, false, "GC concurrent mark phase" },
};

static int parse_term(struct parser *ps)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct cond_node *node;

		if (!take_word(ps, kinds[i].word))
			continue;
		node = add_node(ps, OP_TERM);
		if (!node)
			return -1;
		node->kind = kinds[i].kind;
		node->name = (uint16_t)ps->cond->names_used;
		for (const char *c = kinds[i].name; c && *c; c++)
			if (add_char(ps, node, *c) != 0)
				return -1;
		if (take_symbol(ps, "(")) {
			if (!kinds[i].has_name)
				return fail(ps, "this takes no name");
			if (parse_name(ps, node) != 0)
				return -1;
		}
		return parse_comparison(ps, node);
	}
	return fail(ps, *ps->p ? "running, runnable, waiting, blocked, syscall, region, task, range, stw or gc is expected" :
				 "the condition ends too early");
}

static int parse_any(struct parser *ps);

static int parse_one(struct parser *ps)
{
	int rc;

	if (++ps->depth > COND_MAX_NODES)
		return fail(ps, "too many parentheses");
	if (take_word(ps, "not") || take_symbol(ps, "!")) {
		rc = parse_one(ps);
		if (rc == 0 && !add_node(ps, OP_NOT))
			rc = -1;
	} else if (take_symbol(ps, "(")) {
		rc = parse_any(ps);
		if (rc == 0 && !take_symbol(ps, ")"))
			rc = fail(ps, "a closing parenthesis is missing");
	} else {
		rc = parse_term(ps);
	}
	ps->depth--;
	return rc;
}

static int parse_all(struct parser *ps)
{
	if (parse_one(ps) != 0)
		return -1;
	while (take_word(ps, "and") || take_symbol(ps, "&&"))
		if (parse_one(ps) != 0 || !add_node(ps, OP_AND))
			return -1;
	return 0;
}

static int parse_any(struct parser *ps)
{
	if (parse_all(ps) != 0)
		return -1;
	while (take_word(ps, "or") || take_symbol(ps, "||"))
		if (parse_all(ps) != 0 || !add_node(ps, OP_OR))
			return -1;
	return 0;
}

int cond_parse(struct cond *cond, const char *text, struct cond_error *error)
{
	struct parser ps = { .cond = cond, .start = text, .p = text, .error = error };

	memset(cond, 0, sizeof(*cond));
	if (parse_any(&ps) != 0)
		return -1;
	skip_space(&ps);
	return *ps.p ? fail(&ps, "\"and\", \"or\" or the end is expected") : 0;
}

/* Whether text matches pattern as a whole.  Goes back to the last star only: time is at most the product of the lengths. */
static bool glob(const char *pattern, size_t np, const char *text, size_t nt)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < nt) {
		if (p < np && pattern[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < np && (pattern[p] == '?' || pattern[p] == text[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < np && pattern[p] == '*')
		p++;
	return p == np;
}

static bool name_matches(const struct cond *cond, const struct cond_node *node, const struct cond_interval *interval)
{
	const char *name = cond->names + node->name;

	if (!node->name_len)
		return true;
	if (node->kind >= COND_REGION)
		return glob(name, node->name_len, interval->name, interval->name_len);
	return interval->name_len && memmem(interval->name, interval->name_len, name, node->name_len);
}

static bool term_matches(const struct cond *cond, const struct cond_node *node, const struct cond_interval *interval)
{
	bool right[] = {
		[COMPARE_ANY] = true,
		[COMPARE_GREATER] = interval->ns > node->ns,
		[COMPARE_NOT_LESS] = interval->ns >= node->ns,
		[COMPARE_LESS] = interval->ns < node->ns,
		[COMPARE_NOT_GREATER] = interval->ns <= node->ns,
		[COMPARE_EQUAL] = interval->ns == node->ns,
	};

	return node->kind == interval->kind && right[node->compare] && name_matches(cond, node, interval);
}

bool cond_matches(const struct cond *cond, const struct cond_interval *interval)
{
	uint64_t values = 0;		/* the one pushed last is bit 0 */

	for (unsigned i = 0; i < cond->n; i++) {
		const struct cond_node *node = &cond->nodes[i];

		switch (node->op) {
		case OP_TERM:
			values = values << 1 | term_matches(cond, node, interval);
			break;
		case OP_NOT:
			values ^= 1;
			break;
		case OP_AND:
			values = (values >> 1 & ~UINT64_C(1)) | (values >> 1 & values & 1);
			break;
		default:
			values = values >> 1 | (values & 1);
		}
	}
	return values & 1;
}

unsigned cond_kinds(const struct cond *cond)
{
	unsigned kinds_of_terms = 0;

	for (unsigned i = 0; i < cond->n; i++) {
		/* What it is not, may be anything. */
		if (cond->nodes[i].op == OP_NOT)
			return (1u << COND_KIND_COUNT_) - 1;
		if (cond->nodes[i].op == OP_TERM)
			kinds_of_terms |= 1u << cond->nodes[i].kind;
	}
	return kinds_of_terms;
}
