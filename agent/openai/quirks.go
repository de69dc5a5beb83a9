package openai

import (
	"strings"

	"github.com/openai/openai-go/v3"
)

// numbering gives each call of a reply a place of its own. Some servers send all calls under one index, or under none: a
// piece that names a function and bears another id than the call begun at its index begins a further one.
type numbering struct {
	at   map[int64]int64  // where the call that is written at a server's index goes
	ids  map[int64]string // its id
	used map[int64]bool
	next int64
}

func (n *numbering) settle(calls []openai.ChatCompletionChunkChoiceDeltaToolCall) {
	if n.at == nil {
		n.at, n.ids, n.used = map[int64]int64{}, map[int64]string{}, map[int64]bool{}
	}
	for i := range calls {
		c := &calls[i]
		if begun := n.ids[c.Index]; !n.known(c.Index) || c.Function.Name != "" && c.ID != "" && begun != "" && begun != c.ID {
			n.begin(c.Index)
		}
		if c.ID != "" {
			n.ids[c.Index] = c.ID
		}
		c.Index = n.at[c.Index]
	}
}

func (n *numbering) known(index int64) bool {
	_, ok := n.at[index]
	return ok
}

// begin keeps a server's own number as long as it is free: what is odd about it is the gate's to refuse.
func (n *numbering) begin(index int64) {
	place := index
	if n.used[place] {
		place = n.next
	}
	n.at[index], n.used[place] = place, true
	n.next = max(n.next, place+1)
	n.ids[index] = ""
}

const thinkOpen, thinkClose = "<think>", "</think>"

// thoughts takes out what a model thinks aloud before it answers, which some servers leave at the head of the answer.
type thoughts struct {
	held strings.Builder // the head, as long as it may be a thought
	over bool
	gap  bool // a thought is over, and the blanks between it and the answer are not
}

const blanks = " \t\r\n"

// answer gives what a piece adds to the answer.
func (t *thoughts) answer(piece string) string {
	if t.gap {
		piece = strings.TrimLeft(piece, blanks)
		t.gap = piece == ""
	}
	if t.over || piece == "" {
		return piece
	}
	t.held.WriteString(piece)
	head := t.held.String()
	text := strings.TrimLeft(head, blanks)
	if strings.HasPrefix(thinkOpen, text) {
		return ""
	}
	if !strings.HasPrefix(text, thinkOpen) {
		t.over = true
		return head
	}
	from := max(0, len(head)-len(piece)-len(thinkClose)) // what was looked through before is not looked through again
	_, after, found := strings.Cut(head[from:], thinkClose)
	if !found {
		return ""
	}
	t.over, t.gap = true, true
	return t.answer(after)
}

// rest is what was held and turned out to be no thought when the reply ended.
func (t *thoughts) rest() string {
	if head := t.held.String(); !t.over && !strings.HasPrefix(strings.TrimLeft(head, blanks), thinkOpen) {
		return head
	}
	return ""
}
