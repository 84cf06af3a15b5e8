package nsexec

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ended waits until the process has ended and returns how, and leaves it to be waited
// for: until [Process.Wait] its number is its own, and so is that of its process group.
// waitid(2), WNOWAIT
func (p *Process) Ended() (unix.WaitStatus, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PIDFD, p.pidfd, &info, unix.WEXITED|unix.WALL|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("waitid %d: %w", p.pid, err)
		}
		return waitStatus(info.Code, (*childInfo)(unsafe.Pointer(&info)).status), nil
	}
}
