package nsexec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Config is a process to start.
type Config struct {
	// Image is what it runs.
	Image *Image
	// Namespaces are the CLONE_NEW flags of the namespaces to make. clone(2)
	Namespaces uintptr
	// Files are descriptors of the caller; number i becomes descriptor i of the
	// process. There are as many as were told to [Begin]. They stay open here.
	Files []prog.FD
	// Cgroup is a descriptor of the cgroup to be born in; 0 is the caller's own.
	// CLONE_INTO_CGROUP, Linux 5.7
	Cgroup int
	// Sync are the caller's parts at the program's points of [EmitSync], in order.
	// An error kills the process and is returned by [Start].
	Sync []func(*Process) error
	// Meanwhile, if it is there, is called when the process is born and at work, before it is
	// waited for. An error kills the process and is returned by [Start].
	Meanwhile func() error
	// Receive takes the descriptor that the program sends at its point of [EmitSend].
	// The program goes on when it has returned; the file is its own then. An error
	// closes the file, kills the process and is returned by [Start]. The descriptor
	// comes from a process that is not trusted: look at what it is before using it.
	Receive func(*os.File) error
	// Report is a descriptor of an empty file in which the report is kept, for another
	// process to look into ([Rest]); 0 is a file in memory that only this one has. The
	// process holds it open until it executes the user's program. It stays open here.
	Report int
	// Store says where the image lies while it is executed.
	Store Store
	// Record, if there is one, gets the times of what the caller's side does, and of
	// the image's operations if the image is a traced one, also where Start fails.
	Record *Record
	// Explain, if it is there, is asked about an exec that has failed and may fill in
	// [OpError.Cause]. root is a descriptor of the root directory of the mount
	// namespace in which the process was, for the time of the call, and -1 where it
	// cannot be reached any more.
	Explain func(root int, failed *OpError)
}

// Start makes the process and returns when its program has executed the user's, waits at
// its gate, stays for others ([EmitHold]), or has come to an exit of its own. If an operation fails, or the process is killed
// before that, nothing is left of it and the error is an [*OpError]. If it could not
// be made at all, the error is a [*CloneError].
func Start(c Config) (*Process, error) {
	if want := files(c.Image.program); len(c.Files) != want {
		return nil, fmt.Errorf("%d files are given and the program was begun with %d", len(c.Files), want)
	}
	list := []Store{c.Store}
	if c.Store == StoreAuto {
		list = stores[:]
	}
	var refused error
	for _, store := range list {
		p, err := start(c, store)
		if err == nil {
			return p, nil
		}
		// A host may refuse to make a memfd, or to execute one.
		var unusable *storeError
		if !errors.As(err, &unusable) {
			return nil, err
		}
		refused = errors.Join(refused, err)
	}
	return nil, refused
}

// storeError is an image that could not be put somewhere, or not be executed there.
type storeError struct {
	store Store
	err   error
}

func (e *storeError) Error() string { return fmt.Sprintf("no image in a %v: %v", e.store, e.err) }
func (e *storeError) Unwrap() error { return e.err }

func start(c Config, store Store) (*Process, error) {
	begun := c.Record.now()
	image, err := store.open(c.Image.data)
	c.Record.host(begun, RecordImage, err)
	if err != nil {
		return nil, &storeError{store, err}
	}
	defer unix.Close(image)
	report, err := openReport(c.Report)
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		unix.Close(report)
		return nil, fmt.Errorf("control socket: %w", err)
	}
	p := &Process{image: c.Image, outline: c.Image.outline(), report: report, control: pair[0], pidfd: -1, mounts: -1}
	returns := false
	defer func() {
		if !returns { // a function of the caller's has panicked, or has ended its goroutine
			p.abandon()
		}
	}()
	begun = c.Record.now()
	err = p.bear(c, handed(c.Files, report, pair[1]), prog.FD{Num: image, Name: "image"})
	c.Record.host(begun, RecordClone, err)
	unix.Close(pair[1]) // before the first read, or the end of file never comes
	if err == nil {
		p.remember(c)
		if c.Meanwhile != nil {
			err = c.Meanwhile()
		}
		if err == nil {
			err = p.accompany(c)
		}
	}
	c.Record.read(p)
	if err != nil {
		p.explain(c, err)
	}
	returns = true
	if err != nil {
		p.abandon()
		var op *OpError
		if errors.As(err, &op) && op.Op.Call == prog.Execveat && (op.Errno == unix.EACCES || op.Errno == unix.EPERM) && op.Origin == "clone" {
			return nil, &storeError{store, err}
		}
		return nil, err
	}
	p.forget()
	return p, nil
}

