package main

import (
	"encoding/json"
	"os"
)

// configFile is where the initramfs has the config, for PID 1.
const configFile = "/vmrun.json"

// config is what the host tells the guest.
type config struct {
	Cmd      []string
	Env      []string
	Dir      string
	Modules  []module // in load order
	Root     string   // "", or a block device such as /dev/vda
	Systemd  bool
	Stdin    bool
	Mkdir    []string // directories to make before the command runs
	Fetch    []string // guest paths sent back after the command
	Hostname string
	Unit     string // extra lines for the [Service] section (systemd)
}

// module is a kernel module's file in the initramfs and its parameters.
type module struct {
	Path, Params string
}

// guestInfo comes with the agent's first frame.
type guestInfo struct {
	Uptime  float64 // seconds
	Release string
	Steps   []string // what PID 1 has done, one line each
}

// exitInfo comes with the agent's last frame.
type exitInfo struct {
	Code   int    // exit status, or 128+signal
	Err    string // why there is none
	Wall   float64
	MemKB  int64 // memory in use at the end
	MaxRSS int64 // of the command, in KiB
}

func loadConfig(name string) (c config, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}
