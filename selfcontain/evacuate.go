package selfcontain

import (
	"context"

	"github.com/selfcontain/runtime/cgroupv2"
)

// leaf is the group into which processes are moved.
const leaf = "selfcontain"

// Evacuate moves all processes of the caller's own cgroup into one below it, and enables
// all controllers that it has for groups to be made beside that: the kernel has groups
// with processes or groups with controllers handed down, and not both (cgroups(7), "no
// internal processes"). It is what a program calls in its container before it limits others
// there. It may be called again.
func Evacuate() error {
	h, err := cgroupv2.Find()
	if err != nil {
		return err
	}
	defer h.Close()
	g, err := h.Evacuate(context.Background(), leaf)
	if err != nil {
		return err
	}
	return g.Close()
}