// abandon ends a process that has failed, and leaves nothing of it.
func (p *Process) abandon() {
	p.forget()
	p.kill()
	p.killForked()
	p.Close()
}

// CloneFlags are clone3's flags for every process that [Start] makes.
const CloneFlags = unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_CLEAR_SIGHAND | unix.CLONE_PIDFD

// bear gives birth to the process.
func (p *Process) bear(c Config, sources []prog.FD, image prog.FD) error {
	first, err := First(sources, image)
	if err != nil {
		return err
	}
	args := clone.Args{
		Flags:      CloneFlags | uint64(c.Namespaces),
		ExitSignal: uint64(unix.SIGCHLD),
	}
	if c.Cgroup != 0 {
		args.Flags |= unix.CLONE_INTO_CGROUP
		args.Cgroup = uint64(c.Cgroup)
	}
	bi := birth{first: first}
	err = bi.clone(args)
	if bi.pid != 0 {
		p.pid, p.pidfd = bi.pid, bi.pidfd
	}
	return err
}

// accompany does the caller's part at every sync point, and looks at the report when
// the control socket says that there is no more to come.
func (p *Process) accompany(c Config) error {
	var message [pidSize]byte
	stands, vforks := stands(p.image.program), vforks(p.image.program)
	sync, socket := c.Sync, receiver{process: p, receive: c.Receive, forks: forkAt(p.image.program) != 0}
	for {
		n, err := socket.read(message[:])
		switch {
		case socket.failed != nil:
			return socket.failed
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil && !errors.Is(err, unix.ECONNRESET): // reset: it died before it read our answer
			return fmt.Errorf("control socket: %w", err)
		case n == pidSize:
			begun := c.Record.now()
			err := p.follow(int(binary.LittleEndian.Uint64(message[:])))
			c.Record.host(begun, RecordFollow, err)
			if err != nil {
				return err
			}
			p.remember(c)
			if err := p.answer(); err != nil {
				return err
			}
			continue
		case n != 1 && vforks && !p.forked && p.forkedPid() != 0:
			begun := c.Record.now()
			err := p.follow(p.forkedPid())
			c.Record.host(begun, RecordFollow, err)
			if err != nil {
				return err
			}
			p.remember(c)
			continue // it may be at work: then it was the first one's end that was heard
		case n != 1:
			begun := c.Record.now()
			err := p.look()
			c.Record.host(begun, RecordLook, nil) // the error is the operation's
			return err
		}
		if len(sync) == 0 {
			return errors.New("the program waits at a sync point for which the caller has no part")
		}
		begun := c.Record.now()
		err = sync[0](p)
		c.Record.host(begun, RecordSync, err)
		if err != nil {
			return err
		}
		sync = sync[1:]
		if err := p.answer(); err != nil {
			return err
		}
		if stands != 0 && len(sync) == 0 { // that is behind the last of them
			p.at = stands
			return nil
		}
	}
}

// answer lets the program go on. If it is gone, the next read says so.
func (p *Process) answer() error {
	if err := unix.Send(p.control, []byte("."), unix.MSG_NOSIGNAL); err != nil && !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}
