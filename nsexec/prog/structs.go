package prog

import "golang.org/x/sys/unix"

// The structures that system calls of ours take, by their kernel names. Sizes and
// order are those of the kernel's headers; they are the same on amd64 and arm64.

// OpenHow is struct open_how of openat2(2), Linux 5.6. Its size is [OpenHowSize].
func OpenHow(flags, mode, resolve uint64) *Block {
	return &Block{Fields: []Field{
		{Name: "flags", Kind: &howFlags, Size: 8, Value: Int(flags)},
		{Name: "mode", Kind: &mode3, Size: 8, Value: Int(mode), Quiet: true},
		{Name: "resolve", Kind: &resolveFlags, Size: 8, Value: Int(resolve)},
	}}
}

// MountAttr is struct mount_attr of mount_setattr(2), Linux 5.12. The user
// namespace is given by descriptor for an id-mapped mount and nil otherwise.
// Its size is [MountAttrSize].
func MountAttr(set, clear, propagation uint64, userns Arg) *Block {
	return &Block{Fields: []Field{
		{Name: "attr_set", Kind: &mountAttrs, Size: 8, Value: Int(set)},
		{Name: "attr_clr", Kind: &mountAttrs, Size: 8, Value: Int(clear)},
		{Name: "propagation", Kind: &propagationFlags, Size: 8, Value: Int(propagation)},
		{Name: "userns_fd", Kind: &fd, Size: 8, Value: userns},
	}}
}

// Sizes of structures whose calls want to know them.
const (
	OpenHowSize   = 24
	MountAttrSize = 32
	SigsetSize    = 8
	CloneArgsSize = 88
)

// Sigset is a set of signals by its bits, signal n at bit n-1. See sigsetops(3).
func Sigset(mask uint64) *Block {
	return &Block{Fields: []Field{{Kind: &sigset, Size: 8, Value: Int(mask)}}}
}

// Sigaction is the kernel's struct sigaction: handler is 0 for SIG_DFL, 1 for SIG_IGN.
// There is no restorer, so it is for these two. sigaction(2)
func Sigaction(handler, flags, mask uint64) *Block {
	return &Block{Fields: []Field{
		{Name: "sa_handler", Kind: &handlers, Size: 8, Value: Int(handler)},
		{Name: "sa_flags", Kind: &address, Size: 8, Value: Int(flags)},
		{Size: 8},
		{Name: "sa_mask", Kind: &sigset, Size: 8, Value: Int(mask)},
	}}
}

// Rlimit is struct rlimit64 of prlimit64(2).
func Rlimit(cur, max uint64) *Block {
	return &Block{Fields: []Field{
		{Name: "rlim_cur", Kind: &rlimValue, Size: 8, Value: Int(cur)},
		{Name: "rlim_max", Kind: &rlimValue, Size: 8, Value: Int(max)},
	}}
}

// Timespec is struct timespec, for a call that reads it.
func Timespec(sec, nsec int64) *Block {
	return &Block{Fields: []Field{
		{Name: "tv_sec", Kind: &integer, Size: 8, Value: Int(uint64(sec))},
		{Name: "tv_nsec", Kind: &integer, Size: 8, Value: Int(uint64(nsec))},
	}}
}

// Gids is an array of group ids for setgroups(2).
func Gids(list []uint32) *Block {
	fields := make([]Field, len(list))
	for i, g := range list {
		fields[i] = Field{Kind: &unsigned, Size: 4, Value: Int(g)}
	}
	return &Block{Fields: fields, Array: true}
}

// InterfaceFlags is struct ifreq of netdevice(7) with a name and flags.
func InterfaceFlags(name string, flags uint16) *Block {
	var padded [16]byte
	copy(padded[:15], name)
	return &Block{Fields: []Field{
		{Name: "ifr_name", Kind: &text, Size: 16, Value: Bytes(padded[:])},
		{Name: "ifr_flags", Kind: &interfaceFlags, Size: 2, Value: Int(flags)},
		{Size: 22},
	}}
}

