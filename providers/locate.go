package providers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aurora/store"
)

// Programs are the CLIs found on this machine, by name (aws, gcloud, ...).
type Programs map[string]Program

// Program is one CLI, resolved past its wrapper scripts. The zero value is a CLI that is not there.
type Program struct {
	Name        string
	Interpreter string   // what is executed when Entry is a script; empty when Entry is itself executed
	Flags       []string // the interpreter's
	Entry       string   // the entry file or the binary, symbolic links resolved
	SHA256      string   // of Entry, hex
	Release     string   // its number, as its installation says; "" when that cannot be told
	Installed   []string // what of its installation it reads and runs, besides the system's libraries
	Env         map[string]string
	Err         error // why it cannot be used; nil when it can

	pins []pin // what is executed, as it was found
}

// known is what Aurora can drive with a CLI, and what to tell people who do not have it.
var known = []struct {
	name, install string
	cloud         store.Cloud
}{
	{"aws", "Install the AWS CLI: apt-get install awscli, or see https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html", store.AWS},
	{"gcloud", "Install the Google Cloud CLI: see https://cloud.google.com/sdk/docs/install", store.GCP},
	{"gsutil", "Install the Google Cloud CLI, which brings gsutil: see https://cloud.google.com/sdk/docs/install", store.GCP},
	{"bq", "Install the Google Cloud CLI, which brings bq: see https://cloud.google.com/sdk/docs/install", store.GCP},
	{"az", "Install the Azure CLI: apt-get install azure-cli, or see https://learn.microsoft.com/cli/azure/install-azure-cli", store.Azure},
	{"scw", "Install the Scaleway CLI: see https://github.com/scaleway/scaleway-cli", store.Scaleway},
}

// CloudOf gives the cloud that a program drives; false when it is none of ours.
func CloudOf(program string) (store.Cloud, bool) {
	for _, k := range known {
		if k.name == program {
			return k.cloud, true
		}
	}
	switch program {
	case "tailscale":
		return store.Tailscale, true
	case "ovhcloud":
		return store.OVH, true
	}
	return "", false
}

// Install says how to get a CLI, as a sentence for people.
func Install(program string) string {
	for _, k := range known {
		if k.name == program {
			return k.install
		}
	}
	return "Aurora does not know how to install " + program + "."
}

// Locate finds the CLIs on a search path as in PATH. It runs nothing: wrapper scripts are read, not executed. Every
// known CLI is in the result; Err says which cannot be used and why.
func Locate(path string) Programs {
	found := Programs{}
	for _, k := range known {
		p, err := locate(k.name, filepath.SplitList(path))
		p.Name = k.name
		if err == nil {
			p, err = p.examined()
		}
		p.Err = err
		found[k.name] = p
	}
	return found
}

// examined notes what the program is made of.
func (p Program) examined() (Program, error) {
	pins, err := pinned(p)
	if err != nil {
		return p, err
	}
	p.pins, p.SHA256 = pins, pins[0].sha256
	p.Installed, p.Release = installed(p), release(p)
	return p, nil
}

// Command gives the argv that executes the program with these words; argv[0] of the words is the program's name.
func (p Program) Command(argv []string) []string {
	var full []string
	if p.Interpreter != "" {
		full = append(append(full, p.Interpreter), p.Flags...)
	}
	return append(append(full, p.Entry), argv[1:]...)
}

// Version asks the program for its version, within half a minute; the first line of what it says. confine may be nil.
func (p Program) Version(ctx context.Context, confine Sandbox) (string, error) {
	if p.Err != nil {
		return "", p.Err
	}
	word := "--version"
	if p.Name == "bq" || p.Name == "gsutil" || p.Name == "scw" {
		word = "version"
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	run := process{argv: p.Command([]string{p.Name, word}), env: p.Env, limit: 64 << 10, sandbox: confine, read: p.Installed}
	out, err := run.run(ctx)
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", p.Name, err)
	}
	text := bytes.TrimSpace(out.Stdout)
	if len(text) == 0 { // old Python programs print it to stderr
		text = bytes.TrimSpace(out.Stderr)
	}
	if out.ExitCode != 0 || len(text) == 0 {
		return "", fmt.Errorf("ask %s for its version: exit status %d: %s", p.Name, out.ExitCode, Clean(string(out.Stderr)))
	}
	first, _, _ := strings.Cut(Clean(string(text)), "\n")
	return first, nil
}

// Learn runs the program with these words in a private directory, without any credential and with no network where confine
// takes that away, and gives the file that it left among the session's files: what it tells about itself. A program that is
// not what Locate found is not run. confine may be nil.
func (p Program) Learn(ctx context.Context, confine Sandbox, s Session, file string, words ...string) ([]byte, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	if err := p.Unchanged(); err != nil {
		return nil, fmt.Errorf("have %s tell about itself: %w", p.Name, err)
	}
	dir, err := os.MkdirTemp("", "learn-")
	if err != nil {
		return nil, fmt.Errorf("make private directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // holds nothing of anybody's
	env := maps.Clone(s.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, p.Env)
	run := process{
		argv: p.Command(append([]string{p.Name}, words...)), env: env, files: s.Files, within: s.FilesEnv, limit: 64 << 10,
		sandbox: confine, read: p.Installed,
	}
	out, err := run.runIn(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("have %s tell about itself: %w", p.Name, err)
	}
	if out.ExitCode != 0 {
		return nil, fmt.Errorf("have %s tell about itself: exit status %d", p.Name, out.ExitCode)
	}
	return os.ReadFile(filepath.Join(dir, "files", filepath.Base(file)))
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // read only
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

var errNotInstalled = errors.New("not installed")
