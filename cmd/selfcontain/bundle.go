package main

import (
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

// bundleFlag declares --bundle.
func bundleFlag(f *pflag.FlagSet) *string {
	return f.StringP("bundle", "b", ".", "the `DIR` with config.json")
}

// compile reads a bundle and plans what there is to do on this machine.
func compile(bundle string) (*container.Plan, error) {
	spec, warnings, err := oci.Load(bundle)
	if err != nil {
		return nil, err
	}
	// The container goes with this process, however that ends.
	spec.ParentDeathSignal = unix.SIGKILL
	host, err := container.Probe()
	if err != nil {
		return nil, err
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	plan.Warnings = append(texts, plan.Warnings...)
	return plan, nil
}
