package providers

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"aurora/providers/policy"
)

// Where a program's release stands beside it: in the name of what a Python package left, in the path of a bundle.
var (
	packageRelease = regexp.MustCompile(`^(?:awscli|azure_cli)-([0-9][0-9A-Za-z.]*?)(?:-py[0-9.]+)?\.(?:dist|egg)-info$`)
	bundleRelease  = regexp.MustCompile(`/v2/([0-9]+\.[0-9]+\.[0-9]+)/`)
)

// release reads which release of a program this is, without running it; "" when that cannot be told.
func release(p Program) string {
	if root := p.Env["CLOUDSDK_ROOT_DIR"]; root != "" {
		raw, err := os.ReadFile(filepath.Join(root, "VERSION"))
		if err != nil {
			return ""
		}
		return plainRelease(strings.TrimSpace(string(raw)))
	}
	if m := bundleRelease.FindStringSubmatch(p.Entry); m != nil {
		return m[1]
	}
	if p.Interpreter != "" {
		return pythonRelease(p)
	}
	if info, err := buildinfo.ReadFile(p.Entry); err == nil {
		return plainRelease(strings.TrimPrefix(info.Main.Version, "v"))
	}
	return ""
}

// pythonRelease looks for the package that brought the entry, in the libraries beside it and in the interpreter's.
func pythonRelease(p Program) string {
	distribution := map[string]string{"aws": "awscli", "az": "azure_cli"}[p.Name]
	for _, file := range []string{p.Entry, p.Interpreter} {
		prefix := filepath.Dir(filepath.Dir(file))
		for _, lib := range []string{"lib/python3*", "local/lib/python3*", "lib64/python3*"} {
			found, err := filepath.Glob(filepath.Join(prefix, lib, "*-packages", distribution+"-*-info"))
			if err != nil || len(found) == 0 {
				continue
			}
			if m := packageRelease.FindStringSubmatch(filepath.Base(found[len(found)-1])); m != nil {
				return m[1]
			}
		}
	}
	return ""
}

var releaseNumber = regexp.MustCompile(`^[0-9]+(?:\.[0-9A-Za-z]+)*$`)

func plainRelease(text string) string {
	if !releaseNumber.MatchString(text) {
		return ""
	}
	return text
}

// Foreign says what follows from a program's release being another than the one policy's tables were made of; "" when it
// is the same, or cannot be told.
func (p Program) Foreign() string {
	made := policy.TableReleases(p.Name)
	if p.Release == "" || len(made) == 0 {
		return ""
	}
	for _, r := range made {
		if p.Release == r || strings.HasPrefix(p.Release, r+".") {
			return ""
		}
	}
	return p.Name + " is release " + p.Release + ", policy knows " + strings.Join(made, " and ") +
		": commands and flags that only the other has are refused as unknown"
}

// identity names the very program that ran, for the record.
func (p Program) identity() string {
	name := p.Name
	if p.Release != "" {
		name += " " + p.Release
	}
	if len(p.SHA256) >= 12 {
		name += " sha256:" + p.SHA256[:12]
	}
	return name
}
