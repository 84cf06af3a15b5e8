package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/oci"
)

const updateText = `Limits of a container that is created, running or paused are changed, all that are
given or, if one of them cannot be set, none. The others stay as they are.

FILE has them as "linux" has "resources" in config.json; "-" is standard input:

  {"memory": {"limit": 67108864}, "cpu": {"quota": 50000, "period": 100000}}

A SIZE is a number of bytes, or has a unit: 512k, 64m, 1.5g. -1 is no limit. No
processes, 0, is no limit either where the container's ociVersion is before 1.3.
`

// resourceFlags are limits as flags.
type resourceFlags struct {
	cgroupv2.Resources
}

// optional is a flag that is read by a function. One that is empty asks for nothing, as
// other runtimes have it.
type optional struct{ parse func(text string) error }

func (p *optional) String() string { return "" }

// Set reads it.
func (p *optional) Set(text string) error {
	if text == "" {
		return nil
	}
	return p.parse(text)
}

func (r *resourceFlags) declare(f *flag.FlagSet) {
	size := func(to *int64, name, usage string) {
		f.Var(&optional{func(text string) (err error) { *to, err = parseSize(text); return err }}, name, usage)
	}
	natural := func(name, usage string, set func(n uint64)) {
		f.Var(&optional{func(text string) error {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return errors.New("want a number that is not below 0")
			}
			set(n)
			return nil
		}}, name, usage)
	}
	integer := func(name, usage string, set func(n int64)) {
		f.Var(&optional{func(text string) error {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return errors.New("want a number")
			}
			set(n)
			return nil
		}}, name, usage)
	}
	m, c := &r.Memory, &r.CPU
	size(&m.Limit, "memory", "at most `SIZE` of memory")
	size(&m.Reservation, "memory-reservation", "leave it alone as long as it has less than `SIZE` of memory")
	size(&m.Swap, "memory-swap", "at most `SIZE` of memory and swap together")
	size(&m.Kernel, "kernel-memory", "nothing: cgroup v2 has no such limit, and a `SIZE` is refused")
	size(&m.KernelTCP, "kernel-memory-tcp", "nothing: cgroup v2 has no such limit, and a `SIZE` is refused")
	natural("cpu-share", "a share of the processors, a `NUMBER` of 2 to 262144, of which 1024 is usual", func(n uint64) { c.Shares = n })
	integer("cpu-quota", "the `MICROSECONDS` in each period that it may run on all processors together; -1 is no limit", func(n int64) { c.Quota = n })
	natural("cpu-period", "the `MICROSECONDS` of a period", func(n uint64) { c.Period = n })
	natural("cpu-burst", "the `MICROSECONDS` of unused quota that may be saved", func(n uint64) { c.Burst = &n })
	integer("cpu-idle", "with `NUMBER` 1 it runs only when nothing else wants to, with 0 as usual", func(n int64) { c.Idle = &n })
	integer("cpu-rt-runtime", "nothing: cgroup v2 has no such limit, and a `NUMBER` is refused", func(n int64) { c.RealtimeRuntime = n })
	natural("cpu-rt-period", "nothing: cgroup v2 has no such limit, and a `NUMBER` is refused", func(n uint64) { c.RealtimePeriod = n })
	f.Var(&optional{func(text string) error { c.Cpus = text; return nil }}, "cpuset-cpus", "run on the processors of `LIST`, such as 0-3,8")
	f.Var(&optional{func(text string) error { c.Mems = text; return nil }}, "cpuset-mems", "have memory of the nodes of `LIST`")
	integer("pids-limit", "at most `NUMBER` processes and threads; -1 is no limit", func(n int64) { r.Pids = &n })
	f.Var(&optional{func(text string) error {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return errors.New("want 10 to 1000")
		}
		r.BlockIO.Weight = uint16(n)
		return nil
	}}, "blkio-weight", "a share of the disks, a `NUMBER` of 10 to 1000")
	for _, schema := range []string{"l3-cache-schema", "mem-bw-schema"} {
		f.Var(&optional{func(string) error {
			return errors.New("containers are in no group of resctrl (Intel RDT) here, so none can be changed")
		}}, schema, "nothing: a `SCHEMA` of resctrl is refused")
	}
}

func prepareUpdate(g *global, f *flag.FlagSet) action {
	var flags resourceFlags
	file := stringFlag(f, "resources", "r", "", "take the limits from `FILE`")
	flags.declare(f)
	return func(args []string) (int, error) {
		r := flags.Resources
		if *file != "" {
			if other := beside(f, "resources", "r"); other != "" {
				return 0, fmt.Errorf("update: --%s and --resources: only one of them is possible", other)
			}
		}
		c, err := g.load(f, args)
		if err != nil {
			return 0, err
		}
		if *file != "" {
			if r, err = readResources(*file); err != nil {
				return 0, fmt.Errorf("update: --resources %s: %w", *file, err)
			}
		}
		spec, err := c.Spec()
		if err != nil {
			return 0, g.explained(err)
		}
		return 0, g.explained(c.Set(oci.AsOf(r, spec.Version))) // a limit means what it meant when it was created
	}
}

// beside is a flag that is given beside some.
func beside(f *flag.FlagSet, names ...string) (other string) {
	f.Visit(func(x *flag.Flag) {
		for _, name := range names {
			if x.Name == name {
				return
			}
		}
		other = x.Name
	})
	return other
}

// readResources reads limits from a file, or from standard input.
func readResources(file string) (r cgroupv2.Resources, err error) {
	in := os.Stdin
	if file != "-" {
		if in, err = os.Open(file); err != nil {
			return r, errors.Unwrap(err) // it is in front of it
		}
		defer in.Close()
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return r, err
	case len(text) > most:
		return r, fmt.Errorf("it has more than %d bytes", most)
	}
	return oci.DecodeResources(text, oci.Version)
}
