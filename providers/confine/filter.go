package confine

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// forbiddenCalls are ways around the rest: into other processes, into other views of the machine, to sockets that no
// filter sees made, and to a server's place.
var forbiddenCalls = []uint32{
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSCONFIG, unix.SYS_FSPICK,
	unix.SYS_MOUNT_SETATTR, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD,
	unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_TRUNCATE, // by name, which Landlock sees from its version 3 on; what was opened can be cut all the same
}

// attributeCalls change a file's rights, owner, times and the like, which Landlock knows nothing of: the data directory
// has the same owner. Programs want them for their own files, which nobody else can open anyway, so they are told that it
// was done.
var attributeCalls = []uint32{
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT, unix.SYS_FILE_SETATTR,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT,
}

// Where the kernel puts what a filter looks at; the low half of an argument, on little-endian machines.
const (
	atCall = 0
	atArch = 4
	atArgs = 16
)

func argument(n uint32) uint32 { return atArgs + 8*n }

// architectures by the name Go gives them: a program of another one would have other numbers for its calls.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

const (
	namespaces  = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	socketKinds = 0xf // of a socket's type; the rest are flags
	otherABI    = 0x40000000
)

// filter is the program that the kernel runs at each system call. A socket is TCP or is not made; with mediated, every
// connect is decided by the keeper.
func filter(mediated bool) []unix.SockFilter {
	var b builder
	deny := uint32(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	b.load(atArch)
	b.unless(unix.BPF_JEQ, architectures[runtime.GOARCH], unix.SECCOMP_RET_KILL_PROCESS)
	b.load(atCall)
	if runtime.GOARCH == "amd64" {
		b.when(unix.BPF_JGE, otherABI, deny)
	}
	for _, call := range forbiddenCalls {
		b.when(unix.BPF_JEQ, call, deny)
	}
	for _, call := range append(attributeCalls[:len(attributeCalls):len(attributeCalls)], olderAttributes...) {
		b.when(unix.BPF_JEQ, call, unix.SECCOMP_RET_ERRNO) // the error 0: it is not made
	}
	b.on(unix.SYS_PRLIMIT64, func(b *builder) { // of another process: without files or time it ends
		b.load(argument(0))
		b.unless(unix.BPF_JEQ, 0, deny)
	})
	b.when(unix.BPF_JEQ, unix.SYS_CLONE3, unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)) // its flags cannot be seen; libraries fall back to clone
	b.on(unix.SYS_CLONE, func(b *builder) {
		b.load(argument(0))
		b.when(unix.BPF_JSET, namespaces, deny)
	})
	b.on(unix.SYS_SOCKET, filterSocket)
	// A first packet that carries data connects without connect.
	for call, flags := range map[uint32]uint32{unix.SYS_SENDTO: 3, unix.SYS_SENDMSG: 2, unix.SYS_SENDMMSG: 3} {
		b.on(call, func(b *builder) {
			b.load(argument(flags))
			b.when(unix.BPF_JSET, unix.MSG_FASTOPEN, deny)
		})
	}
	if mediated {
		b.when(unix.BPF_JEQ, unix.SYS_CONNECT, unix.SECCOMP_RET_USER_NOTIF)
	}
	b.ret(unix.SECCOMP_RET_ALLOW)
	return b.program
}

func filterSocket(b *builder) {
	deny := uint32(unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES))
	b.load(argument(0))
	b.skip(unix.BPF_JEQ, unix.AF_INET, 1)
	b.unless(unix.BPF_JEQ, unix.AF_INET6, deny)
	b.load(argument(1))
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: socketKinds})
	b.unless(unix.BPF_JEQ, unix.SOCK_STREAM, deny)
	b.load(argument(2)) // MPTCP and SCTP are streams too, of which Landlock knows nothing
	b.skip(unix.BPF_JEQ, 0, 1)
	b.unless(unix.BPF_JEQ, unix.IPPROTO_TCP, deny)
}

// builder puts a filter together.
type builder struct{ program []unix.SockFilter }

func (b *builder) load(at uint32) {
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at})
}

func (b *builder) ret(verdict uint32) {
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict})
}

// when ends with the verdict where the test is true.
func (b *builder) when(test uint16, value, verdict uint32) {
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jf: 1, K: value})
	b.ret(verdict)
}

// unless ends with the verdict where the test is false.
func (b *builder) unless(test uint16, value, verdict uint32) {
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jt: 1, K: value})
	b.ret(verdict)
}

// skip passes over the next test and its verdict where the test is true.
func (b *builder) skip(test uint16, value uint32, tests uint8) {
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jt: 2 * tests, K: value})
}

// on looks further at one call, and comes back to the number of the call.
func (b *builder) on(call uint32, look func(*builder)) {
	var inner builder
	look(&inner)
	inner.load(atCall)
	b.program = append(b.program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(len(inner.program)), K: call})
	b.program = append(b.program, inner.program...)
}
