package rtnl

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Within calls a function on a thread that is in a network namespace meanwhile. A thread that
// does not find back ends.
func Within(netns int, do func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			runtime.UnlockOSThread()
			result <- fmt.Errorf("/proc/thread-self/ns/net: %w", err)
			return
		}
		defer unix.Close(own)
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			result <- fmt.Errorf("setns to the container's network namespace, which needs CAP_SYS_ADMIN: %w", err)
			return
		}
		err = do()
		if back := unix.Setns(own, unix.CLONE_NEWNET); back == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
