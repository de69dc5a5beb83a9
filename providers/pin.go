package providers

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// pin is a file as it was when Aurora started.
type pin struct {
	path   string
	sha256 string
	stamp  stamp
}

// stamp changes with a file's content, and at times without it.
type stamp struct {
	device, inode uint64
	size          int64
	changed       syscall.Timespec // of content, name or rights; it cannot be set back
	mode          fs.FileMode
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	s := stamp{size: info.Size(), mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode, s.changed = sys.Dev, sys.Ino, sys.Ctim
	}
	return s, nil
}

// pinned notes what is executed: the entry, and the interpreter of one that is a script.
func pinned(p Program) ([]pin, error) {
	var pins []pin
	for _, path := range []string{p.Entry, p.Interpreter} {
		if path == "" {
			continue
		}
		at, err := stampOf(path)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", path, err)
		}
		sum, err := fileSHA256(path)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", path, err)
		}
		pins = append(pins, pin{path, sum, at})
	}
	return pins, nil
}

// Unchanged tells whether the program's files still are what Locate found. A file that was only touched is.
func (p Program) Unchanged() error {
	for _, was := range p.pins {
		now, err := stampOf(was.path)
		if err != nil {
			return fmt.Errorf("look at %s: %w", was.path, err)
		}
		if now == was.stamp {
			continue
		}
		sum, err := fileSHA256(was.path)
		if err != nil {
			return fmt.Errorf("look at %s: %w", was.path, err)
		}
		if sum != was.sha256 || now.mode != was.stamp.mode {
			return fmt.Errorf("%s is not the file it was when Aurora started", was.path)
		}
	}
	return nil
}

// changed is said of a program that is not what it was.
func changed(p Program, err error) *Problem {
	return &Problem{Code: CodeUnavailable, Err: err, Sentence: fmt.Sprintf(
		"The %s program on Aurora's machine is not the one that was there when Aurora started, so it was not run. "+
			"Whoever runs Aurora should restart it after an upgrade, and find out who changed %s when there was none.",
		p.Name, filepath.Base(p.Entry))}
}
