package container

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// standard is the number of descriptors that every program has: input, output, error.
const standard = 3

// maxPreserved bounds how many descriptors more a program may have. Each costs four
// system calls, and the usual hard limit of open files is not far above it.
const maxPreserved = 1 << 16

func (c *compiler) checkDescriptors(wrong complaint) {
	if n := c.spec.Process.PreserveFDs; n < 0 || n > maxPreserved {
		wrong("process.preserveFDs", "%d: want 0 to %d", n, maxPreserved)
	}
}

// kept is how many descriptors the program keeps, from 0 on.
func (c *compiler) kept() int { return standard + c.spec.Process.PreserveFDs }

// handProgram hands down what the program keeps. All else that is handed down comes
// behind it, so that one close_range closes that and nothing else.
func (c *compiler) handProgram() {
	for _, name := range [standard]string{"stdin", "stdout", "stderr"} {
		c.hand(name)
	}
	for i := range c.spec.Process.PreserveFDs {
		c.hand(fmt.Sprintf("preserved%d", standard+i))
	}
}

// take puts the caller's descriptors that the program keeps behind its standard ones.
func (b Birth) take(extra []int, files []prog.FD) error {
	if want := b.Kept - standard; len(extra) != want {
		return fmt.Errorf("process.preserveFDs: the program has %d descriptors behind the standard ones, and %d are given", want, len(extra))
	}
	for i, fd := range extra {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return fmt.Errorf("process.preserveFDs: descriptor %d, for %d in the container: %w", fd, standard+i, err)
		}
		files[standard+i] = prog.FD{Num: fd, Name: b.Files[standard+i].Name}
	}
	return nil
}
