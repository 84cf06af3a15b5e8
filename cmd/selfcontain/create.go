package main

import (
	"flag"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

const createText = `Everything is done but to execute the program of config.json, which "start" does. Its
standard input, output and error are those of this command. If anything fails nothing
is left of the container, and one line on standard error says why.

With "terminal": true in config.json --console-socket says who gets the other end.
`

func prepareCreate(g *global, f *flag.FlagSet) action {
	m := makerFlags(g, f)
	ignored(f, "no-subreaper")
	ignored(f, "detach")
	return func(args []string) (int, error) {
		id, err := containerID(f, args)
		if err != nil {
			return 0, err
		}
		_, _, err = m.make(id, 0, nil)
		return 0, err
	}
}

// ignored declares a flag that callers pass and that changes nothing here.
func ignored(f *flag.FlagSet, name string) {
	f.Bool(name, false, "nothing: it is what this command does")
}

// maker makes containers that others can find.
type maker struct {
	g             *global
	verb          string
	bundle        request
	pidFile       *string
	consoleSocket *string
	pidfdSocket   *string
}

// makerFlags declares the flags of a verb that makes one.
func makerFlags(g *global, f *flag.FlagSet) *maker {
	return &maker{
		g: g, verb: f.Name(), bundle: requestFlags(f),
		pidFile:       f.String("pid-file", "", "write the number of the container's first process to `FILE`"),
		consoleSocket: f.String("console-socket", "", "send the program's terminal to the unix socket at `PATH`"),
		pidfdSocket:   f.String("pidfd-socket", "", "send a pidfd of the container's first process to the unix socket at `PATH`"),
	}
}

// held is what this command has of a container that it has made.
type held struct {
	console console
	pidfd   int
}

func (h held) close() {
	h.console.close()
	if h.pidfd >= 0 {
		unix.Close(h.pidfd)
	}
}

// make makes a container, whose first process gets a signal when this one dies, if any.
// With signals this command stays, and what it has of the container has to be closed.
func (m *maker) make(id string, death unix.Signal, signals *signals) (*container.Container, held, error) {
	spec, warnings, err := m.bundle.load(m.g, id)
	if err != nil {
		return nil, held{}, err
	}
	spec.ParentDeathSignal = death
	dir, err := m.bundle.absolute()
	if err != nil {
		return nil, held{}, err
	}
	host, err := container.Probe()
	if err != nil {
		return nil, held{}, err
	}
	const standard = 3 // input, output, error
	console, err := openConsole(spec.Process.Terminal, standard+spec.Process.PreserveFDs, *m.consoleSocket, signals)
	made := held{console: console, pidfd: -1}
	if err != nil {
		return nil, made, fmt.Errorf("%s: %w", m.verb, err)
	}
	var receiver *socket
	if *m.pidfdSocket != "" {
		if receiver, err = dial("--pidfd-socket", *m.pidfdSocket); err != nil {
			made.close()
			return nil, made, fmt.Errorf("%s: %w", m.verb, err)
		}
		defer receiver.close()
	}
	m.g.log.warn(warnings)
	c, err := container.Create(m.g.root, id, spec, container.CreateOptions{
		Bundle: dir, Stdio: console.stdio, Host: &host, Warn: m.g.log.warn,
		Created: func(s container.State) error {
			var err error
			made.pidfd, err = m.tell(s.Pid, receiver)
			return err
		},
	})
	if err != nil {
		made.close()
		return nil, made, m.g.explained(err)
	}
	if signals == nil {
		made.close()
	}
	return c, made, nil
}

// tell tells callers of a container's first process. It is our child, which nobody else
// can wait for: the number is still its own.
func (m *maker) tell(pid int, receiver *socket) (pidfd int, err error) {
	pidfd, err = unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	if receiver != nil {
		// The name tells it from that of a process that is executed later.
		err = receiver.send("standard", pidfd)
	}
	if err == nil && *m.pidFile != "" {
		err = writePidFile(*m.pidFile, pid)
	}
	return pidfd, err
}
