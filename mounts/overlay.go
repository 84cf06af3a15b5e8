package mounts

// Overlay is a root file system of layers: what is changed goes to Upper, what is not
// there comes from Lower. overlayfs, Documentation/filesystems/overlayfs.rst
type Overlay struct {
	// Lower are directories of the host, the uppermost first.
	Lower []string
	// Upper holds the changes and Work is a directory that the kernel needs for
	// them, in the same file system; both are directories of the host, and not in
	// an overlay themselves. Without them changes go to memory and are gone with
	// the container.
	Upper, Work string
}
