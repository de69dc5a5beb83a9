package confine

import "golang.org/x/sys/unix"

// olderAttributes are what attributeCalls took the place of, where a kernel still has it.
var olderAttributes = []uint32{unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
