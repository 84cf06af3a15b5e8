package main

// arch names one guest architecture in every vocabulary that is needed.
type arch struct {
	debian, goarch string
	triplet        string // directory of the shared libraries
	qemu           string
	machine, cpu   string
	console        string
}

// On arm64 `-cpu max` would emulate pointer authentication, and the guest
// would boot five times slower.
var arches = map[string]arch{
	"amd64": {"amd64", "amd64", "x86_64-linux-gnu", "qemu-system-x86_64", "q35", "qemu64", "ttyS0"},
	"arm64": {"arm64", "arm64", "aarch64-linux-gnu", "qemu-system-aarch64", "virt", "neoverse-n1", "ttyAMA0"},
}
