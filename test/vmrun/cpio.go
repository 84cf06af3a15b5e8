package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// cpioWriter writes the "newc" format that the kernel unpacks an initramfs
// from (Documentation/driver-api/early-userspace/buffer-format.rst). Parents
// are made as needed, and of two entries of one name the first wins: the
// kernel would append to the file or fail. The first error stays.
type cpioWriter struct {
	w    *bufio.Writer
	n    int64
	ino  int
	seen map[string]bool
	err  error

	// mergedUsr writes what goes to /bin, /lib and their like below /usr.
	// Packages of different suites disagree about where those files are;
	// merged, they meet.
	mergedUsr bool
}

func newCpio(w io.Writer) *cpioWriter {
	return &cpioWriter{w: bufio.NewWriterSize(w, 1<<20), seen: map[string]bool{"/": true}}
}

// usrLinks are the directories of / that are links to /usr in a merged tree.
var usrLinks = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// clean returns the absolute path that an entry p gets.
func (c *cpioWriter) clean(p string) string {
	p = path.Clean("/" + p)
	if !c.mergedUsr {
		return p
	}
	top, _, _ := strings.Cut(p[1:], "/")
	for _, l := range usrLinks {
		if top == l {
			return "/usr" + p
		}
	}
	return p
}

// mergeUsr makes the links to /usr and sends everything after it there.
func (c *cpioWriter) mergeUsr() {
	for _, l := range usrLinks {
		c.dir("/usr/"+l, 0o755)
		c.symlink("/"+l, "usr/"+l)
	}
	c.mergedUsr = true
}

func (c *cpioWriter) write(p []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(p)
		c.n += int64(len(p))
	}
}

func (c *cpioWriter) pad() {
	if r := c.n % 4; r != 0 {
		c.write(make([]byte, 4-r))
	}
}

// entry is the variable part of a header.
type entry struct {
	name         string
	mode         uint32
	id           int // owner and group
	size         int64
	major, minor int
	mtime        int64
}

func (c *cpioWriter) header(e entry) {
	if e.size >= 1<<32 {
		c.fail(fmt.Errorf("%s: too large for an initramfs", e.name))
		return
	}
	c.ino++
	links := 1
	if e.mode&unix.S_IFMT == unix.S_IFDIR {
		links = 2
	}
	c.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, e.mode, e.id, e.id, links, uint32(e.mtime), e.size, 0, 0, e.major, e.minor, len(e.name)+1, 0, e.name))
	c.pad()
}

func (c *cpioWriter) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// fresh makes the parents and reports whether p has not been written yet.
func (c *cpioWriter) fresh(p string) bool {
	if c.seen[p] {
		return false
	}
	c.dir(path.Dir(p), 0o755)
	c.seen[p] = true
	return true
}

func (c *cpioWriter) dir(p string, perm uint32) { c.ownedDir(p, perm, 0) }

func (c *cpioWriter) ownedDir(p string, perm uint32, id int) {
	if p = c.clean(p); c.fresh(p) {
		c.header(entry{name: p[1:], mode: unix.S_IFDIR | perm, id: id})
	}
}

func (c *cpioWriter) file(p string, perm uint32, data []byte) {
	if p = c.clean(p); c.fresh(p) {
		c.header(entry{name: p[1:], mode: unix.S_IFREG | perm, size: int64(len(data))})
		c.write(data)
		c.pad()
	}
}

func (c *cpioWriter) symlink(p, target string) {
	if p = c.clean(p); c.fresh(p) {
		c.header(entry{name: p[1:], mode: unix.S_IFLNK | 0o777, size: int64(len(target))})
		c.write([]byte(target))
		c.pad()
	}
}

func (c *cpioWriter) node(p string, mode uint32, major, minor int) {
	if p = c.clean(p); c.fresh(p) {
		c.header(entry{name: p[1:], mode: mode, major: major, minor: minor})
	}
}

// hostFile copies a file of the host.
func (c *cpioWriter) hostFile(p, host string) {
	if p = c.clean(p); !c.fresh(p) {
		return
	}
	f, err := os.Open(host)
	if err != nil {
		c.fail(err)
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		c.fail(err)
		return
	}
	c.header(entry{name: p[1:], mode: unix.S_IFREG | unixPerm(st.Mode()), size: st.Size(), mtime: st.ModTime().Unix()})
	if c.err != nil {
		return
	}
	n, err := io.Copy(c.w, io.LimitReader(f, st.Size()))
	c.n += n
	if err == nil && n != st.Size() {
		err = fmt.Errorf("%s: changed while being read", host)
	}
	if err != nil {
		c.fail(err)
	}
	c.pad()
}

// tree copies a file or a directory with all that is in it. A symbolic link
// is followed when it is host itself, and copied below it. Sockets, fifos and
// devices are left out, and so are the directories named by without, relative
// to host.
func (c *cpioWriter) tree(p, host string, without ...string) {
	st, err := os.Stat(host)
	if err == nil && !st.IsDir() {
		c.hostFile(p, host)
		return
	}
	if err == nil {
		host, err = filepath.EvalSymlinks(host)
	}
	if err != nil {
		c.fail(err)
		return
	}
	err = filepath.WalkDir(host, func(h string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below := strings.TrimPrefix(strings.TrimPrefix(h, host), "/")
		g := path.Join(p, below)
		switch {
		case d.IsDir() && slices.Contains(without, below):
			return fs.SkipDir
		case d.IsDir():
			fi, err := d.Info()
			if err != nil {
				return err
			}
			c.dir(g, unixPerm(fi.Mode()))
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(h)
			if err != nil {
				return err
			}
			c.symlink(g, target)
		case d.Type().IsRegular():
			c.hostFile(g, h)
		}
		return c.err
	})
	if err != nil {
		c.fail(err)
	}
}

func (c *cpioWriter) close() error {
	c.header(entry{name: "TRAILER!!!"})
	return errors.Join(c.err, c.w.Flush())
}

// unixPerm returns the permission bits of m as the kernel numbers them.
func unixPerm(m fs.FileMode) uint32 {
	p := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		p |= unix.S_ISUID
	}
	if m&fs.ModeSetgid != 0 {
		p |= unix.S_ISGID
	}
	if m&fs.ModeSticky != 0 {
		p |= unix.S_ISVTX
	}
	return p
}
