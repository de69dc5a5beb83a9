package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Nobody writes a figure by hand: page and README are what the kept output gives.
func TestPagesComeFromWhatIsKept(t *testing.T) {
	kept, err := readKept(filepath.Join(root, keptFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(t, pageFile), renderPage(kept)); diff != "" {
		t.Errorf("run go run ./cmd/aurora/benchpage -render\n%s", diff)
	}
	readme := read(t, readmeFile)
	renewed, err := renewReadme(readme, kept)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(readme, renewed); diff != "" {
		t.Errorf("run go run ./cmd/aurora/benchpage -render\n%s", diff)
	}
	if diff := cmp.Diff(read(t, keptFile), format(kept)); diff != "" {
		t.Errorf("what is kept is not as it is written:\n%s", diff)
	}
}

// A part that names a benchmark which is gone would fail after minutes; and a benchmark that no part names is forgotten.
func TestPartsRowsAndBenchmarksBelongTogether(t *testing.T) {
	matched, named := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "benchpage") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Benchmark\w+)\(`).FindAllStringSubmatch(string(raw), -1) {
			named[strings.TrimPrefix(m[1], "Benchmark")] = true
			dir, _ := filepath.Rel(root, filepath.Dir(path))
			found := false
			for _, p := range parts {
				if p.dir == filepath.ToSlash(dir) && regexp.MustCompile(p.bench).MatchString(m[1]) {
					matched[p.name], found = true, true
				}
			}
			if !found {
				t.Errorf("%s in %s is in no part", m[1], dir)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if !matched[p.name] {
			t.Errorf("part %s matches no benchmark of %s", p.name, p.dir)
		}
	}
	for _, s := range sections {
		for _, r := range s.rows {
			for _, of := range []string{r.of, r.beside} {
				if name, _, _ := strings.Cut(strings.Fields(of + " ?")[0], "/"); of != "" && !named[name] {
					t.Errorf("%s is of %q; there is no such benchmark", r.what, name)
				}
			}
		}
	}
}

func TestLinesOfBenchmarksAreRead(t *testing.T) {
	for _, c := range []struct {
		text, benchmark string
		values          map[string]float64
	}{
		{"BenchmarkDecide-2   \t   15270\t     22690 ns/op\t        96.10 p99-µs", "Decide", map[string]float64{"ns/op": 22690, "p99-µs": 96.1}},
		{"BenchmarkReceive/inflight=64/postgres \t 1\t 3 p50-ms", "Receive/inflight=64/postgres", map[string]float64{"p50-ms": 3}},
		{"goos: linux", "", nil}, {"ok  \taurora/store 1.2s", "", nil}, {"BenchmarkX-2 1 many ns/op", "", nil}, {"BenchmarkX-2 --- FAIL: now", "", nil},
	} {
		got, ok := parseLine(c.text)
		if ok != (c.benchmark != "") || got.benchmark != c.benchmark || !cmp.Equal(got.values, c.values) {
			t.Errorf("%q: %+v, %v", c.text, got, ok)
		}
	}
}

func TestFiguresAreSaidWithTheirAims(t *testing.T) {
	found := figures{sample("A", "p99-ms"): {60, 40, 55}, sample("B", "p99-ms"): {1234.5}, sample("N", "refused"): {0, 0}, sample("R", "ratio"): {1.104}}
	for _, c := range []struct {
		row  row
		want measured
	}{
		{row{of: sample("A", "p99-ms"), atMost: 50, peer: "B", beside: sample("B", "p99-ms")}, measured{"55 ms", "40 ms – 60 ms", "**missed:** ≤ 50 ms", "B: 1,230 ms", 3}},
		{row{of: sample("A", "p99-ms"), atMost: 55}, measured{"55 ms", "40 ms – 60 ms", "≤ 55 ms", "", 3}},
		{row{of: sample("N", "refused"), exact: true}, measured{"0", "0 – 0", "0", "", 2}},
		{row{of: sample("N", "refused"), atMost: 1, exact: true}, measured{"0", "0 – 0", "**missed:** 1", "", 2}},
		{row{of: sample("R", "ratio"), atMost: 1.1}, measured{"1.10 ×", "one run", "**missed:** ≤ 1.10 ×", "", 1}},
	} {
		got := c.row.measured(found)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(measured{})); diff != "" {
			t.Error(diff)
		}
	}
	if got := (row{of: sample("gone", "ns/op"), atMost: 1000}).measured(found); got.median != "not measured" || got.aim != "≤ 1 µs" {
		t.Errorf("a row without figures: %+v", got)
	}
}

func TestValuesAreShownForPeople(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{
		{22690, "ns/op", "23 µs"}, {19.96e6, "ns/op", "20 ms"}, {0.634, "p50-ms", "634 µs"}, {148.4, "answers/s", "148 a second"}, {2314, "acks/s", "2,310 a second"},
		{107.3, "RSS-MB", "107 MB"}, {0.9049, "ratio", "0.90 ×"}, {99.7, "renewals", "100"}, {3, "refused", "3"}, {12.3e9, "ns/op", "12 s"}, {640, "ns/op", "640 ns"},
	} {
		if got := show(c.value, c.unit); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestAPartMeasuredAnewTakesItsOldPlace(t *testing.T) {
	kept := []record{{part: "gone"}, {part: "store", machine: "m1"}, {part: "policy", machine: "m1"}}
	got := merge(kept, []record{{part: "policy", machine: "m2"}})
	want := []record{{part: "policy", machine: "m2"}, {part: "store", machine: "m1"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"policy: m2", "store: m1"}, machines(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAWrongCommandLineSaysWhatThereIs(t *testing.T) {
	for _, args := range [][]string{{"-only", "nothing"}, {"-rounds", "0"}, {"executor"}} {
		if _, err := parseArgs(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	a, err := parseArgs([]string{"-only", "executor,policy"}, &bytes.Buffer{})
	if err != nil || len(a.chosen()) != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}
