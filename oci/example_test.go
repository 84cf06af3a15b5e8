package oci_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/selfcontain/runtime/oci"
)

// A bundle is a directory with a config.json. What is wrong with that is an error, and a
// warning is about what was asked for and has no effect.
func ExampleLoad() {
	bundle, err := os.MkdirTemp("", "bundle")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(bundle)
	config := `{
		"ociVersion": "1.3.0",
		"root": {"path": "rootfs", "readonly": true},
		"hostname": "box",
		"process": {
			"args": ["sh"], "env": ["PATH=/bin"], "cwd": "/",
			"capabilities": {"bounding": ["CAP_KILL", "CAP_FLY"]}
		},
		"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}]}
	}`
	if err := os.WriteFile(filepath.Join(bundle, oci.FileName), []byte(config), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	spec, warnings, err := oci.Load(bundle)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(spec.Hostname, spec.Process.Args, spec.Root.Readonly)
	fmt.Println(spec.Root.Path == filepath.Join(bundle, "rootfs"))
	for _, w := range warnings {
		fmt.Println(w)
	}
	// Then container.Compile says what will be done, and container.Create does it.

	// Output:
	// box [sh] true
	// true
	// process.capabilities: bounding capabilities: "CAP_FLY" is not a capability
}
