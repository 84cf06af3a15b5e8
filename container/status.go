package container

import "time"

// Status is where in its life a container is.
type Status string

// The five of them. A status is not stored anywhere: it is found out from what is on
// disk and what is alive.
const (
	// Creating: somebody is making it.
	Creating Status = "creating"
	// Created: its first process waits for [Container.Exec].
	Created Status = "created"
	// Running: its first process is the user's program, or on the way there.
	Running Status = "running"
	// Paused: it is created or running, and its cgroup is frozen.
	Paused Status = "paused"
	// Stopped: its first process has ended, or it was never made to the end.
	Stopped Status = "stopped"
)

// State is what the OCI runtime specification calls the state of a container, and what
// engines want to know besides. Pid is 0 where no process lives.
type State struct {
	Version     string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Status      Status            `json:"status"`
	Pid         int               `json:"pid"`
	Bundle      string            `json:"bundle"`
	Annotations map[string]string `json:"annotations,omitempty"`

	// Rootfs is the root file system's directory on the host.
	Rootfs string `json:"rootfs"`
	// Created is when it was made.
	Created time.Time `json:"created"`
	// Owner is the user who made it, as a number.
	Owner int `json:"owner"`
	// Damaged says why what was stored of the container cannot be read; its other
	// fields are as good as they can be then, and it can only be destroyed by force.
	Damaged string `json:"-"`
}

// StateVersion is the version of the OCI runtime specification to which a [State] keeps.
const StateVersion = "1.3.0"
