package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runAgent runs the command, reports, and powers off. It does not return.
func runAgent() {
	var s steps
	cfg, err := loadConfig(agentConfig)
	if err != nil {
		s.die("%v", err)
	}
	port, err := openPort()
	if err != nil {
		s.die("%v", err)
	}
	a := &agent{config: cfg, port: port, frames: &framer{w: port}, quit: make(chan struct{}, 1)}
	if err := a.run(); err != nil {
		s.die("%v", err)
	}
	powerOff()
}

// agent is the command, seen from inside of the guest.
type agent struct {
	config
	port   *os.File
	frames *framer
	quit   chan struct{}
}

// run returns an error only when the host cannot be told.
func (a *agent) run() error {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return err
	}
	text, err := os.ReadFile(stepsFile)
	if err != nil {
		return err
	}
	if err := a.send(frameReady, guestInfo{
		Uptime:  uptime(),
		Release: unix.ByteSliceToString(uts.Release[:]),
		Steps:   strings.Split(string(text), "\n"),
	}); err != nil {
		return err
	}
	exit := a.runCommand()
	if len(a.Fetch) > 0 {
		if err := sendTar(frameWriter{a.frames, frameTar}, a.Fetch); err != nil && exit.Err == "" {
			exit.Err = "fetch: " + err.Error()
		}
	}
	exit.MemKB = memoryInUse()
	if err := a.send(frameExit, exit); err != nil {
		return err
	}
	select {
	case <-a.quit:
	case <-time.After(5 * time.Second):
	}
	return nil
}

func (a *agent) send(t frameType, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.frames.send(t, p)
}

func (a *agent) runCommand() exitInfo {
	failed := func(err error) exitInfo { return exitInfo{Code: 127, Err: err.Error()} }
	for _, d := range a.Mkdir {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return failed(err)
		}
	}
	cmd := exec.Command(a.Cmd[0], a.Cmd[1:]...)
	cmd.Env = append([]string{"PATH=" + guestPath, "HOME=/root", "USER=root", "TERM=dumb", "TMPDIR=/tmp"}, a.Env...)
	cmd.Dir = a.Dir
	cmd.Stdout, cmd.Stderr = frameWriter{a.frames, frameStdout}, frameWriter{a.frames, frameStderr}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 2 * time.Second // a background child may keep the pipes open
	var stdin io.WriteCloser
	if a.Stdin {
		var err error
		if stdin, err = cmd.StdinPipe(); err != nil {
			return failed(err)
		}
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return failed(err)
	}
	go a.serve(cmd.Process.Pid, stdin)
	err := cmd.Wait()
	if cmd.ProcessState == nil {
		return failed(err)
	}
	exit := exitInfo{Wall: time.Since(start).Seconds()}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	exit.Code = ws.ExitStatus()
	if ws.Signaled() {
		exit.Code = 128 + int(ws.Signal())
	}
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		exit.MaxRSS = ru.Maxrss
	}
	return exit
}

// serve does what the host's frames say until the host is gone.
func (a *agent) serve(pid int, stdin io.WriteCloser) {
	for {
		t, p, err := readFrame(a.port)
		if err != nil {
			return
		}
		// The command may have ended or have closed its input meanwhile.
		switch {
		case t == frameQuit:
			a.quit <- struct{}{}
		case t == frameStdin && stdin != nil && len(p) > 0:
			_, _ = stdin.Write(p)
		case t == frameStdin && stdin != nil:
			_ = stdin.Close()
			stdin = nil
		case t == frameSignal && len(p) == 1:
			_ = unix.Kill(-pid, syscall.Signal(p[0]))
		}
	}
}

// openPort opens the virtio port once it is there, in blocking mode: a write
// returns only when the host has taken the data.
func openPort() (*os.File, error) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			text, err := os.ReadFile(n)
			if err != nil || strings.TrimSpace(string(text)) != portName {
				continue
			}
			fd, err := unix.Open("/dev/"+filepath.Base(filepath.Dir(n)), unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err == nil {
				return os.NewFile(uintptr(fd), portName), nil
			}
		}
	}
	return nil, errors.New("no virtio port named " + portName)
}
