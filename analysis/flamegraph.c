/* SPDX-License-Identifier: BSD-3-Clause
 *
 * flamegraph.c - a call tree as a picture.
 *
 * Each call is an <svg> of its own, as wide as its share of the whole, in percent, so that the picture fits any window and texts
 * are cut off at the edge of their box.  Without the script that stands at the end it is a picture with titles to hover over;
 * the script adds zoom and search.  All text of the trace is escaped; the script takes it from the titles.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calltree.h"
#include "analysis/text.h"

#define ROW    18	/* pixels */
#define HEAD   44
#define FOOT   30

/* Narrower boxes, in percent of the whole, are left out. */
#define NARROW 0.01

static const char style[] =
	"text{font:12px Verdana,sans-serif;fill:#111}"
	".h{font-size:15px}.d{fill:#555}"
	".f{cursor:pointer}.f rect{stroke:#fff;stroke-width:.7}.f:hover rect{stroke:#000}"
	".f.o rect{opacity:.45}.f.m rect{fill:#d0f}.f.m text{fill:#fff}"
	"#u,#s{cursor:pointer;fill:#03c}#u{visibility:hidden}"
	"input{font:12px Verdana,sans-serif;width:100%;box-sizing:border-box}";

/*
 * Zoom: the box that was clicked gets the whole width, those above it too, but pale; what lies beside them is hidden.  Search: boxes
 * whose name matches are coloured, and the widths of the uppermost of them are added up.
 */
static const char script[] =
	"(function(){\n"
	"var fs=[].slice.call(document.querySelectorAll('svg.f')).map(function(e){return{e:e,x:parseFloat(e.getAttribute('x')),"
	"w:parseFloat(e.getAttribute('width')),y:+e.getAttribute('y'),t:e.querySelector('title').textContent}});\n"
	"var info=document.getElementById('i'),found=document.getElementById('n'),back=document.getElementById('u'),"
	"box=document.getElementById('q');\n"
	"var eps=1e-6,rest=info.textContent;\n"
	"function zoom(z){\n"
	" fs.forEach(function(f){\n"
	"  var in_=f.y>=z.y&&f.x>=z.x-eps&&f.x+f.w<=z.x+z.w+eps;\n"
	"  var over=f.y<z.y&&f.x<=z.x+eps&&f.x+f.w>=z.x+z.w-eps;\n"
	"  f.e.style.display=in_||over?'':'none';\n"
	"  f.e.classList.toggle('o',over);\n"
	"  f.e.setAttribute('x',over?'0%':(f.x-z.x)/z.w*100+'%');\n"
	"  f.e.setAttribute('width',over?'100%':f.w/z.w*100+'%');\n"
	" });\n"
	" back.style.visibility=z.w<100-eps?'visible':'hidden';\n"
	"}\n"
	"function search(text){\n"
	" var re=null,sum=0,last={};\n"
	" if(text)try{re=new RegExp(text,'i')}catch(e){found.textContent='no regular expression';return}\n"
	" fs.forEach(function(f){\n"
	"  var m=re&&re.test(f.t.split('\\n')[0]);\n"
	"  f.e.classList.toggle('m',!!m);\n"
	"  if(m&&!(last.w&&f.x>=last.x-eps&&f.x+f.w<=last.x+last.w+eps)){sum+=f.w;last=f}\n"
	" });\n"
	" found.textContent=re?'found: '+sum.toFixed(1)+'%':'';\n"
	"}\n"
	"fs.forEach(function(f){\n"
	" f.e.addEventListener('click',function(){zoom(f)});\n"
	" f.e.addEventListener('mouseover',function(){info.textContent=f.t.replace(/\\n/g,'  ')});\n"
	" f.e.addEventListener('mouseout',function(){info.textContent=rest});\n"
	"});\n"
	"back.addEventListener('click',function(){zoom({x:0,w:100,y:-1})});\n"
	"box.addEventListener('input',function(){search(box.value)});\n"
	"document.addEventListener('keydown',function(e){\n"
	" if(e.key==='/'&&document.activeElement!==box){box.focus();e.preventDefault()}\n"
	" if(e.key==='Escape'){zoom({x:0,w:100,y:-1});box.value='';search('')}\n"
	"});\n"
	"})();\n";

static void print_xml(const char *text, size_t len, FILE *out)
{
	while (len) {
		size_t n = an_text_utf8(text, len);

		if (n == 1 && *text == '<')
			fputs("&lt;", out);
		else if (n == 1 && *text == '>')
			fputs("&gt;", out);
		else if (n == 1 && *text == '&')
			fputs("&amp;", out);
		else if (n == 1 && *text == '"')
			fputs("&quot;", out);
		else if (n == 1 && (unsigned char)*text < ' ')
			fputc(' ', out);
		/* XML has no place for U+FFFE and U+FFFF. */
		else if (!n || (n == 3 && memcmp(text, "\xef\xbf", 2) == 0 && (unsigned char)text[2] >= 0xbe))
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text, 1, n, out);
		n = n ? n : 1;
		text += n;
		len -= n;
	}
}

static uint32_t hash(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h ^ h >> 15;
}

struct picture {
	const struct an_calltree *tree;
	const struct an_flamegraph *options;
	double *starts;		/* of each call, in percent of the whole */
	double whole;
	uint32_t depth;		/* of what is shown */
	size_t hidden;
};

