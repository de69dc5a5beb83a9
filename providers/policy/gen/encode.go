package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"

	"aurora/providers/policy"
)

// encoder writes one program's table; the reader is policy's table.go. Everything is a uvarint or a string.
// Order: strings, rules, flags, flag sets, classes, argument lists, the number of nodes, nodes (words in preorder, children sorted).
type encoder struct {
	strings map[string]int
	list    []string
	rules   *index
	flags   *index
	sets    *index
	classes *index
	args    *index
	nodes   int
	book    *book
}

// index numbers distinct byte strings in the order they are first seen.
type index struct {
	ids   map[string]int
	items []string
}

func newIndex() *index { return &index{ids: map[string]int{}} }

func (x *index) id(item []byte) int {
	if id, ok := x.ids[string(item)]; ok {
		return id
	}
	x.ids[string(item)] = len(x.items)
	x.items = append(x.items, string(item))
	return len(x.items) - 1
}

// node is one word of the command tree.
type node struct {
	word     string
	children map[string]*node
	cmd      *command
}

func encode(cmds []*command, book *book) ([]byte, error) {
	e := &encoder{strings: map[string]int{}, rules: newIndex(), flags: newIndex(), sets: newIndex(), classes: newIndex(), args: newIndex(), book: book}
	root := tree(cmds)
	var nodes []byte
	nodes, err := e.node(nodes, root)
	if err != nil {
		return nil, err
	}
	var out []byte
	out = binary.AppendUvarint(out, uint64(len(e.list)))
	for _, s := range e.list {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	for _, x := range []*index{e.rules, e.flags, e.sets, e.classes, e.args} {
		out = binary.AppendUvarint(out, uint64(len(x.items)))
		for _, item := range x.items {
			out = append(out, item...)
		}
	}
	out = binary.AppendUvarint(out, uint64(e.nodes))
	out = append(out, nodes...)
	return pack(out)
}

func pack(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func tree(cmds []*command) *node {
	root := &node{children: map[string]*node{}}
	sort.Slice(cmds, func(i, j int) bool { return cmds[i].Path < cmds[j].Path })
	for _, c := range cmds {
		if c.drop {
			continue
		}
		at := root
		for _, word := range strings.Fields(c.Path) {
			next, ok := at.children[word]
			if !ok {
				next = &node{word: word, children: map[string]*node{}}
				at.children[word] = next
			}
			at = next
		}
		at.cmd = c
	}
	for _, only := range root.children {
		return only
	}
	return root
}

func (e *encoder) str(s string) uint64 {
	id, ok := e.strings[s]
	if !ok {
		id = len(e.list)
		e.strings[s] = id
		e.list = append(e.list, s)
	}
	return uint64(id)
}

func (e *encoder) node(out []byte, n *node) ([]byte, error) {
	e.nodes++
	out = binary.AppendUvarint(out, e.str(n.word))
	if n.cmd == nil {
		out = binary.AppendUvarint(out, 0)
	} else {
		class, err := e.class(n.cmd)
		if err != nil {
			return nil, err
		}
		set, err := e.set(n.cmd)
		if err != nil {
			return nil, err
		}
		out = binary.AppendUvarint(out, uint64(class)+1)
		out = binary.AppendUvarint(out, uint64(set))
		out = binary.AppendUvarint(out, uint64(e.argList(n.cmd)))
	}
	words := make([]string, 0, len(n.children))
	for w := range n.children {
		words = append(words, w)
	}
	slices.Sort(words)
	out = binary.AppendUvarint(out, uint64(len(words)))
	for _, w := range words {
		var err error
		if out, err = e.node(out, n.children[w]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *encoder) rule(name string) (uint64, error) {
	sentence, ok := e.book.sentences[name]
	if !ok {
		return 0, fmt.Errorf("rule %q has no sentence", name)
	}
	item := binary.AppendUvarint(nil, e.str(name))
	item = binary.AppendUvarint(item, e.str(sentence))
	return uint64(e.rules.id(item)), nil
}

func (e *encoder) class(c *command) (int, error) {
	rule, err := e.rule(c.rule)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.Path, err)
	}
	item := []byte{byte(c.effect)}
	item = binary.AppendUvarint(item, uint64(c.facets))
	item = binary.AppendUvarint(item, rule)
	item = binary.AppendUvarint(item, uint64(len(c.masked)))
	for _, m := range c.masked {
		item = binary.AppendUvarint(item, e.str(m))
	}
	return e.classes.id(item), nil
}

func (e *encoder) argList(c *command) int {
	item := binary.AppendUvarint(nil, uint64(len(c.Args)))
	for _, a := range c.Args {
		item = binary.AppendUvarint(item, e.str(a))
	}
	return e.args.id(item)
}

func (e *encoder) set(c *command) (int, error) {
	var ids []int
	for _, f := range c.Flags {
		id, err := e.flag(f)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", c.Path, err)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	item := binary.AppendUvarint(nil, uint64(len(ids)))
	last := 0
	for _, id := range ids {
		item = binary.AppendUvarint(item, uint64(id-last))
		last = id
	}
	return e.sets.id(item), nil
}

func (e *encoder) flag(f cflag) (int, error) {
	kind, ok := policy.FlagKind(f.Kind)
	if !ok {
		return 0, fmt.Errorf("flag %v has unknown kind %q", f.Names, f.Kind)
	}
	item := []byte{kind}
	item = binary.AppendUvarint(item, uint64(len(f.Names)))
	for _, n := range f.Names {
		item = binary.AppendUvarint(item, e.str(n))
	}
	item = binary.AppendUvarint(item, uint64(len(f.rules)))
	for _, r := range f.rules {
		rule, err := e.rule(r.rule)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", r.at, err)
		}
		item = binary.AppendUvarint(item, e.str(r.value))
		item = append(item, byte(r.effect))
		item = binary.AppendUvarint(item, uint64(r.facets))
		item = binary.AppendUvarint(item, rule)
	}
	return e.flags.id(item), nil
}
