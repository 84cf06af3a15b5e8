package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// guest is a QEMU with a command in it, seen from the host.
type guest struct {
	*options
	console string
	fetches []fetch
	stats   stats

	cmd    *exec.Cmd
	frames *framer // to the guest
	booted chan struct{}

	mu     sync.Mutex
	reason string // why QEMU was killed
}

// stats are the figures of one run; times in seconds.
type stats struct {
	Kernel    string  `json:"kernel"`
	Boot      float64 `json:"boot_s"`
	Command   float64 `json:"cmd_s"`
	GuestCmd  float64 `json:"guest_cmd_s"` // by the guest's clock
	Total     float64 `json:"total_s"`
	QEMUPeak  int64   `json:"qemu_rss_mb"`
	GuestMem  int64   `json:"guest_mem_mb"`
	CmdMaxRSS int64   `json:"cmd_maxrss_mb"`
	Initramfs int64   `json:"initramfs_mb"`
	Exit      int     `json:"exit"`
}

func (s stats) String() string {
	return fmt.Sprintf("boot %.2f s, command %.2f s (guest clock %.2f s); QEMU %d MiB, guest memory in use %d MiB", s.Boot, s.Command, s.GuestCmd, s.QEMUPeak, s.GuestMem)
}

// Reasons for a kill that have an exit status of their own.
const (
	reasonTimeout   = "timeout"
	reasonInterrupt = "interrupted"
)

// run starts QEMU and copies until the command has ended.
func (g *guest) run(qemu string, args []string, work string) (int, error) {
	g.booted = make(chan struct{})
	g.cmd = exec.Command(qemu, args...)
	g.cmd.Env = append(os.Environ(), "TMPDIR="+work) // snapshots go there
	// A group of its own: a terminal's ^C is for the command, not for QEMU.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	var complaints bytes.Buffer
	g.cmd.Stderr = &complaints
	in, err := g.cmd.StdinPipe()
	if err != nil {
		return statusFailed, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return statusFailed, err
	}
	g.frames = &framer{w: in}
	start := time.Now()
	if err := g.cmd.Start(); err != nil {
		return statusFailed, fmt.Errorf("%w: apt-get install qemu-system-x86 qemu-system-arm", err)
	}
	defer g.kill("")
	ended := make(chan struct{})
	defer close(ended)
	go g.watch(ended)

	exit, fetchErr, err := g.copy(out, start)
	g.stats.QEMUPeak = peakMemory(g.cmd.Process.Pid) >> 10
	if exit != nil && !g.rootWritable && len(g.disks) == 0 {
		g.kill("") // nothing to save: no need for an orderly power-off
	} else if exit != nil {
		err = g.frames.send(frameQuit, nil)
	}
	err = errors.Join(err, in.Close())
	waited := g.cmd.Wait()
	if exit == nil {
		return g.failure(start, waited, complaints.String(), err)
	}
	g.stats.GuestCmd, g.stats.GuestMem, g.stats.CmdMaxRSS = exit.Wall, exit.MemKB>>10, exit.MaxRSS>>10
	if exit.Err != "" {
		err = errors.New("guest: " + exit.Err)
	} else {
		err = fetchErr
	}
	if err != nil && exit.Code == 0 {
		exit.Code = statusFailed
	}
	return exit.Code, err
}

// copy handles the guest's frames. Without an exit the stream has ended early.
func (g *guest) copy(out io.Reader, start time.Time) (exit *exitInfo, fetchErr, err error) {
	tr, tw := io.Pipe()
	fetched := make(chan error, 1)
	go func() {
		var err error
		if len(g.fetches) > 0 {
			err = untar(tr, g.fetches)
		}
		_, e := io.Copy(io.Discard, tr) // let the guest finish in any case
		fetched <- errors.Join(err, e)
	}()
	defer func() {
		err = errors.Join(err, tw.Close())
		fetchErr = <-fetched
	}()
	for exit == nil {
		t, p, err := readFrame(out)
		if err == io.EOF {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch t {
		case frameReady:
			var info guestInfo
			if err := json.Unmarshal(p, &info); err != nil {
				return nil, nil, fmt.Errorf("frame %q: %w", t, err)
			}
			g.ready(info, time.Since(start))
		case frameStdout:
			_, err = os.Stdout.Write(p)
		case frameStderr:
			_, err = os.Stderr.Write(p)
		case frameTar:
			_, err = tw.Write(p)
		case frameExit:
			exit = &exitInfo{}
			if err := json.Unmarshal(p, exit); err != nil {
				return nil, nil, fmt.Errorf("frame %q: %w", t, err)
			}
			g.stats.Command = time.Since(start).Seconds() - g.stats.Boot
		default:
			err = fmt.Errorf("unknown frame %q", t)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return exit, nil, nil
}

// ready is what to do once the agent answers.
func (g *guest) ready(info guestInfo, after time.Duration) {
	close(g.booted)
	g.stats.Boot = after.Seconds()
	for _, s := range info.Steps {
		g.logf("guest: %s", s)
	}
	g.logf("guest agent of Linux %s up after %.2f s (guest uptime %.2f s)", info.Release, after.Seconds(), info.Uptime)
	if g.stdin {
		go func() {
			// Errors here mean that the guest is gone, which copy finds out.
			_, _ = io.Copy(frameWriter{g.frames, frameStdin}, os.Stdin)
			_ = g.frames.send(frameStdin, nil)
		}()
	}
}

// watch kills QEMU at a timeout. SIGINT and SIGQUIT (go test's timeout) go to
// the command first; another signal, or a second one, kills QEMU.
func (g *guest) watch(ended <-chan struct{}) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	whole, boot := time.NewTimer(g.timeout), time.NewTimer(g.bootTimeout)
	defer whole.Stop()
	defer boot.Stop()
	booted := g.booted
	passed := false
	for {
		select {
		case <-ended:
			return
		case <-whole.C:
			g.kill(reasonTimeout)
			return
		case <-boot.C:
			g.kill("boot timeout")
			return
		case <-booted:
			boot.Stop()
			booted = nil
		case s := <-signals:
			n := s.(syscall.Signal)
			if booted != nil || passed || n != syscall.SIGINT && n != syscall.SIGQUIT || g.frames.send(frameSignal, []byte{byte(n)}) != nil {
				g.kill(reasonInterrupt)
				return
			}
			passed = true
		}
	}
}

// kill ends QEMU; the first reason counts.
func (g *guest) kill(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason == "" {
		g.reason = why
	}
	_ = g.cmd.Process.Kill() // it may have ended
}

// failure describes a guest that has sent no exit status.
func (g *guest) failure(start time.Time, waited error, complaints string, err error) (int, error) {
	g.mu.Lock()
	reason := g.reason
	g.mu.Unlock()
	code := statusFailed
	switch reason {
	case reasonTimeout:
		code = 124
	case reasonInterrupt:
		code = 130
	case "":
		reason = fmt.Sprintf("the guest has ended without a status (%v)", errors.Join(waited, err))
	}
	text, err := os.ReadFile(g.console)
	if err != nil {
		text = fmt.Append(nil, err)
	}
	text = text[max(0, len(text)-6000):]
	return code, fmt.Errorf("%s after %.1f s\n%s--- guest console (end) ---\n%s", reason, time.Since(start).Seconds(), complaints, strings.ReplaceAll(string(text), "\r", ""))
}

// peakMemory returns VmHWM of a process in KiB, or 0.
func peakMemory(pid int) int64 {
	return procField(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
}
