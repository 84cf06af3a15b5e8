package mounts_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readMountinfo is the state of every mount, by its mount point, in the words of describe.
func readMountinfo(lines []string) map[string]string {
	out := map[string]string{}
	for _, line := range lines {
		before, after, _ := strings.Cut(line, " - ")
		f, super := strings.Fields(before), strings.Fields(after)
		var words []string
		attributes := strings.Split(f[5], ",")
		for _, w := range strings.Fields("ro nosuid nodev noexec") {
			if slices.Contains(attributes, w) {
				words = append(words, w)
			}
		}
		switch {
		case slices.Contains(attributes, "noatime"):
			words = append(words, "noatime")
		case slices.Contains(attributes, "relatime"):
			words = append(words, "relatime")
		default:
			words = append(words, "strictatime")
		}
		for _, w := range strings.Fields("nodiratime nosymfollow") {
			if slices.Contains(attributes, w) {
				words = append(words, w)
			}
		}
		for tag, word := range map[string]string{"shared:": "shared", "master:": "slave", "unbindable": "unbindable"} {
			if slices.ContainsFunc(f[6:], func(s string) bool { return strings.HasPrefix(s, tag) }) {
				words = append(words, word)
			}
		}
		for _, w := range strings.Split(super[2], ",") {
			if slices.Contains([]string{"sync", "dirsync", "lazytime", "mand"}, w) {
				words = append(words, w)
			}
		}
		out[f[4]] = strings.Join(words, " ")
	}
	return out
}

// describe puts what statmount(2) says into the same words.
func describe(attr, propagation uint64, super uint32) string {
	var words []string
	add := func(is bool, word string) {
		if is {
			words = append(words, word)
		}
	}
	add(attr&ro != 0, "ro")
	add(attr&nosuid != 0, "nosuid")
	add(attr&nodev != 0, "nodev")
	add(attr&noexec != 0, "noexec")
	add(attr&atimes == noatime, "noatime")
	add(attr&atimes == 0, "relatime")
	add(attr&atimes == strict, "strictatime")
	add(attr&nodir != 0, "nodiratime")
	add(attr&nolink != 0, "nosymfollow")
	add(propagation&unix.MS_SHARED != 0, "shared")
	add(propagation&unix.MS_SLAVE != 0, "slave")
	add(propagation&unix.MS_UNBINDABLE != 0, "unbindable")
	add(super&unix.MS_SYNCHRONOUS != 0, "sync")
	add(super&unix.MS_DIRSYNC != 0, "dirsync")
	add(super&unix.MS_LAZYTIME != 0, "lazytime")
	return strings.Join(words, " ")
}

// statmounts asks statmount(2) about every mount of a process's mount namespace. A
// thread enters that for it, and ends there.
func statmounts(pid int) (out map[string]string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock it
		out, err = statmountsHere(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	}()
	<-done
	return out, err
}

func statmountsHere(namespace string) (map[string]string, error) {
	fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return nil, err
	}
	if err := unix.Setns(fd, unix.CLONE_NEWNS); err != nil {
		return nil, err
	}
	const (
		lsmtRoot    = ^uint64(0)
		superBasic  = 1 << 0
		mountBasic  = 1 << 1
		mountPoint  = 1 << 4
		offsetFlags = 32  // sb_flags
		offsetAttr  = 64  // mnt_attr
		offsetProp  = 72  // mnt_propagation
		offsetPoint = 108 // mnt_point, in the strings
		strings     = 512
	)
	// struct mnt_id_req: its size, the id, and for statmount what is asked for.
	request := func(id, param uint64) *[24]byte {
		var b [24]byte
		binary.LittleEndian.PutUint32(b[:], uint32(len(b)))
		binary.LittleEndian.PutUint64(b[8:], id)
		binary.LittleEndian.PutUint64(b[16:], param)
		return &b
	}
	var ids [512]uint64
	n, _, errno := unix.Syscall6(unix.SYS_LISTMOUNT, uintptr(unsafe.Pointer(request(lsmtRoot, 0))), uintptr(unsafe.Pointer(&ids)), uintptr(len(ids)), 0, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	out := map[string]string{}
	for _, id := range ids[:n] {
		var b [4096]byte
		_, _, errno := unix.Syscall6(unix.SYS_STATMOUNT, uintptr(unsafe.Pointer(request(id, superBasic|mountBasic|mountPoint))), uintptr(unsafe.Pointer(&b)), uintptr(len(b)), 0, 0, 0)
		if errno != 0 {
			return nil, errno
		}
		point := unix.ByteSliceToString(b[strings+binary.LittleEndian.Uint32(b[offsetPoint:]):])
		out[point] = describe(binary.LittleEndian.Uint64(b[offsetAttr:]), binary.LittleEndian.Uint64(b[offsetProp:]), binary.LittleEndian.Uint32(b[offsetFlags:]))
	}
	return out, nil
}
