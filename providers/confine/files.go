package confine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// What any program on the machine needs to read: libraries, certificates, names of time zones, and so on.
var systemFiles = []string{
	"/usr", "/lib", "/lib32", "/lib64", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ca-certificates.conf",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf",
	"/etc/resolv.conf", "/etc/gai.conf", "/etc/passwd", "/etc/group", "/etc/services", "/etc/protocols", "/etc/mime.types",
	"/etc/os-release", "/etc/debian_version", "/etc/python3", "/etc/python3.*", "/etc/timezone",
	"/proc/cpuinfo", "/proc/meminfo", "/proc/version", "/proc/stat", "/proc/filesystems", "/sys/devices/system/cpu",
	"/dev/random", "/dev/urandom", "/dev/zero",
}

// What the kernel itself executes to start a dynamically linked program.
var loaders = []string{"/lib/ld-*", "/lib64/ld-*", "/lib/*/ld-*"}

// Rights by what they are for.
const (
	mayRead = ll.AccessFSReadFile | ll.AccessFSReadDir
	mayRun  = mayRead | ll.AccessFSExecute
	mayKeep = mayRead | ll.AccessFSWriteFile | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir |
		ll.AccessFSMakeReg | ll.AccessFSMakeFifo | ll.AccessFSMakeSym | ll.AccessFSRefer | ll.AccessFSTruncate
	onFiles = ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSReadFile | ll.AccessFSTruncate
)

// handled are the rights that a version of Landlock knows, all of which are taken away before some are given.
func handled(abi int) ll.RulesetAttr {
	var a ll.RulesetAttr
	count := 13
	for _, since := range []int{2, truncationSince, 5, 9} { // refer, truncate, ioctl, unix sockets
		if abi >= since {
			count++
		}
	}
	a.HandledAccessFS = 1<<count - 1
	if abi >= 4 {
		a.HandledAccessNet = ll.AccessNetBindTCP | ll.AccessNetConnectTCP
	}
	if abi >= signalsSince {
		a.Scoped = ll.ScopeAbstractUnixSocket | ll.ScopeSignal
	}
	if abi >= 10 {
		a.HandledAccessNet |= ll.AccessNetBindUDP | ll.AccessNetConnectSendUDP
	}
	return a
}

// restrict puts the thread under Landlock's rules, as far as this kernel has them.
func (k keeperOf) restrict() error {
	if k.Strength.Landlock == 0 {
		return nil
	}
	attr := handled(k.Strength.Landlock)
	set, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return fmt.Errorf("make Landlock's rules: %w", err)
	}
	defer func() { _ = unix.Close(set) }()
	r := rules{set, attr.HandledAccessFS}
	if err := errors.Join(r.add(systemFiles, mayRead), r.add(loaders, mayRun), r.add(k.Read, mayRun), r.add([]string{k.Program}, mayRun),
		r.add([]string{"/dev/null"}, mayRead|ll.AccessFSWriteFile|ll.AccessFSTruncate), r.add([]string{k.Dir}, mayKeep)); err != nil {
		return err
	}
	if err := k.ports(set, attr.HandledAccessNet); err != nil {
		return err
	}
	if err := ll.LandlockRestrictSelf(set, 0); err != nil {
		return fmt.Errorf("put Landlock's rules in force: %w", err)
	}
	return nil
}

// ports names the ports that the kernel lets the program connect to. There are none where the keeper connects for it.
func (k keeperOf) ports(set int, net uint64) error {
	if net == 0 || k.Strength.Connect {
		return nil
	}
	for _, at := range k.Reach {
		rule := ll.NetPortAttr{AllowedAccess: ll.AccessNetConnectTCP, Port: uint64(at.Port())}
		if err := ll.LandlockAddNetPortRule(set, &rule, 0); err != nil {
			return fmt.Errorf("allow port %d: %w", at.Port(), err)
		}
	}
	return nil
}

// rules are Landlock's, while they are made.
type rules struct {
	set     int
	handled uint64
}

// add gives rights on what the patterns name. What is not there needs no right.
func (r rules) add(patterns []string, rights uint64) error {
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil { // a path with brackets in it
			found = []string{pattern}
		}
		for _, path := range found {
			if err := r.addPath(path, rights); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r rules) addPath(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= onFiles
	}
	rule := ll.PathBeneathAttr{AllowedAccess: rights & r.handled, ParentFd: fd}
	if err := ll.LandlockAddPathBeneathRule(r.set, &rule, 0); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	return nil
}
