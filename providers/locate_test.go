package providers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aurora/store"
)

// tree makes files below a directory; those under bin are executable.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o600)
		if base := filepath.Base(filepath.Dir(file)); base == "bin" || base == "shims" {
			mode = 0o700
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "@ROOT", root)), mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWrappersAreLookedThrough(t *testing.T) {
	t.Parallel()
	const shim = "#!/usr/bin/env bash\nexport PYENV_ROOT=\"@ROOT\"\nexec pyenv exec\n"
	const gcloud = "#!/bin/sh\nCLOUDSDK_ROOT_DIR=x\nexec python gcloud.py\n"
	for name, c := range map[string]struct {
		program     string
		files       map[string]string
		path        string
		interpreter string
		flags       []string
		entry       string
		err         string
	}{
		"binary":             {"scw", map[string]string{"bin/scw": "\x7fELF"}, "bin", "", nil, "bin/scw", ""},
		"python script":      {"aws", map[string]string{"bin/aws": "#!@ROOT/bin/python3\n", "bin/python3": "x"}, "bin", "bin/python3", []string{"-I"}, "bin/aws", ""},
		"python through env": {"aws", map[string]string{"bin/aws": "#!/usr/bin/env python3\n", "bin/python3": "x"}, "bin", "bin/python3", []string{"-I"}, "bin/aws", ""},
		"pyenv shim": {"aws", map[string]string{
			"shims/aws": shim, "version": "3.11.7\n", "versions/3.11.7/bin/aws": "#!@ROOT/versions/3.11.7/bin/python\n", "versions/3.11.7/bin/python": "x",
			"versions/3.12.0/bin/aws": "#!@ROOT/none\n",
		}, "shims", "versions/3.11.7/bin/python", []string{"-I"}, "versions/3.11.7/bin/aws", ""},
		"pyenv shim, newest": {"aws", map[string]string{
			"shims/aws": shim, "version": "system\n", "versions/3.9/bin/aws": "#!@ROOT/versions/3.9/bin/python\n", "versions/3.9/bin/python": "x",
		}, "shims", "versions/3.9/bin/python", []string{"-I"}, "versions/3.9/bin/aws", ""},
		"pyenv shim, nowhere": {"aws", map[string]string{"shims/aws": shim}, "shims", "", nil, "", "not installed"},
		"gcloud bundled": {"gcloud", map[string]string{"bin/gcloud": gcloud, "lib/gcloud.py": "x", "platform/bundledpythonunix/bin/python3": "x"},
			"bin", "platform/bundledpythonunix/bin/python3", []string{"-I", "-S"}, "lib/gcloud.py", ""},
		"gsutil": {"gsutil", map[string]string{"bin/gsutil": gcloud, "platform/gsutil/gsutil": "x", "bin/python3": "x"},
			"bin", "bin/python3", []string{"-E", "-s"}, "platform/gsutil/gsutil", ""},
		"gcloud without its library": {"gcloud", map[string]string{"bin/gcloud": gcloud}, "bin", "", nil, "", "look behind"},
		"az of the vendor": {"az", map[string]string{"bin/az": "#!/usr/bin/env bash\n$bin_dir/python3 -sm azure.cli \"$@\"\n", "bin/python3": "x",
			"lib/python3.11/site-packages/azure/cli/__main__.py": "x"}, "bin", "bin/python3", []string{"-I"}, "lib/python3.11/site-packages/azure/cli/__main__.py", ""},
		"unknown wrapper":  {"aws", map[string]string{"bin/aws": "#!/bin/sh\nexec docker run aws\n"}, "bin", "", nil, "", "does not know"},
		"not executable":   {"aws", map[string]string{"etc/aws": "#!/bin/sh\n"}, "etc", "", nil, "", "not installed"},
		"no interpreter":   {"aws", map[string]string{"bin/aws": "#!@ROOT/bin/python3\n"}, "bin", "", nil, "", "interpreter"},
		"nothing at all":   {"aws", nil, "bin", "", nil, "", "not installed"},
		"python not there": {"aws", map[string]string{"bin/aws": "#!/usr/bin/env python9\n"}, "bin", "", nil, "", "not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := tree(t, c.files)
			p := Locate("relative:" + filepath.Join(root, c.path))[c.program]
			if c.err != "" {
				if p.Err == nil || !strings.Contains(p.Err.Error(), c.err) {
					t.Errorf("error is %v, want %q", p.Err, c.err)
				}
				return
			}
			at := func(name string) string {
				if name == "" {
					return ""
				}
				return filepath.Join(root, name)
			}
			if p.Err != nil || p.Interpreter != at(c.interpreter) || p.Entry != at(c.entry) || !slices.Equal(p.Flags, c.flags) || len(p.SHA256) != 64 {
				t.Errorf("got %+v", p)
			}
			want := append([]string{at(c.interpreter)}, c.flags...)
			if c.interpreter == "" {
				want = nil
			}
			want = append(want, at(c.entry), "a b")
			if got := p.Command([]string{c.program, "a b"}); !slices.Equal(got, want) {
				t.Errorf("argv %q, want %q", got, want)
			}
		})
	}
}

func TestEveryProgramHasItsCloud(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]store.Cloud{
		"aws": store.AWS, "gcloud": store.GCP, "gsutil": store.GCP, "bq": store.GCP, "az": store.Azure, "scw": store.Scaleway,
		"tailscale": store.Tailscale, "ovhcloud": store.OVH,
	} {
		if got, ok := CloudOf(program); !ok || got != want {
			t.Errorf("%s is %s", program, got)
		}
	}
	for _, program := range []string{"", "sh", "kubectl", "AWS", "../aws", "/usr/bin/aws"} {
		if got, ok := CloudOf(program); ok {
			t.Errorf("%s is %s", program, got)
		}
	}
}
