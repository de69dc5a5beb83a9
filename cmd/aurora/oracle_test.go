package main

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fact is what is known about a command from outside: the labelled rows, not the engine.
type fact struct {
	known   bool
	changes bool
	click   bool     // it may only run after a person's click
	beyond  bool     // it disrupts or deletes: a grant up to write does not reach it, click or not
	never   bool     // it may not run at all
	data    bool     // what it prints is for the asker alone
	members []string // paths of members that must be masked when it runs
}

// oracle knows the labelled commands by their words, and the traps.
type oracle struct {
	root  *labelNode
	traps []trap
	lines []string // whole command lines, of every kind
	reads []string // those that only read
}

type labelNode struct {
	next map[string]*labelNode
	fact fact
}

// shellSigns mean something in a line and nothing among words: such traps are no facts about an argv.
const shellSigns = "'\"\\$`|;&<>*?(){}#~!"

type trap struct {
	words    []string
	expected string
}

func csvRows(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

const policyDir = "../../providers/policy/"

func newOracle(t testing.TB) *oracle {
	t.Helper()
	o := &oracle{root: &labelNode{}}
	for _, tool := range []string{"aws", "gcloud", "az", "scw", "kubectl", "terraform"} {
		for _, r := range csvRows(t, policyDir+"gen/labels/"+tool+".csv.gz") {
			o.label(r["command"], factOf(r["truth"], r["tier"], r["notes"]))
			o.lines = append(o.lines, r["command"])
		}
	}
	for _, r := range csvRows(t, policyDir+"gen/labels/secret_reads.csv.gz") {
		if node := o.find(strings.Fields(r["command"])); node != nil {
			node.fact.members = memberPaths(r["what"])
		}
	}
	for _, r := range csvRows(t, policyDir+"testdata/invocations.csv.gz") {
		o.lines = append(o.lines, r["invocation"])
		if r["truth"] == "read" {
			o.reads = append(o.reads, r["invocation"])
		}
	}
	for _, r := range csvRows(t, policyDir+"testdata/controls.csv.gz") {
		o.lines = append(o.lines, r["command"])
		o.reads = append(o.reads, r["command"])
		words := strings.Fields(r["command"])
		if flag := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }); flag > 0 && o.find(words) == nil {
			o.label(strings.Join(words[:flag], " "), fact{known: true})
		}
	}
	for _, r := range csvRows(t, policyDir+"testdata/traps.csv.gz") {
		o.lines = append(o.lines, r["command"])
		if words := strings.Fields(r["command"]); len(words) > 1 && !strings.ContainsAny(r["command"], shellSigns) {
			o.traps = append(o.traps, trap{words, r["expected"]})
		}
	}
	return o
}

func factOf(truth, tier, notes string) fact {
	f := fact{known: true, changes: truth != "read"}
	f.beyond = truth == "destructive" || tier != ""
	f.click = f.beyond || f.changes && strings.Contains(notes, "perm-mgmt")
	return f
}

