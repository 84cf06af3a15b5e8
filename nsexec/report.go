package nsexec

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// openReport makes the file that the process maps and that this side reads. What
// stands in it was written by a process that may have been taken over: every number
// is checked before it is used.
//
// given is the caller's file, or 0. Its pages are allocated before: in a mapping, a full
// disk is a SIGBUS. fallocate(2)
func openReport(given int) (int, error) {
	if given != 0 {
		for _, part := range []int64{0, initReport} {
			err := unix.Fallocate(given, 0, part, reportSize+4)
			for errors.Is(err, unix.EINTR) { // a tmpfs asks for signals, and is not begun again by itself
				err = unix.Fallocate(given, 0, part, reportSize+4)
			}
			if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
				return -1, fmt.Errorf("report: fallocate: %w", err)
			}
		}
		if err := unix.Ftruncate(given, initReport+reportMapping); err != nil {
			return -1, fmt.Errorf("report: ftruncate: %w", err)
		}
		fd, err := unix.FcntlInt(uintptr(given), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return -1, fmt.Errorf("report: fcntl: %w", err)
		}
		return fd, nil
	}
	fd, err := unix.MemfdCreate("report", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate("report", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return -1, fmt.Errorf("report: memfd_create: %w", err)
	}
	if err := unix.Ftruncate(fd, initReport+reportMapping); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("report: ftruncate: %w", err)
	}
	return fd, nil
}

// readReport is the operation at which the process stands, or last stood, and the
// error that it met there. part is 0, or initReport for a process that becomes an init.
func (p *Process) readReport(part int64) (at int, errno unix.Errno, err error) {
	var b [reportSize]byte
	if n, err := unix.Pread(p.report, b[:], part); err != nil || n != len(b) {
		return 0, 0, fmt.Errorf("report: %d bytes read: %w", n, err)
	}
	step := binary.LittleEndian.Uint64(b[unsafe.Offsetof(report{}.step):])
	code := binary.LittleEndian.Uint64(b[unsafe.Offsetof(report{}.errno):])
	if step == 0 { // it has not mapped this part
		return 0, 0, nil
	}
	at, ok := p.outline.operation(step)
	if !ok || code > 4095 {
		return 0, 0, fmt.Errorf("report: step %#x, error %d: not written by the image", step, code)
	}
	return at, unix.Errno(code), nil
}

// position is what the report says of the process that executes the user's program.
func (p *Process) position() (at int, errno unix.Errno, err error) {
	if p.vforked() {
		if at, errno, err = p.readReport(secondReport); at != 0 || err != nil {
			return at, errno, err
		}
	}
	at, errno, err = p.readReport(0)
	return p.second(at), errno, err
}

// ended is how the process has ended, and statusUnknown for one whose end is nobody's
// business but its parent's.
func (p *Process) ended() (unix.WaitStatus, error) {
	status, err := p.Wait()
	if p.guest && errors.Is(err, unix.ECHILD) {
		return statusUnknown, nil
	}
	return status, err
}

// look decides what has come of the start, once the process has executed a program
// or has ended: that the control socket is closed does not say which.
func (p *Process) look() error {
	at, errno, err := p.position()
	if err != nil {
		return err
	}
	p.at = at
	if errno == 0 && !p.vforked() {
		first, errno, err := p.readReport(initReport)
		if err != nil {
			return err
		}
		if first != 0 {
			return p.lookInit(at, first, errno)
		}
	}
	op, failed := p.outline.op(at), p.outline.failed(at, errno)
	if errno != 0 {
		return failed
	}
	switch op.Call {
	case prog.Execve, prog.Execveat:
		if !p.killedInExec() {
			return nil
		}
	case prog.ExitGroup, prog.Exit:
		if at > 1 { // operation 1 belongs to Begin and means that there was no report
			return nil
		}
	}
	if failed.Status, err = p.ended(); err != nil {
		return err
	}
	return failed
}

// Timing is when an operation was made, on the clock CLOCK_MONOTONIC. Before is 0
// where the operation was not made. After is when the next one of the program was
// begun, and 0 where another one was made after it, or none. Operation 0 has neither:
// it maps the report, and until then there is no place for them.
type Timing struct{ Before, After time.Duration }

// Trace is the times of the image's operations, one for each; it is empty if the
// image was not made by [NewTracedImage].
func (p *Process) Trace() ([]Timing, error) {
	if !p.image.traced {
		return nil, nil
	}
	list := make([]Timing, p.image.program.Len())
	b := make([]byte, len(list)*traceSize)
	for _, part := range []int64{0, initReport} {
		if n, err := unix.Pread(p.report, b, part+traceOffset); err != nil || n != len(b) {
			return nil, fmt.Errorf("report: %d bytes of the trace read: %w", n, err)
		}
		for i := range list {
			sec, nsec := binary.LittleEndian.Uint64(b[i*traceSize:]), binary.LittleEndian.Uint64(b[i*traceSize+8:])
			list[i].Before = max(list[i].Before, time.Duration(sec)*time.Second+time.Duration(nsec))
		}
	}
	order := make([]int32, 0, len(list))
	for i := range list {
		if list[i].Before != 0 {
			order = append(order, int32(i))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(list[a].Before, list[b].Before) })
	for k, i := range order {
		if k+1 < len(order) && order[k+1] == i+1 {
			list[i].After = list[i+1].Before
		}
	}
	return list, nil
}
