package main

import (
	"flag"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

// request is what the command line says of a bundle and its process.
type request struct {
	dir, config *string
	asked       *asked
}

// requestFlags declares the flags of a verb that makes a container of a bundle.
func requestFlags(f *flag.FlagSet) request {
	b := request{dir: bundleFlag(f), asked: processFlags(f)}
	b.config = f.String("config", "", "read the configuration from `FILE` instead of the bundle's config.json")
	f.Var(f.Lookup("config").Value, "f", "")
	return b
}

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

// load reads a bundle for the container of an id. The texts are warnings.
func (b request) load(g *global, id string) (container.Spec, []string, error) {
	file := *b.config
	if file == "" {
		file = filepath.Join(*b.dir, oci.FileName)
	}
	return loadBundle(file, *b.dir, b.asked.change(id), g.cgroupOf(id))
}

// loadBundle reads a configuration, and changes what it asks for.
func loadBundle(file, dir string, changes ...change) (spec container.Spec, texts []string, err error) {
	spec, warnings, err := oci.LoadFile(file, dir)
	if err != nil {
		return spec, nil, err
	}
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	for _, change := range append(changes, addHome) {
		warnings, err := change(&spec)
		if err != nil {
			return spec, nil, err
		}
		texts = append(texts, warnings...)
	}
	return spec, texts, nil
}

// compile plans what there is to do on this machine for a container that goes with this
// process, however that ends. Without a gate it is started at once, and by nobody else:
// it has no cgroup, which somebody would have to find in the end.
func (b request) compile(g *global, id string, gated bool) (*container.Plan, error) {
	spec, texts, err := b.load(g, id)
	if err != nil {
		return nil, err
	}
	spec.ParentDeathSignal = unix.SIGKILL
	host, err := g.probe(container.Probe)
	if err != nil {
		return nil, err
	}
	compile := container.CompileGated
	if !gated {
		compile = container.Compile
		if spec.Cgroup != nil && spec.Cgroup.Resources.Asks() {
			return nil, fmt.Errorf("linux.resources: %q cannot be traced with limits", id)
		}
		texts = append(texts, unfiltered(spec.Cgroup)...)
		spec.Cgroup = nil
	}
	plan, err := compile(spec, host)
	if err != nil {
		return nil, err
	}
	plan.Warnings = append(texts, plan.Warnings...)
	return plan, nil
}

// absolute is the bundle's directory as others have to find it.
func (b request) absolute() (string, error) {
	dir, err := filepath.Abs(*b.dir)
	if err != nil {
		return "", fmt.Errorf("--bundle: %w", err)
	}
	return dir, nil
}
