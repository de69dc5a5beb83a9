package slack

import (
	"net/url"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"aurora/bot"
)

// page draws a parsed Markdown text. The model's links are shown as links only when they lead to Aurora's own pages,
// its images not at all: fetching either could carry what it read to somebody else.
type page struct {
	*drawing
	source []byte
	hosts  []string
}

// mostDepth is how far blocks may nest; deeper ones are shown as they were written.
const mostDepth = 20

// markdown draws the model's text. What the parser chokes on is shown as it was written: one hostile text must not end
// whoever has to deliver it.
func (r renderer) markdown(d *drawing, body string) {
	defer func() {
		if recover() != nil {
			d.preformatted(body)
		}
	}()
	source := []byte(plain(body))
	parser := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser()
	p := page{drawing: d, source: source, hosts: r.hosts}
	p.blocks(parser.Parse(text.NewReader(source)), 0)
}

func (p page) blocks(parent ast.Node, depth int) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		p.block(n, depth)
	}
}

func (p page) block(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Heading:
		p.section(p.spans(n, style{bold: true})...)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		p.preformatted(p.lines(n))
	case *ast.HTMLBlock:
		body := p.lines(n)
		if n.HasClosure() {
			body += string(n.ClosureLine.Value(p.source))
		}
		p.section(say(strings.TrimSpace(body)))
	case *ast.Blockquote:
		p.quote(p.quoted(n, 0)...)
	case *ast.List:
		p.listed(n, depth)
	case *ast.ThematicBreak:
		p.section(say("———"))
	case *east.Table:
		p.wholeTable(p.table(n))
	default:
		p.section(p.spans(n, style{})...)
	}
}

func (p page) lines(n ast.Node) string {
	var out strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		out.Write(line.Value(p.source))
	}
	return out.String()
}

// quoted gives everything in a quotation as text: Slack's quotations hold no blocks.
func (p page) quoted(n ast.Node, depth int) (out []span) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if len(out) > 0 {
			out = append(out, say("\n"))
		}
		switch {
		case c.Type() == ast.TypeBlock && c.Kind() != ast.KindParagraph && c.Kind() != ast.KindTextBlock && c.HasChildren() && depth < mostDepth:
			out = append(out, p.quoted(c, depth+1)...)
		case c.Kind() == ast.KindFencedCodeBlock || c.Kind() == ast.KindCodeBlock:
			out = append(out, code(strings.TrimRight(p.lines(c), "\n")))
		default:
			out = append(out, p.spans(c, style{})...)
		}
	}
	return out
}

// listed draws a list. What an item holds besides its first paragraph interrupts the list, which then goes on with the
// right number.
func (p page) listed(list *ast.List, depth int) {
	if depth > mostDepth {
		return
	}
	number := max(list.Start, 1)
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		for c := item.FirstChild(); c != nil; c = c.NextSibling() {
			switch c := c.(type) {
			case *ast.List:
				p.listed(c, depth+1)
			case *ast.Paragraph, *ast.TextBlock:
				p.item(list.IsOrdered(), depth, number, p.spans(c, style{}))
			default:
				p.block(c, depth+1)
			}
		}
		number++
	}
}

// table reads a table. Columns of figures are aligned on the right, whether or not the model said so.
func (p page) table(t *east.Table) (out bot.Table) {
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, words(p.spans(c, style{})))
		}
		if row.Kind() == east.KindTableHeader {
			for i, name := range cells {
				out.Columns = append(out.Columns, bot.Column{Name: name, Number: i < len(t.Alignments) && t.Alignments[i] == east.AlignRight})
			}
			continue
		}
		cells = append(cells, make([]string, len(out.Columns))...)[:len(out.Columns)]
		out.Rows = append(out.Rows, cells)
	}
	return out.Measured()
}

// spans gives the text of a block.
func (p page) spans(n ast.Node, s style) (out []span) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		out = append(out, p.inline(c, s)...)
	}
	return out
}

func (p page) inline(n ast.Node, s style) []span {
	switch n := n.(type) {
	case *ast.Text:
		word := string(n.Segment.Value(p.source))
		if !n.IsRaw() && !s.code {
			word = literal(word)
		}
		if n.SoftLineBreak() || n.HardLineBreak() {
			word += "\n"
		}
		return []span{{text: word, style: s}}
	case *ast.String:
		return []span{{text: string(n.Value), style: s}}
	case *ast.CodeSpan:
		return p.spans(n, style{code: true, bold: s.bold, italic: s.italic, strike: s.strike})
	case *ast.Emphasis:
		if n.Level > 1 {
			s.bold = true
		} else {
			s.italic = true
		}
	case *east.Strikethrough:
		s.strike = true
	case *ast.Image:
		return nil
	case *ast.Link:
		return p.link(string(n.Destination), p.spans(n, s), s)
	case *ast.AutoLink:
		return p.link(string(n.URL(p.source)), []span{{text: string(n.Label(p.source)), style: s}}, s)
	case *ast.RawHTML:
		return []span{{text: string(n.Segments.Value(p.source)), style: s}}
	}
	return p.spans(n, s)
}

// literal undoes Markdown's escapes.
func literal(word string) string {
	raw := util.UnescapePunctuations([]byte(word))
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(raw)))
}

// link shows where a link leads, and as a link only when that is one of Aurora's own pages.
func (p page) link(target string, label []span, s style) []span {
	u, err := url.Parse(literal(target))
	if err != nil || u.Host == "" {
		return label
	}
	name := words(label)
	shown := plain(u.Host)
	if !ownPage(u, p.hosts) {
		if name == shown || name == u.String() {
			return label
		}
		return append(label, span{text: " (" + shown + ")", style: s})
	}
	if name == "" {
		name = u.String()
	}
	if name != u.String() && strings.ContainsAny(name, "./:") && !strings.Contains(name, shown) {
		name += " (" + shown + ")"
	}
	return []span{{text: name, url: u.String(), style: s}}
}

// ownPage tells whether an address is one of Aurora's own: https, or http while it is on loopback.
func ownPage(u *url.URL, hosts []string) bool {
	if u.User != nil || len(u.String()) > mostURL || !slices.Contains(hosts, u.Host) {
		return false
	}
	return u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname()))
}
