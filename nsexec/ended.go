package nsexec

import "golang.org/x/sys/unix"

// Ended waits until the process has ended and returns how, and leaves it to be waited
// for: until [Process.Wait] its number is its own, and so is that of its process group.
// waitid(2), WNOWAIT
func (p *Process) Ended() (unix.WaitStatus, error) { return p.waitid(unix.WNOWAIT) }
