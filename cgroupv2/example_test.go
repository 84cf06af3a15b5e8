package cgroupv2_test

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"

	"github.com/selfcontain/runtime/cgroupv2"
)

// What docker writes for --memory 64m --cpus 0.5 --pids-limit 100: sums and shares of
// version 1 become what version 2 has.
func ExampleResources_Files() {
	pids := int64(100)
	r := cgroupv2.Resources{
		Memory: cgroupv2.Memory{Limit: 64 << 20, Swap: 128 << 20},
		CPU:    cgroupv2.CPU{Quota: 50000, Period: 100000, Shares: 512},
		Pids:   &pids,
	}
	files, _ := r.Files()
	for _, f := range files {
		fmt.Println(f)
	}

	r = cgroupv2.Resources{Memory: cgroupv2.Memory{DisableOOMKiller: true}}
	_, err := r.Files()
	fmt.Println(err)
	// Output:
	// memory.max = 67108864
	// memory.swap.max = 67108864
	// cpu.weight = 59
	// cpu.max = 50000 100000
	// pids.max = 100
	// linux.resources.memory.disableOOMKiller: cgroup v2 cannot do without it: take memory.limit away, or set the processes' oomScoreAdj
}

// The filter of a container that may use one serial line: the rules as they are
// compiled, the last one first.
func ExampleDeviceFilter() {
	filter, err := cgroupv2.DeviceFilter([]cgroupv2.DeviceRule{
		{Allow: true, Type: "c", Major: 4, Minor: 64, Access: "rw"},
	})
	fmt.Println(len(filter), "instructions,", len(filter.Bytes()), "bytes,", err)
	// Output: 39 instructions, 312 bytes, <nil>
}

// A program that is limited from its first instruction on, and whatever it has
// started ends with it.
func ExampleGroup() {
	ctx, pids := context.Background(), int64(10)
	resources := cgroupv2.Resources{Pids: &pids}
	files, err := resources.Files()
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := cgroupv2.Find()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	g, err := h.Create("/example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	if err := g.Set(files); err != nil {
		fmt.Println(err)
		return
	}
	cmd := exec.Command("make", "-j")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()}
	fmt.Println(cmd.Run(), g.Kill(ctx), g.Remove(ctx))
}
