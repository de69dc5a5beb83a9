package providers

import (
	"path/filepath"
	"slices"
)

// installed lists what a program needs of its own installation to run.
func installed(p Program) []string {
	list := []string{p.Entry}
	if root := p.Env["CLOUDSDK_ROOT_DIR"]; root != "" {
		list = append(list, root)
	}
	if p.Interpreter == "" {
		list = append(list, bundle(p.Entry)...)
	} else {
		list = append(list, pythonFiles(p.Interpreter)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// bundle is the directory of a binary that was packed together with its libraries.
func bundle(entry string) []string {
	dir := filepath.Dir(entry)
	for _, sign := range []string{"_internal", "lib*.so*", "base_library.zip"} {
		if found, err := filepath.Glob(filepath.Join(dir, sign)); err == nil && len(found) > 0 {
			return []string{dir}
		}
	}
	return nil
}

// pythonFiles are an interpreter's own: as it is called, which may be in a virtual environment, and as it really is.
func pythonFiles(interpreter string) []string {
	list := []string{interpreter}
	real, err := filepath.EvalSymlinks(interpreter)
	if err != nil {
		real = interpreter
	}
	for _, file := range []string{interpreter, real} {
		prefix := filepath.Dir(filepath.Dir(file))
		if prefix == "/usr" || prefix == "/" {
			continue
		}
		for _, part := range []string{"bin", "lib", "lib64", "pyvenv.cfg"} {
			list = append(list, filepath.Join(prefix, part))
		}
	}
	return append(list, real)
}