// CloneArgs is struct clone_args of clone3(2), Linux 5.3, for a fork without a stack
// of its own. Its size is [CloneArgsSize].
func CloneArgs(flags, exitSignal uint64) *Block { return CloneArgsTID(flags, exitSignal, 0) }

// CloneArgsTID is CloneArgs with the address at which the kernel writes the new
// process's number before that process runs, for CLONE_PARENT_SETTID.
func CloneArgsTID(flags, exitSignal, parentTID uint64) *Block {
	quiet := func(name string) Field { return Field{Name: name, Kind: &address, Size: 8, Quiet: true} }
	tid := quiet("parent_tid")
	if parentTID != 0 {
		tid.Value = Int(parentTID)
	}
	return &Block{Fields: []Field{
		{Name: "flags", Kind: &cloneFlags, Size: 8, Value: Int(flags)},
		quiet("pidfd"), quiet("child_tid"), tid,
		{Name: "exit_signal", Kind: &signals, Size: 8, Value: Int(exitSignal)},
		{Name: "stack", Kind: &pointer, Size: 8},
		{Name: "stack_size", Kind: &address, Size: 8},
		quiet("tls"), quiet("set_tid"), quiet("set_tid_size"), quiet("cgroup"),
	}}
}

// Winsize is struct winsize of TIOCSWINSZ, in characters. TIOCSWINSZ(2const)
func Winsize(rows, columns uint16) *Block {
	return &Block{Fields: []Field{
		{Name: "ws_row", Kind: &unsigned, Size: 2, Value: Int(rows)},
		{Name: "ws_col", Kind: &unsigned, Size: 2, Value: Int(columns)},
		{Name: "ws_xpixel", Kind: &unsigned, Size: 2},
		{Name: "ws_ypixel", Kind: &unsigned, Size: 2},
	}}
}

// Integers is an array of int, for a call that takes a pointer to one or more.
func Integers(list ...int32) *Block {
	fields := make([]Field, len(list))
	for i, n := range list {
		fields[i] = Field{Kind: &integer, Size: 4, Value: Int(uint32(n))}
	}
	return &Block{Fields: fields, Array: true}
}

// Rights is struct msghdr of sendmsg(2) for a message that carries a descriptor, which
// needs some data beside it to be seen. unix(7), SCM_RIGHTS
//
// The descriptor is an int, and a slot fills eight bytes: the other four are the
// padding behind it, which the kernel does not read.
func Rights(data string, descriptor Arg) *Block {
	const header, one = 16, 4 // struct cmsghdr, and an int behind it
	return &Block{Fields: []Field{
		{Name: "msg_name", Kind: &pointer, Size: 8},
		{Name: "msg_namelen", Kind: &unsigned, Size: 4},
		{Size: 4},
		{Name: "msg_iov", Kind: &pointers, Size: 8, Value: &Block{Fields: []Field{
			{Name: "iov_base", Kind: &text, Size: 8, Value: Str(data)},
			{Name: "iov_len", Kind: &unsigned, Size: 8, Value: Int(len(data))},
		}}},
		{Name: "msg_iovlen", Kind: &unsigned, Size: 8, Value: Int(1)},
		{Name: "msg_control", Kind: &pointers, Size: 8, Value: &Block{Fields: []Field{
			{Name: "cmsg_len", Kind: &unsigned, Size: 8, Value: Int(header + one)},
			{Name: "cmsg_level", Kind: &socketLevels, Size: 4, Value: Int(unix.SOL_SOCKET)},
			{Name: "cmsg_type", Kind: &messageTypes, Size: 4, Value: Int(unix.SCM_RIGHTS)},
			{Name: "cmsg_data", Kind: &descriptors, Size: 8, Value: descriptor},
		}}},
		{Name: "msg_controllen", Kind: &unsigned, Size: 8, Value: Int(header + 2*one)},
		{Name: "msg_flags", Kind: &msgFlags, Size: 4},
		{Size: 4},
	}}
}

// Arrays in which a structure of ours has one element.
var (
	pointers    = Kind{form: formPointer, listed: true}
	descriptors = Kind{form: formFD, listed: true}
)
