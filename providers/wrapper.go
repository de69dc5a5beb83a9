package providers

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Python programs run isolated: PYTHON* variables, the user's site packages and the working directory are ignored.
const isolated = "-I"

var (
	pyenvRoot = regexp.MustCompile(`(?m)^export PYENV_ROOT="?([^"\n]+)"?$`)
	azureRun  = regexp.MustCompile(`(?m)python[0-9.]*"?\s[^\n]*-[A-Za-z]*m\s+azure\.cli\b`)
)

// locate finds a program and looks through what stands in front of it: pyenv's shims, gcloud's shell wrappers.
func locate(name string, path []string) (Program, error) {
	file, err := find(name, path)
	if err != nil {
		return Program{}, err
	}
	head, err := readHead(file)
	if err != nil {
		return Program{}, err
	}
	switch {
	case !bytes.HasPrefix(head, []byte("#!")):
		return Program{Entry: file}, nil
	case isPython(shebang(head)):
		return pythonScript(file, head, path)
	case pyenvRoot.Match(head):
		return locatePyenv(name, string(pyenvRoot.FindSubmatch(head)[1]))
	case bytes.Contains(head, []byte("CLOUDSDK_ROOT_DIR")):
		return googleProgram(name, file, path)
	case azureRun.Match(head):
		return azureModule(file, path)
	}
	return Program{}, fmt.Errorf("%s is a wrapper script of a kind Aurora does not know; put the real program first on PATH", file)
}

// find gives the first executable of that name on the path, symbolic links resolved.
func find(name string, path []string) (string, error) {
	for _, dir := range path {
		if !filepath.IsAbs(dir) {
			continue // a relative entry would depend on where the process was started
		}
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			continue
		}
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			return "", fmt.Errorf("resolve %s: %w", file, err)
		}
		return real, nil
	}
	return "", fmt.Errorf("%s is %w", name, errNotInstalled)
}

// readHead reads as much of a file as a wrapper script can be long.
func readHead(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	head, err := bufio.NewReaderSize(f, 32<<10).Peek(32 << 10)
	if len(head) == 0 && err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return head, nil
}

func shebang(head []byte) []string {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return strings.Fields(strings.TrimPrefix(string(line), "#!"))
}

func isPython(words []string) bool {
	return len(words) > 0 && strings.Contains(filepath.Base(words[len(words)-1]), "python")
}

func pythonScript(file string, head []byte, path []string) (Program, error) {
	words := shebang(head)
	interpreter := words[0]
	if filepath.Base(interpreter) == "env" {
		var err error
		if interpreter, err = findPython(words[len(words)-1], path); err != nil {
			return Program{}, err
		}
	}
	if _, err := os.Stat(interpreter); err != nil {
		return Program{}, fmt.Errorf("interpreter of %s: %w", file, err)
	}
	return Program{Interpreter: interpreter, Flags: []string{isolated}, Entry: file}, nil
}

// findPython finds an interpreter and looks through a pyenv shim. Its own links stay: a virtual environment's python
// finds its packages by the name it is called by.
func findPython(name string, path []string) (string, error) {
	for _, dir := range path {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		head, err := readHead(file)
		if err != nil {
			return "", err
		}
		root := pyenvRoot.FindSubmatch(head)
		if root == nil {
			return file, nil
		}
		return pyenvFile(name, string(root[1]))
	}
	return "", fmt.Errorf("%s is %w", name, errNotInstalled)
}

func locatePyenv(name, root string) (Program, error) {
	file, err := pyenvFile(name, root)
	if err != nil {
		return Program{}, err
	}
	head, err := readHead(file)
	if err != nil {
		return Program{}, err
	}
	if isPython(shebang(head)) {
		return pythonScript(file, head, nil)
	}
	return Program{Entry: file}, nil
}

// pyenvFile finds the file behind a shim: in the global version, else in the newest that has it.
func pyenvFile(name, root string) (string, error) {
	var dirs []string
	if raw, err := os.ReadFile(filepath.Join(root, "version")); err == nil {
		for _, v := range strings.Fields(string(raw)) {
			dirs = append(dirs, filepath.Join(root, "versions", v))
		}
	}
	all, err := filepath.Glob(filepath.Join(root, "versions", "*"))
	if err != nil {
		return "", fmt.Errorf("look through %s: %w", root, err)
	}
	slices.Reverse(all)
	for _, dir := range append(dirs, all...) {
		file := filepath.Join(dir, "bin", name)
		if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s is %w in any of pyenv's versions under %s", name, errNotInstalled, root)
}

// googleEntries are what the wrappers of Google's tools start in the end. The starters between them only find out whose
// token it is, which a run is told.
var googleEntries = map[string]string{"gcloud": "lib/gcloud.py", "gsutil": "platform/gsutil/gsutil", "bq": "platform/bq/bq.py"}

// googleProgram resolves gcloud, gsutil and bq: their wrappers only choose a Python.
func googleProgram(name, file string, path []string) (Program, error) {
	root := filepath.Dir(filepath.Dir(file))
	entry := filepath.Join(root, googleEntries[name])
	if _, err := os.Stat(entry); err != nil {
		return Program{}, fmt.Errorf("look behind %s: %w", file, err)
	}
	python := filepath.Join(root, "platform", "bundledpythonunix", "bin", "python3")
	// gsutil and bq import what lies beside them, which isolation would hide; the working directory is still not looked
	// into. -S is what gcloud's own wrapper says.
	flags := []string{"-E", "-s"}
	if name == "gcloud" {
		flags = []string{isolated, "-S"}
	}
	if _, err := os.Stat(python); err != nil {
		if python, err = findPython("python3", path); err != nil {
			return Program{}, fmt.Errorf("python for %s: %w", name, err)
		}
	}
	env := map[string]string{
		"CLOUDSDK_ROOT_DIR": root, "CLOUDSDK_PYTHON": python, "CLOUDSDK_PYTHON_ARGS": strings.Join(flags, " "), "PYTHONIOENCODING": "UTF-8",
	}
	if name != "gcloud" {
		env["CLOUDSDK_WRAPPER"] = "1" // as their starters say: no look for updates
	}
	return Program{Interpreter: python, Flags: flags, Entry: entry, Env: env}, nil
}

// azureModule resolves the az of Microsoft's own packages: a shell script beside its Python that runs the module.
func azureModule(file string, path []string) (Program, error) {
	python := filepath.Join(filepath.Dir(file), "python3")
	if _, err := os.Stat(python); err != nil {
		if python, err = findPython("python3", path); err != nil {
			return Program{}, fmt.Errorf("python for az: %w", err)
		}
	}
	lib := filepath.Join(filepath.Dir(filepath.Dir(file)), "lib")
	main, err := filepath.Glob(filepath.Join(lib, "python3*", "*-packages", "azure", "cli", "__main__.py"))
	if err != nil || len(main) == 0 {
		return Program{}, fmt.Errorf("look behind %s: %w", file, fs.ErrNotExist)
	}
	return Program{Interpreter: python, Flags: []string{isolated}, Entry: main[0]}, nil
}
