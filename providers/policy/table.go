package policy

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

//go:embed tables/*.gz
var tableFiles embed.FS

// table is one program's grammar with the class of every command. It is made by gen and never changes.
type table struct {
	strings []string
	rules   []tableRule
	flags   []tableFlag
	sets    []string // delta-coded flag ids, decoded at each use
	classes []class
	args    [][]string
	nodes   []node
}

type tableRule struct{ name, sentence string }

// tableFlag is one flag with all its spellings.
type tableFlag struct {
	names []string
	kind  byte
	rules []flagAction
}

// flagAction is what a flag does to the effect of its command.
type flagAction struct {
	value  string // glob over the value; empty matches any
	effect Effect
	facets Facets
	rule   uint32
}

// class is what all commands of one kind have in common.
type class struct {
	effect Effect
	facets Facets
	rule   uint32
	masked []string
}

// node is one word of the command tree. Children stand one after the other from first.
type node struct {
	word  string
	class int32 // index into classes; -1 for a mere group
	set   int32
	args  int32
	first int32
	n     int32
}

// Kinds of flags: how many values a flag takes, and whether it names something outside the command.
const (
	kindSwitch   = iota // no value
	kindValue           // one value
	kindList            // one or more values, up to the next flag
	kindOptional        // a value only after "="
	kindKey             // key=value, without dashes

	kindArity = 7
	kindReads = 1 << 3 // the CLI reads the value as a local file
	kindURL   = 1 << 4 // a URL value is data here, the CLI does not fetch it
)

// FlagKind reads a kind as written in gen's sources: b, v, l, o or k, and marks r (reads a local file) and u (a URL
// is data). False for anything else.
func FlagKind(text string) (byte, bool) {
	if text == "" {
		return 0, false
	}
	arity := strings.IndexByte("bvlok", text[0])
	if arity < 0 {
		return 0, false
	}
	kind := byte(arity)
	for _, mark := range text[1:] {
		switch mark {
		case 'r':
			kind |= kindReads
		case 'u':
			kind |= kindURL
		default:
			return 0, false
		}
	}
	return kind, true
}

// reader decodes a table. A broken table sets err once; what is read afterwards is empty.
type reader struct {
	data string
	err  error
}

var errTable = errors.New("embedded table is broken")

