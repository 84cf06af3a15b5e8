package oci

import (
	"path/filepath"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
)

// Decode reads a configuration whose relative paths are relative to bundle, an
// absolute path.
func Decode(data []byte, bundle string) (container.Spec, []Warning, error) {
	d := decoder{cursor: newCursor(data), bundle: bundle}
	d.spec.Bundle = bundle
	d.config()
	d.end()
	if d.err != nil {
		return container.Spec{}, nil, d.err
	}
	return d.spec, d.warnings, nil
}

// DecodeProcess reads a process by itself, as "exec" of a runtime takes it: the value of
// the member process of a configuration.
func DecodeProcess(data []byte) (container.Process, []Warning, error) {
	d := decoder{cursor: newCursor(data)}
	d.process()
	d.end()
	if d.err != nil {
		d.err.document = "process"
		return container.Process{}, nil, d.err
	}
	return d.spec.Process, d.warnings, nil
}

// decoder fills in a Spec. There is a method for every object of the specification.
type decoder struct {
	*cursor
	bundle      string
	spec        container.Spec
	warnings    []Warning
	cgroupsPath string
	resources   cgroupv2.Resources
}

// warn says something about the value that was read last.
func (d *decoder) warn(text string) {
	d.warnings = append(d.warnings, Warning{Path: d.path(), Text: text})
}

// config reads the document. The sections of other platforms, such as "windows", are
// unknown properties like others: a document may have several.
func (d *decoder) config() {
	version, root := "", false
	for name := range d.members() {
		switch name {
		case "ociVersion":
			version = d.version()
			d.spec.Version = version
		case "root":
			root = true
			d.root()
		case "hostname":
			d.spec.Hostname = d.text()
		case "domainname":
			d.spec.Domainname = d.text()
		case "process":
			d.process()
		case "mounts":
			for range d.elements() {
				d.mount()
			}
		case "annotations":
			d.spec.Annotations = d.pairs()
		case "linux":
			d.linux()
		case "hooks":
			d.hooks()
		default:
			d.other("", name)
		}
	}
	if version == "" {
		d.missing("ociVersion")
	}
	if !root {
		d.missing("root")
	}
	d.cgroup(version, d.cgroupsPath, &d.resources)
}

func (d *decoder) root() {
	for name := range d.members() {
		switch name {
		case "path":
			d.spec.Root.Path = d.inBundle(d.text())
		case "readonly":
			d.spec.Root.Readonly = d.flag()
		default:
			d.skip()
		}
	}
	if d.spec.Root.Path == "" {
		d.missing("path")
	}
}

// inBundle makes a path of the host absolute.
func (d *decoder) inBundle(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.bundle, path)
}