static int64_t pick(const struct picture *p, const struct an_values *values)
{
	return p->options->by_count ? values->count : values->ns;
}

static double width(const struct picture *p, size_t i)
{
	return p->whole > 0 ? 100 * (double)pick(p, &p->tree->calls[i].size) / p->whole : 0;
}

/* Where each call stands: behind its elder sisters, from where its parent begins. */
static void place_calls(struct picture *p, double *ends)
{
	p->starts[0] = ends[0] = 0;
	for (size_t i = 1; i < p->tree->n; i++) {
		uint32_t parent = p->tree->calls[i].parent;

		p->starts[i] = ends[i] = ends[parent];
		ends[parent] += width(p, i);
		if (width(p, i) < NARROW)
			p->hidden++;
		else if (p->tree->depths[i] > p->depth)
			p->depth = p->tree->depths[i];
	}
}

static void print_value(const struct picture *p, int64_t value, FILE *out)
{
	char text[32];

	if (p->options->by_count)
		fprintf(out, "%" PRId64 " ", value);
	else
		fprintf(out, "%s ", an_text_ns(text, value));
	print_xml(p->options->value, strlen(p->options->value), out);
}

static void print_colour(const struct picture *p, const struct an_call *call, const char *name, size_t len, FILE *out)
{
	uint32_t h = hash(name, len);
	int64_t value = pick(p, &call->all), size = pick(p, &call->size);

	if (p->options->difference) {
		int pale = 95 - (int)(40.0 * (double)(value < 0 ? -value : value) / (double)(size ? size : 1));

		fprintf(out, "hsl(%d,80%%,%d%%)", value < 0 ? 220 : 10, pale);
		return;
	}
	fprintf(out, "hsl(%u,%u%%,%u%%)", h % 50, 60 + h / 64 % 30, 62 + h / 4096 % 14);
}

static void print_call(const struct picture *p, size_t i, FILE *out)
{
	const struct an_call *call = &p->tree->calls[i];
	size_t len;
	const char *name = an_text(p->tree->names, call->func, &len);

	if (!i)
		name = "all", len = 3;
	else if (!len)
		name = "(no stack)", len = 10;
	fprintf(out, "<svg class=\"f\" x=\"%.5f%%\" width=\"%.5f%%\" y=\"%u\" height=\"%u\"><title>", p->starts[i],
		i ? width(p, i) : 100.0, HEAD + p->tree->depths[i] * ROW, ROW);
	print_xml(name, len, out);
	fputc('\n', out);
	print_value(p, pick(p, &call->all), out);
	fprintf(out, ", %.2f%% (itself ", p->whole > 0 ? 100 * (double)pick(p, &call->all) / p->whole : 0);
	print_value(p, pick(p, &call->self), out);
	fputs(")</title><rect width=\"100%\" height=\"100%\" fill=\"", out);
	print_colour(p, call, name, len, out);
	fputs("\"/><text x=\"3\" y=\"13\">", out);
	print_xml(name, len, out);
	fputs("</text></svg>\n", out);
}

static void print_picture(const struct picture *p, FILE *out)
{
	unsigned height = HEAD + (p->depth + 1) * ROW + FOOT;

	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%%\" "
		     "height=\"%u\" style=\"min-width:600px;background:#fff\">\n<style>%s</style>\n"
		     "<text class=\"h\" x=\"6\" y=\"18\">", height, style);
	print_xml(p->options->title, strlen(p->options->title), out);
	fputs("</text>\n<text id=\"i\" class=\"d\" x=\"6\" y=\"36\">a box is a function, as wide as what it and those it calls "
	      "amount to</text>\n<text id=\"u\" x=\"100%\" dx=\"-8\" y=\"38\" text-anchor=\"end\">back to the whole</text>\n"
	      "<text id=\"n\" class=\"d\" x=\"100%\" dx=\"-290\" y=\"18\" text-anchor=\"end\"/>\n"
	      "<svg x=\"100%\" style=\"overflow:visible\"><foreignObject x=\"-280\" y=\"3\" width=\"272\" height=\"24\">"
	      "<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"q\" placeholder=\"search ( / )\"/></foreignObject></svg>\n", out);
	for (size_t i = 0; i < p->tree->n; i++)
		if (!i || width(p, i) >= NARROW)
			print_call(p, i, out);
	fprintf(out, "<text class=\"d\" x=\"6\" y=\"%u\">", height - 10);
	if (p->hidden)
		fprintf(out, "%zu boxes are too narrow to be shown", p->hidden);
	fprintf(out, "</text>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", script);
}

int an_calltree_print_svg(const struct an_calltree *tree, const struct an_flamegraph *options, FILE *out)
{
	struct picture p = { .tree = tree, .options = options, .starts = malloc(tree->n * sizeof(double)) };
	double *ends = malloc(tree->n * sizeof(double));
	int rc = -ETR_E_NOMEM;

	if (p.starts && ends) {
		p.whole = (double)pick(&p, &tree->calls[0].size);
		place_calls(&p, ends);
		print_picture(&p, out);
		rc = 0;
	}
	free(p.starts);
	free(ends);
	return rc;
}