var memberPath = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(?:\[\])?(?:\.[A-Za-z0-9_]+(?:\[\])?)*$`)

func memberPaths(what string) []string {
	var paths []string
	for part := range strings.SplitSeq(what, ";") {
		// An endpoint's address is in the list for its name alone.
		if part = strings.TrimSpace(part); memberPath.MatchString(part) && !strings.HasSuffix(part, "Endpoint") {
			paths = append(paths, part)
		}
	}
	return paths
}

func (o *oracle) label(command string, f fact) {
	at := o.root
	for word := range strings.FieldsSeq(command) {
		if at.next == nil {
			at.next = map[string]*labelNode{}
		}
		if at.next[word] == nil {
			at.next[word] = &labelNode{}
		}
		at = at.next[word]
	}
	at.fact = f
}

// find walks the labels along the words that are no flags. A word behind a flag may be its value, so it may be passed over.
func (o *oracle) find(argv []string) *labelNode {
	at := o.root
	for i, word := range argv {
		next := at.next[word]
		if next == nil && (strings.HasPrefix(word, "-") || i > 0 && strings.HasPrefix(argv[i-1], "-")) {
			continue
		}
		if next == nil {
			break
		}
		at = next
	}
	if !at.fact.known {
		return nil
	}
	return at
}

// about tells what is known of an argv. What is known of nothing counts as destructive.
func (o *oracle) about(argv []string) fact {
	f := fact{changes: true, click: true, beyond: true}
	switch argv[0] {
	case "tailscale", "ovhcloud", "gsutil", "bq":
		f = bySpelling(argv)
	default:
		if node := o.find(argv); node != nil {
			f = node.fact
		}
	}
	for _, t := range o.traps {
		if len(argv) < len(t.words) || !slices.Equal(argv[:len(t.words)], t.words) || helpOfCommand(argv) {
			continue
		}
		switch t.expected {
		case "deny", "secret-read":
			f.never = true
		case "confirm", "destructive":
			f.changes, f.click = true, true
		case "write":
			f.changes = true
		case "data-read":
			f.data = true
		}
	}
	f.never = f.never || forbiddenWord(argv)
	return f
}

// helpOfCommand finds gcloud help followed by words. It prints what they are about and leaves: alone it opens a manual, and
// that is all the trap is about; with --, it searches an index that takes minutes to build.
func helpOfCommand(argv []string) bool {
	return len(argv) > 2 && argv[0] == "gcloud" && argv[1] == "help" && argv[2] != "help" && !slices.Contains(argv, "--") &&
		!slices.ContainsFunc(argv[2:], func(w string) bool { return w == "" || strings.ContainsAny(w, "./:@ ") })
}

// Verbs of the few commands nobody labelled, and what stands for a list where it comes alone.
var (
	readingVerbs  = []string{"list", "ls", "get", "show", "describe", "status", "validate", "test", "stat", "du", "hash", "version"}
	changingVerbs = []string{"authorize", "approve", "deauthorize", "unauthorize", "set", "tags", "tag", "set-tags", "key-expiry", "set-key-expiry",
		"expire", "expire-key", "delete", "remove", "rm", "create", "revoke", "update", "stop", "reboot", "reinstall", "cp", "mv", "rsync", "mb", "rb",
		"query", "load", "start", "rename", "name", "insert", "mk", "extract"}
	lists = []string{"devices", "nodes", "machines", "routes", "route", "acl", "dns", "keys", "settings", "users", "contacts", "webhooks", "audit-logs",
		"network-logs", "configuration", "network", "nameservers", "searchpaths", "search-paths", "preferences", "split", "split-dns", "attributes", "posture"}
)

// bySpelling judges by the first verb.
func bySpelling(argv []string) fact {
	words := slices.DeleteFunc(slices.Clone(argv[1:]), func(w string) bool { return strings.HasPrefix(w, "-") })
	words = words[:min(len(words), 4)]
	verb := slices.IndexFunc(words, func(w string) bool { return slices.Contains(readingVerbs, w) || slices.Contains(changingVerbs, w) })
	plainWrites := map[string][]string{"tailscale": {"rename", "name"}, "ovhcloud": {"start", "create"}}[argv[0]]
	switch {
	case verb >= 0 && slices.Contains(readingVerbs, words[verb]):
		return fact{known: true}
	case verb >= 0:
		click := !slices.Contains(plainWrites, words[verb])
		return fact{known: true, changes: true, click: click, beyond: click}
	}
	noun := slices.ContainsFunc(words, func(w string) bool { return slices.Contains(lists, w) })
	return fact{known: true, changes: !noun, click: !noun, beyond: !noun}
}

// forbiddenWord finds what no command may carry: another identity or endpoint, files of our machine, debug output.
func forbiddenWord(argv []string) bool {
	if slices.Contains([]string{"kubectl", "terraform", "helm", "sh", "env"}, argv[0]) || strings.ContainsAny(argv[0], "/ ") {
		return true
	}
	switches := map[string][]string{
		"aws":    {"--endpoint-url", "--profile", "--debug", "--no-verify-ssl", "--ca-bundle", "--cli-input-json", "--cli-input-yaml"},
		"gcloud": {"--impersonate-service-account", "--account", "--configuration", "--access-token-file", "--flags-file", "--log-http"},
		"az":     {"--debug"},
		"scw":    {"--debug", "--profile", "--config"},
	}[argv[0]]
	for _, word := range argv[1:] {
		name, _, _ := strings.Cut(word, "=")
		if slices.Contains(switches, name) || argv[0] == "aws" && (strings.HasPrefix(word, "file://") || strings.HasPrefix(word, "fileb://")) {
			return true
		}
	}
	return false
}

// words are the command's own, without flags and values.
func (o *oracle) words(argv []string) []string {
	at, found := o.root, argv[:1]
	for i, word := range argv {
		if next := at.next[word]; next != nil {
			at = next
			if i > 0 {
				found = append(slices.Clone(found), word)
			}
		}
	}
	if len(found) == 1 { // nobody labelled it: the first words
		for _, word := range argv[1:min(len(argv), 3)] {
			found = append(slices.Clone(found), word)
		}
	}
	return found
}
