package main

import (
	"flag"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

// bundleFlag declares --bundle.
func bundleFlag(f *flag.FlagSet) *string {
	return stringFlag(f, "bundle", "b", ".", "the `DIR` with config.json")
}

// stringFlag declares a flag with a long and a short form.
func stringFlag(f *flag.FlagSet, long, short, value, usage string) *string {
	v := f.String(long, value, usage)
	f.Var(f.Lookup(long).Value, short, "")
	return v
}

// compile reads a bundle and plans what there is to do on this machine, after changes to
// what the bundle asks for.
func compile(bundle string, changes ...change) (*container.Plan, error) {
	spec, warnings, err := oci.Load(bundle)
	if err != nil {
		return nil, err
	}
	// The container goes with this process, however that ends.
	spec.ParentDeathSignal = unix.SIGKILL
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	for _, change := range append(changes, addHome) {
		warnings, err := change(&spec)
		if err != nil {
			return nil, err
		}
		texts = append(texts, warnings...)
	}
	host, err := container.Probe()
	if err != nil {
		return nil, err
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		return nil, err
	}
	plan.Warnings = append(texts, plan.Warnings...)
	return plan, nil
}
