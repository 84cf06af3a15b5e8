package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
)

// change alters what a bundle asks for. The texts are warnings.
type change func(*container.Spec) ([]string, error)

// asked is what the command line says of a bundle's process.
type asked struct {
	noKeyring, noPivot bool
	preserved          uint
}

// processFlags declares the flags of a verb that starts a bundle's process.
func processFlags(f *flag.FlagSet) *asked {
	a := &asked{}
	f.BoolVar(&a.noKeyring, "no-new-keyring", false, "leave the program the session keyring of this command")
	f.BoolVar(&a.noPivot, "no-pivot", false, "move the root file system instead of pivot_root(2), which does not work on an initramfs")
	f.UintVar(&a.preserved, "preserve-fds", 0, "leave `N` descriptors more open, from 3 on, behind those of LISTEN_FDS")
	return a
}

// change is for the container of this id.
func (a *asked) change(id string) change {
	return func(s *container.Spec) ([]string, error) {
		if !a.noKeyring {
			s.Keyring = "_ses." + id
		}
		s.Root.NoPivot = s.Root.NoPivot || a.noPivot
		sockets, err := listening(os.LookupEnv, os.Getpid())
		if err != nil {
			return nil, err
		}
		s.Process.PreserveFDs = int(min(uint(sockets)+a.preserved, maxDescriptors))
		if sockets == 0 {
			return nil, nil
		}
		return announce(s, sockets, os.LookupEnv), nil
	}
}

// maxDescriptors is more than there can be.
const maxDescriptors = 1 << 30

// listening is the number of sockets that systemd has opened for this process, from
// descriptor 3 on. sd_listen_fds(3)
func listening(lookup func(string) (string, bool), pid int) (int, error) {
	if owner, _ := lookup("LISTEN_PID"); owner != strconv.Itoa(pid) {
		return 0, nil // none, or another process's, whose environment we have
	}
	text, _ := lookup("LISTEN_FDS")
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("LISTEN_FDS=%q: want a number of descriptors", text)
	}
	return int(min(n, maxDescriptors)), nil
}

// announce tells the container's program of its sockets.
func announce(s *container.Spec, sockets int, lookup func(string) (string, bool)) (warnings []string) {
	s.Process.Env = slices.DeleteFunc(slices.Clone(s.Process.Env), func(v string) bool {
		return strings.HasPrefix(v, "LISTEN_FDS=") || strings.HasPrefix(v, "LISTEN_PID=") || strings.HasPrefix(v, "LISTEN_FDNAMES=")
	})
	pid := "1"
	if s.Init {
		pid = "2" // the first one that the init makes
	}
	if !s.Namespaces.Contains(clone.NEWPID) || s.Namespaces.PathOf(clone.NEWPID) != "" {
		warnings = append(warnings, "LISTEN_PID: it is 1 in the container, which the program's number will not be without a new pid namespace")
	}
	s.Process.Env = append(s.Process.Env, "LISTEN_FDS="+strconv.Itoa(sockets), "LISTEN_PID="+pid)
	if names, ok := lookup("LISTEN_FDNAMES"); ok {
		s.Process.Env = append(s.Process.Env, "LISTEN_FDNAMES="+names)
	}
	return warnings
}

// inherited lists the descriptors from 3 up to end, which this process must have been
// started with: those have no close-on-exec flag, or they would not be here, while
// everything that a Go program opens itself has it.
func inherited(end int) (list []int, err error) {
	for fd := 3; fd < end; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			return nil, fmt.Errorf("descriptor %d is not open: the program is to have all from 3 to %d (--preserve-fds, LISTEN_FDS)", fd, end-1)
		}
		list = append(list, fd)
	}
	return list, nil
}

// addHome gives the process HOME where its environment has none, as login(1) would.
func addHome(s *container.Spec) (warnings []string, err error) {
	if slices.ContainsFunc(s.Process.Env, func(v string) bool { return strings.HasPrefix(v, "HOME=") }) {
		return nil, nil
	}
	home, err := s.Home()
	if err != nil {
		home, warnings = "/", []string{fmt.Sprintf("process.env: HOME is /: %v", err)}
	}
	s.Process.Env = append(slices.Clone(s.Process.Env), "HOME="+home)
	return warnings, nil
}
