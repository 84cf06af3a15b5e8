package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

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

// prepared is all that a container is made of.
type prepared struct {
	held
	root     string // of all containers
	spec     container.Spec
	options  container.CreateOptions
	receiver *socket // of a pidfd
	untold   error   // why callers could not be told of its first process
}

func (p *prepared) close() {
	p.held.close()
	if p.receiver != nil {
		p.receiver.close()
	}
}

// prepare reads the bundle, and opens what the container needs of its caller.
func (m *maker) prepare(id string, death unix.Signal, signals *signals) (p *prepared, err error) {
	p = &prepared{held: held{pidfd: -1}}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	spec, warnings, err := m.bundle.load(m.g, id)
	if err != nil {
		return p, err
	}
	spec.ParentDeathSignal = death
	if spec.Bundle, err = m.bundle.absolute(); err != nil {
		return p, err
	}
	root, err := m.g.states()
	if err != nil {
		return p, err
	}
	host, err := m.g.probe(container.Probe)
	if err != nil {
		return p, err
	}
	const standard = 3 // input, output, error
	if p.console, err = openConsole(spec.Process.Terminal, standard+spec.Process.PreserveFDs, *m.consoleSocket, signals); err != nil {
		return p, fmt.Errorf("%s: %w", m.verb, err)
	}
	p.console.connect(&spec.Process)
	if *m.pidfdSocket != "" {
		if p.receiver, err = dial("--pidfd-socket", *m.pidfdSocket); err != nil {
			return p, fmt.Errorf("%s: %w", m.verb, err)
		}
	}
	m.g.log.warn(warnings)
	p.root, p.spec = root, spec
	p.options = container.CreateOptions{
		Host: &host, Warn: m.g.log.warn,
		Created: func(s container.State) error {
			p.pidfd, p.untold = m.tell(s.Pid, p.receiver)
			return p.untold
		},
	}
	return p, nil
}

// make makes a container, whose first process gets a signal when this one dies, if any.
// With signals this command stays, and what it has of the container has to be closed.
func (m *maker) make(id string, death unix.Signal, signals *signals) (*container.Container, held, error) {
	p, err := m.prepare(id, death, signals)
	if err != nil {
		return nil, held{}, err
	}
	c, err := m.create(id, p)
	if err != nil {
		p.close()
		return nil, held{}, err
	}
	if signals == nil {
		p.close()
	}
	return c, p.held, nil
}

func (m *maker) create(id string, p *prepared) (*container.Container, error) {
	c, err := container.Create(p.root, id, p.spec, p.options)
	if err != nil {
		return nil, m.failed(p, err)
	}
	return c, nil
}

// failed is the error of a container that could not be made. Which step was interrupted says
// nothing of a file that could not be written.
func (m *maker) failed(p *prepared, err error) error {
	if p.untold != nil && !strings.Contains(err.Error(), "\n") { // or its removal has failed as well
		return fmt.Errorf("%s: %w", m.verb, p.untold)
	}
	return m.g.explained(err)
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