func (r *reader) num() int {
	v := 0
	for i := 0; i < len(r.data) && i < 5; i++ {
		b := r.data[i]
		v |= int(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.data = r.data[i+1:]
			return v
		}
	}
	r.err, r.data = errTable, ""
	return 0
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.err = errTable
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

// text cuts a string out of the table without copying; the table's bytes live as long as the engine.
func (r *reader) text() string {
	n := r.num()
	if n > len(r.data) {
		r.err, r.data = errTable, ""
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

// skip returns the bytes of a length-prefixed list of numbers without decoding it.
func (r *reader) skip() string {
	start := r.data
	for n := r.num(); n > 0; n-- {
		r.num()
	}
	return start[:len(start)-len(r.data)]
}

// loadTable reads the embedded table of one program and also returns its compressed bytes for the digest.
func loadTable(tool string) (*table, []byte, error) {
	packed, err := tableFiles.ReadFile("tables/" + tool + ".gz")
	if err != nil {
		return nil, nil, fmt.Errorf("open table of %s: %w", tool, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, nil, fmt.Errorf("open table of %s: %w", tool, err)
	}
	var raw strings.Builder
	raw.Grow(uncompressed(packed))
	if _, err := io.Copy(&raw, z); err != nil {
		return nil, nil, fmt.Errorf("unpack table of %s: %w", tool, err)
	}
	t, err := decodeTable(raw.String())
	if err != nil {
		return nil, nil, fmt.Errorf("read table of %s: %w", tool, err)
	}
	return t, packed, nil
}

// uncompressed is the size that the gzip trailer promises, so that unpacking allocates once.
func uncompressed(packed []byte) int {
	if len(packed) < 4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(packed[len(packed)-4:]) & (1<<24 - 1))
}

func decodeTable(raw string) (*table, error) {
	r := &reader{data: raw}
	t := &table{}
	t.strings = make([]string, r.num())
	for i := range t.strings {
		t.strings[i] = r.text()
	}
	t.rules = make([]tableRule, r.num())
	for i := range t.rules {
		t.rules[i] = tableRule{name: t.str(r), sentence: t.str(r)}
	}
	t.decodeFlags(r)
	t.sets = make([]string, r.num())
	for i := range t.sets {
		t.sets[i] = r.skip()
	}
	t.classes = make([]class, r.num())
	for i := range t.classes {
		t.classes[i] = class{effect: Effect(r.byte()), facets: Facets(r.num()), rule: uint32(r.num()), masked: t.strs(r)}
	}
	t.args = make([][]string, r.num())
	for i := range t.args {
		t.args[i] = t.strs(r)
	}
	t.decodeNodes(r)
	if r.err != nil || len(r.data) != 0 {
		return nil, errTable
	}
	return t, nil
}

func (t *table) decodeFlags(r *reader) {
	t.flags = make([]tableFlag, r.num())
	pool := make([]string, 0, 2*len(t.flags)) // one allocation for nearly all name lists
	for i := range t.flags {
		f := &t.flags[i]
		f.kind = r.byte()
		from := len(pool)
		for n := r.num(); n > 0; n-- {
			pool = append(pool, t.str(r))
		}
		f.names = pool[from:len(pool):len(pool)]
		n := r.num()
		if n == 0 || n > 1<<10 {
			continue
		}
		f.rules = make([]flagAction, n)
		for j := range f.rules {
			f.rules[j] = flagAction{value: t.str(r), effect: Effect(r.byte()), facets: Facets(r.num()), rule: uint32(r.num())}
		}
	}
}

// decodeNodes turns the preorder list into an array in which siblings are neighbours.
func (t *table) decodeNodes(r *reader) {
	n := r.num()
	if n > len(r.data)+1 {
		r.err = errTable
		return
	}
	t.nodes = make([]node, 1, n+1)
	t.decodeNode(r, 0)
}

func (t *table) decodeNode(r *reader, at int) {
	n := node{word: t.str(r), class: int32(r.num()) - 1}
	if n.class >= 0 {
		n.set, n.args = int32(r.num()), int32(r.num())
	}
	n.n = int32(r.num())
	if r.err != nil || int(n.n) > len(r.data) {
		r.err = errTable
		return
	}
	n.first = int32(len(t.nodes))
	t.nodes = append(t.nodes, make([]node, n.n)...)
	t.nodes[at] = n
	for i := range int(n.n) {
		t.decodeNode(r, int(n.first)+i)
	}
}

func (t *table) str(r *reader) string {
	i := r.num()
	if i >= len(t.strings) {
		r.err = errTable
		return ""
	}
	return t.strings[i]
}

func (t *table) strs(r *reader) []string {
	n := r.num()
	if n == 0 || n > len(t.strings) {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = t.str(r)
	}
	return list
}

// child finds a word below a node; nil when the grammar has no such word there.
func (t *table) child(n *node, word string) *node {
	kids := t.nodes[n.first : n.first+n.n]
	lo, hi := 0, len(kids)
	for lo < hi {
		mid := (lo + hi) / 2
		if kids[mid].word < word {
			lo = mid + 1
			continue
		}
		hi = mid
	}
	if lo < len(kids) && kids[lo].word == word {
		return &kids[lo]
	}
	return nil
}

// flag finds a flag of a command by any of its spellings.
func (t *table) flag(n *node, name string) *tableFlag {
	if n.class < 0 {
		return nil
	}
	for f := range t.flagsOf(n) {
		for _, known := range f.names {
			if known == name {
				return f
			}
		}
	}
	return nil
}

// flagsOf walks the flags of a command.
func (t *table) flagsOf(n *node) func(yield func(*tableFlag) bool) {
	return func(yield func(*tableFlag) bool) {
		if n.class < 0 {
			return
		}
		r := reader{data: t.sets[n.set]}
		id := 0
		for left := r.num(); left > 0; left-- {
			id += r.num()
			if id >= len(t.flags) || !yield(&t.flags[id]) {
				return
			}
		}
	}
}
