package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestTablesAreCurrent builds every table from the checked-in sources and compares: a row cannot change its effect, and a
// count cannot shrink, without the change of tables/ being seen in review.
func TestTablesAreCurrent(t *testing.T) {
	files, err := build(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join("..", "tables", name))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(name) == ".gz" {
			have, want = unpack(t, have), unpack(t, want)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("tables/%s is not what the sources say; run make policy-tables and read the difference", name)
		}
	}
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		pattern, path string
		want          bool
	}{
		{"aws ec2 describe-*", "aws ec2 describe-instances", true},
		{"aws ec2 describe-*", "aws ec2 wait describe-x", false},
		{"gcloud compute ssh", "gcloud alpha compute ssh", true},
		{"gcloud ** ssh", "gcloud compute tpus tpu-vm ssh", true},
		{"az {vm,vmss} {start,stop}", "az vmss stop", true},
		{"az {vm,vmss} {start,stop}", "az vmss delete", false},
		{"az **", "az vm list", true},
		{"az **", "aws ec2 x", false},
	} {
		if got := newPattern(row.pattern).match(trackless(row.path)); got != row.want {
			t.Errorf("%s on %s: %v", row.pattern, row.path, got)
		}
	}
}

func TestEveryRuleLineHasAReason(t *testing.T) {
	t.Parallel()
	b := &book{sentences: map[string]string{}}
	dir := t.TempDir()
	for text, ok := range map[string]bool{
		"[r] S.\naws x => read # why\n": true, "[r] S.\naws x => read\n": false, "aws x => read # why\n": false, "[r] S.\naws x => rad # why\n": false, "[r] S.\naws x # why\n": false,
	} {
		path := filepath.Join(dir, "rules.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.readRules(path, b.takeOverride); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
