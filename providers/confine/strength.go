package confine

import (
	"fmt"
	"runtime"
	"strings"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Strength is what this kernel lets Aurora put around a program.
type Strength struct {
	Landlock int  `json:"landlock"` // the version of its interface; 0 when there is none
	Calls    bool `json:"calls"`    // system calls can be filtered: no socket but TCP, no look into other processes
	Connect  bool `json:"connect"`  // the keeper connects for the program, to nothing but what it may reach
}

// examine tries everything on a thread that ends with it.
func examine() Strength {
	found := make(chan Strength)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no more use
		var s Strength
		if v, err := ll.LandlockGetABIVersion(); err == nil && v > 0 {
			s.Landlock = v
		}
		if unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == nil {
			s = tryFilters(s)
		}
		found <- s
	}()
	return <-found
}

// The first Linux in which a keeper can hand a socket over.
const handsOver = "5.9"

func tryFilters(s Strength) Strength {
	if architectures[runtime.GOARCH] == 0 {
		return s
	}
	fd, err := filterCalls(Strength{Calls: true, Connect: true})
	if err == nil {
		_ = unix.Close(fd)
		s.Calls, s.Connect = true, newer(kernel(), handsOver)
		return s
	}
	_, err = filterCalls(Strength{Calls: true})
	s.Calls = err == nil
	return s
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "0.0"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// newer compares two releases of Linux by their first two numbers.
func newer(release, than string) bool {
	var a, b, c, d int
	if _, err := fmt.Sscanf(release, "%d.%d", &a, &b); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(than, "%d.%d", &c, &d); err != nil {
		return false
	}
	return a > c || a == c && b >= d
}

// Network tells whether a program that does not want to keep to its proxy is made to.
func (s Strength) Network() bool { return s.Connect }

// Lacks says, for whoever runs Aurora, what this kernel leaves open and what to do about it; nothing when all is in
// force.
func (s Strength) Lacks() []string {
	var lacks []string
	switch {
	case s.Landlock == 0:
		lacks = append(lacks, "files are not confined, and signals reach other processes of the same user: boot a Linux of at least 6.12 with lsm=landlock,...")
	case s.Landlock < signalsSince:
		lacks = append(lacks, "a program can send signals to other processes of the same user, Aurora among them: use a Linux of at least 6.12")
	}
	if s.Landlock > 0 && !s.Calls {
		lacks = append(lacks, "a program can change the rights, owner and times of files that it cannot write"+s.truncation()+": allow seccomp(2) in the container's profile")
	}
	switch {
	case s.Connect:
	case s.Calls && s.Landlock >= 4:
		lacks = append(lacks, "a program can connect to its proxy's port on any machine: allow user notification of seccomp in the container's profile")
	case s.Calls:
		lacks = append(lacks, "a program can go around its proxy, by TCP: use a Linux of at least 5.9")
	default:
		lacks = append(lacks, "a program can go around its proxy and see other processes of the same user: allow seccomp(2) in the container's profile")
	}
	return lacks
}

// signalsSince and truncationSince are the versions of Landlock that see a signal to another process and a file that is
// cut by its name.
const (
	signalsSince    = 6
	truncationSince = 3
)

// truncation is what may be done to files besides where system calls are not filtered.
func (s Strength) truncation() string {
	if s.Landlock < truncationSince {
		return ", and cut them"
	}
	return ""
}

// String says what is in force, in a few words.
func (s Strength) String() string {
	parts := []string{"its own directory, environment and process group"}
	if s.Landlock > 0 {
		parts = append(parts, fmt.Sprintf("files by Landlock (version %d)", s.Landlock))
	}
	if s.Calls {
		parts = append(parts, "system calls by seccomp")
	}
	if s.Connect {
		parts = append(parts, "network to its proxy alone")
	}
	return strings.Join(parts, ", ")
}
