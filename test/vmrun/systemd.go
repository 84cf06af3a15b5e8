package main

import (
	"errors"
	"os"
	"syscall"
)

const targetUnit = `[Unit]
Description=vmrun
Requires=basic.target
After=basic.target
Wants=dbus.service systemd-logind.service vmrun.service
AllowIsolate=yes
`

const serviceUnit = `[Unit]
Description=vmrun command
After=basic.target dbus.service systemd-logind.service
Wants=dbus.service

[Service]
Type=oneshot
ExecStart=` + agentFile + `
Environment=VMRUN_AGENT=1
TimeoutStartSec=infinity
TasksMax=infinity
LimitNOFILE=65536
Delegate=yes
`

// writeUnits makes the agent a service; more are lines for its [Service]
// section.
func writeUnits(dir, more string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/vmrun.target", []byte(targetUnit), 0o644); err != nil {
		return err
	}
	return os.WriteFile(dir+"/vmrun.service", []byte(serviceUnit+more+"\n"), 0o644)
}

// execSystemd makes systemd PID 1.
func execSystemd() error {
	for _, p := range []string{"/lib/systemd/systemd", "/usr/lib/systemd/systemd", "/sbin/init"} {
		if exists(p) {
			return syscall.Exec(p,
				[]string{"systemd", "--unit=vmrun.target", "--show-status=no", "--log-target=kmsg", "--log-level=notice"},
				[]string{"PATH=" + guestPath, "TERM=linux"})
		}
	}
	return errors.New("no systemd in the root file system")
}
