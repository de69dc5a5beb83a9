package slack

import (
	"bytes"
	"encoding/json"
	"strings"

	slackgo "github.com/slack-go/slack"
)

// Slack's limits for one message, with some room left where Slack's own counting is not documented.
const (
	mostBlocks     = 50
	mostJSON       = 12_000 // characters of all blocks together, as JSON: what Slack counts, a little above 13,000
	mostBlockSize  = 3000   // characters of one block, with something for each of its elements
	mostPiece      = 2800   // the same of one element, which leaves room for what joins it to the last
	elementCost    = 40     // what an element takes besides its text
	mostButtons    = 25
	mostButtonText = 75
	mostValue      = 2000
	mostURL        = 3000
	mostFallback   = 3000 // characters of the text beside the blocks, escaped: updates take 4000
)

// rendered is a message as Slack takes it: plain text for notifications, not yet escaped, and blocks.
type rendered struct {
	text   string
	blocks []slackgo.Block
}

// drawing collects blocks. Everything said is rich text, which Slack shows as it is: nothing in it is parsed.
type drawing struct {
	blocks []slackgo.Block
	sizes  []int // characters of each block as JSON
	open   *slackgo.RichTextBlock
	size   int  // of the open block
	tables bool // Slack's own tables may be used
	tabled bool // there is one already
}

// add puts a block-level element into the open rich text block, or a new one when that is full.
func (d *drawing) add(e slackgo.RichTextElement) {
	size := elementSize(e)
	if size == 0 {
		return
	}
	if d.open == nil || d.size+size > mostBlockSize {
		d.close()
		d.open = slackgo.NewRichTextBlock("")
	}
	d.open.Elements = append(d.open.Elements, e)
	d.size += size
}

// close ends the open rich text block.
func (d *drawing) close() {
	if d.open != nil {
		d.blocks = append(d.blocks, d.open)
		d.sizes = append(d.sizes, jsonSize(d.open))
	}
	d.open, d.size = nil, 0
}

// block adds a block that is no rich text.
func (d *drawing) block(b slackgo.Block) {
	d.close()
	d.blocks = append(d.blocks, b)
	d.sizes = append(d.sizes, jsonSize(b))
}

// jsonSize counts a block as Slack does: the characters of its JSON with < > & as they are. slack-go's own marshallers
// escape those, so the JSON is read and written once more.
func jsonSize(b slackgo.Block) int { return jsonLength(b) }

// jsonLength is jsonSize of any part of a block.
func jsonLength(b any) int {
	raw, err := json.Marshal(b)
	var value any
	if err == nil {
		err = json.Unmarshal(raw, &value)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err != nil || e.Encode(value) != nil { // unreachable: blocks are made of strings and numbers
		return mostJSON
	}
	return runes(out.String()) // the line end stands for the comma to the next
}

// section adds lines of text, cut where they are too long for one element.
func (d *drawing) section(spans ...span) {
	for _, part := range cutSpans(spans) {
		if d.open != nil && followsText(d.open) {
			part = append([]span{{text: "\n"}}, part...)
		}
		d.add(slackgo.NewRichTextSection(elements(part)...))
	}
}

// followsText tells whether a section would be glued to the one before: an empty line keeps paragraphs apart.
func followsText(b *slackgo.RichTextBlock) bool {
	_, ok := b.Elements[len(b.Elements)-1].(*slackgo.RichTextSection)
	return ok
}

// quote adds a quotation.
func (d *drawing) quote(spans ...span) {
	for _, part := range cutSpans(spans) {
		d.add(&slackgo.RichTextQuote{Type: slackgo.RTEQuote, Elements: elements(part)})
	}
}

// preformatted adds text exactly as it is.
func (d *drawing) preformatted(text string) {
	text = strings.TrimRight(plain(text), "\n")
	for _, part := range pieces(text, mostPiece) {
		if part = strings.TrimSuffix(part, "\n"); part == "" {
			continue
		}
		d.add(&slackgo.RichTextPreformatted{Type: slackgo.RTEPreformatted,
			Elements: []slackgo.RichTextSectionElement{slackgo.NewRichTextSectionTextElement(part, nil)}})
	}
}

// item adds an item of a list at one depth; n is its number in an ordered list. It goes on with the list that is open
// where it is the next one there, and begins a list otherwise.
func (d *drawing) item(ordered bool, depth, n int, spans []span) {
	style := slackgo.RTEListBullet
	if ordered {
		style = slackgo.RTEListOrdered
	}
	for _, part := range cutSpans(spans) {
		section := slackgo.NewRichTextSection(elements(part)...)
		size := elementSize(section)
		last := d.openList(style, depth)
		if last != nil && (!ordered || last.Offset+len(last.Elements) == n-1) && d.size+size <= mostBlockSize {
			last.Elements = append(last.Elements, section)
			d.size += size
			continue
		}
		run := slackgo.NewRichTextList(style, min(depth, 8), section)
		if ordered {
			run.Offset = n - 1
		}
		d.add(run)
	}
}

// openList is the list the next item may go on with.
func (d *drawing) openList(style slackgo.RichTextListElementType, depth int) *slackgo.RichTextList {
	if d.open == nil {
		return nil
	}
	list, ok := d.open.Elements[len(d.open.Elements)-1].(*slackgo.RichTextList)
	if !ok || list.Style != style || list.Indent != min(depth, 8) {
		return nil
	}
	return list
}

// fitted gives the blocks, shortened honestly when they are too many: buttons stay, text is cut behind what fits.
func (d *drawing) fitted() []slackgo.Block {
	d.close()
	if len(d.blocks) <= mostBlocks && sum(d.sizes) <= mostJSON {
		return d.blocks
	}
	var note drawing
	note.section(span{text: "The rest is too long to be shown here.", style: style{italic: true}})
	note.close()
	room, text := mostBlocks-1, mostJSON-sum(note.sizes)
	for i, b := range d.blocks {
		if b.BlockType() == slackgo.MBTAction {
			room, text = room-1, text-d.sizes[i]
		}
	}
	var kept []slackgo.Block
	cut := false
	for i, b := range d.blocks {
		if b.BlockType() == slackgo.MBTAction {
			kept = append(kept, b)
			continue
		}
		if cut || room == 0 || d.sizes[i] > text {
			if !cut {
				kept = append(kept, note.blocks...)
			}
			cut = true
			continue
		}
		kept = append(kept, b)
		room, text = room-1, text-d.sizes[i]
	}
	return kept
}

func sum(sizes []int) (total int) {
	for _, n := range sizes {
		total += n
	}
	return total
}

// elementSize counts the characters of an element and something for each of its parts.
func elementSize(e slackgo.RichTextElement) (n int) {
	switch e := e.(type) {
	case *slackgo.RichTextSection:
		return sectionSize(e.Elements)
	case *slackgo.RichTextPreformatted:
		return sectionSize(e.Elements)
	case *slackgo.RichTextQuote:
		return sectionSize(e.Elements)
	case *slackgo.RichTextList:
		for _, item := range e.Elements {
			n += elementSize(item)
		}
		return n + elementCost
	}
	return n
}

func sectionSize(in []slackgo.RichTextSectionElement) (n int) {
	for _, e := range in {
		switch e := e.(type) {
		case *slackgo.RichTextSectionTextElement:
			n += runes(e.Text) + elementCost
		case *slackgo.RichTextSectionLinkElement:
			n += runes(e.Text) + runes(e.URL) + elementCost
		}
	}
	return n
}
