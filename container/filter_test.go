package container_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// filterEnv is the filter of a filteredDriver: "call:ERROR".
const filterEnv = "CONTAINER_TEST_FILTER"

// filteredDriver is runDriver under a seccomp filter, as inside an engine's container.
func filteredDriver(args []string) int {
	if err := filterCalls(os.Getenv(filterEnv)); err != nil {
		fmt.Fprintln(os.Stderr, "filter:", err)
		return 202
	}
	return runDriver(args)
}

func filterCalls(text string) error {
	name, result, _ := strings.Cut(text, ":")
	call := map[string]prog.Call{"clone3": prog.Clone3, "fsopen": prog.Fsopen, "sethostname": prog.Sethostname}[name]
	errno := map[string]unix.Errno{"ENOSYS": unix.ENOSYS, "EPERM": unix.EPERM}[result]
	nr, err := call.Number(runtime.GOARCH)
	if err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(nr)},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0x00050000 | uint32(errno)}, // SECCOMP_RET_ERRNO
		{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fff0000},                 // SECCOMP_RET_ALLOW
	}
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// All threads: Go has several by now. seccomp(2)
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if e != 0 {
		return e
	}
	return nil
}
