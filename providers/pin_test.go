package providers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/store"
)

func TestAProgramThatWasExchangedIsNotRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do  func(file string) error
		run bool
	}{
		"as it was":             {func(string) error { return nil }, true},
		"touched":               {func(f string) error { return os.Chtimes(f, time.Unix(1, 0), time.Unix(1, 0)) }, true},
		"the same, copied over": {func(f string) error { return rewrite(f, func(s string) string { return s }) }, true},
		"another of its length": {func(f string) error {
			return rewrite(f, func(s string) string { return strings.Replace(s, "echo hello", "echo loots", 1) })
		}, false},
		"its time set back": {func(f string) error {
			info, err := os.Stat(f)
			if err != nil {
				return err
			}
			if err := os.WriteFile(f, []byte("#!/bin/sh\necho loots\n"), 0o700); err != nil {
				return err
			}
			return os.Chtimes(f, info.ModTime(), info.ModTime())
		}, false},
		"gone":                     {os.Remove, false},
		"others may write into it": {func(f string) error { return os.Chmod(f, 0o722) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.connect(store.AWS, "c1", "111122223333")
			root := tree(t, map[string]string{"bin/aws": "#!@ROOT/bin/python3\necho hello\n"})
			if err := os.Symlink("/bin/sh", filepath.Join(root, "bin/python3")); err != nil {
				t.Fatal(err)
			}
			program := Locate(filepath.Join(root, "bin"))["aws"]
			if program.Err != nil {
				t.Fatal(program.Err)
			}
			program.Flags = nil // the interpreter is a shell here
			b.Programs["aws"] = program
			if err := c.do(program.Entry); err != nil {
				t.Fatal(err)
			}
			r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
			if c.run {
				if r.Status != StatusOK || !strings.Contains(r.Output, "hello") || !strings.HasPrefix(r.Sections[0].Program, "aws sha256:"+program.SHA256[:12]) {
					t.Errorf("%+v", r)
				}
				return
			}
			wantCode(t, r, CodeUnavailable, "not the one that was there", "restart")
			if r.Ran() || len(b.ledger.intents) != 0 || strings.Contains(r.Output, "loots") {
				t.Errorf("it ran: %+v", r)
			}
		})
	}
}

// TestAProgramThatWasExchangedBetweenTwoTriesIsNotRunAgain has the cloud throttle the first, and the program exchanged
// while Aurora waits.
func TestAProgramThatWasExchangedBetweenTwoTriesIsNotRunAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.Patience = time.Millisecond
	b.connect(store.AWS, "c1", "111122223333")
	root := tree(t, map[string]string{"bin/aws": "#!@ROOT/bin/python3\n" +
		"echo '#!@ROOT/bin/python3' > @ROOT/bin/aws\necho 'echo loots' >> @ROOT/bin/aws\necho 'An error occurred (SlowDown)' >&2\nexit 1\n"})
	if err := os.Symlink("/bin/sh", filepath.Join(root, "bin/python3")); err != nil {
		t.Fatal(err)
	}
	program := Locate(filepath.Join(root, "bin"))["aws"]
	program.Flags = nil // the interpreter is a shell here
	b.Programs["aws"] = program
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	wantCode(t, r, CodeUnavailable, "not the one that was there", "restart")
	if strings.Contains(r.Output, "loots") {
		t.Errorf("it ran: %+v", r)
	}
}

func rewrite(file string, change func(string) string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", []byte(change(string(raw))), 0o700); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func TestReleasesAreReadWithoutRunningAnything(t *testing.T) {
	t.Parallel()
	const python = "#!@ROOT/bin/python3\n"
	for name, c := range map[string]struct {
		program, want, foreign string
		files                  map[string]string
	}{
		"aws 1":            {"aws", "1.45.11", "", map[string]string{"bin/aws": python, "bin/python3": "x", "lib/python3.11/site-packages/awscli-1.45.11.dist-info/x": ""}},
		"aws of Debian":    {"aws", "2.9.19", "", map[string]string{"bin/aws": python, "bin/python3": "x", "lib/python3/dist-packages/awscli-2.9.19.egg-info/x": ""}},
		"aws too old":      {"aws", "1.44.2", "policy knows 1.45 and 2", map[string]string{"bin/aws": python, "bin/python3": "x", "lib/python3.11/site-packages/awscli-1.44.2.dist-info/x": ""}},
		"az":               {"az", "2.45.0", "", map[string]string{"bin/az": python, "bin/python3": "x", "lib/python3/dist-packages/azure_cli-2.45.0-py3.11.egg-info/x": ""}},
		"az, newer":        {"az", "2.70.0", "policy knows 2.45", map[string]string{"bin/az": python, "bin/python3": "x", "lib/python3/dist-packages/azure_cli-2.70.0.dist-info/x": ""}},
		"gcloud":           {"gcloud", "528.0.0", "", map[string]string{"bin/gcloud": "#!/bin/sh\nCLOUDSDK_ROOT_DIR=x\n", "lib/gcloud.py": "x", "platform/bundledpythonunix/bin/python3": "x", "VERSION": "528.0.0\n"}},
		"gcloud, nonsense": {"gcloud", "", "", map[string]string{"bin/gcloud": "#!/bin/sh\nCLOUDSDK_ROOT_DIR=x\n", "lib/gcloud.py": "x", "platform/bundledpythonunix/bin/python3": "x", "VERSION": "<script>"}},
		"nobody says":      {"scw", "", "", map[string]string{"bin/scw": "\x7fELF"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Locate(filepath.Join(tree(t, c.files), "bin"))[c.program]
			if p.Err != nil || p.Release != c.want {
				t.Errorf("%q, %v", p.Release, p.Err)
			}
			if got := p.Foreign(); (got == "") != (c.foreign == "") || !strings.Contains(got, c.foreign) {
				t.Errorf("foreign: %q", got)
			}
		})
	}
}
