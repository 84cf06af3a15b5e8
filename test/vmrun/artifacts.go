package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// artifacts are what a guest is made of besides the user's own files.
type artifacts struct {
	kernel   kernel
	busybox  string   // "" for none
	agent    string   // static build of this program
	packages []string // directories with unpacked packages
}

// kernel is an unpacked kernel package.
type kernel struct {
	image, version, modules string
}

// collect finds or downloads the artifacts, under a lock of the cache.
func collect(o *options) (a artifacts, err error) {
	if err := os.MkdirAll(o.cache, 0o755); err != nil {
		return a, err
	}
	unlock, err := lockFile(filepath.Join(o.cache, "lock"))
	if err != nil {
		return a, err
	}
	defer unlock()
	apt := &aptSource{
		dir:    filepath.Join(o.cache, "apt-"+o.suite+"-"+o.arch.debian),
		arch:   o.arch.debian,
		mirror: o.mirror,
		suite:  o.suite,
		logf:   o.logf,
	}
	if a.kernel, err = findKernel(o, apt); err != nil {
		return a, err
	}
	packages := filepath.Join(o.cache, o.suite, o.arch.debian)
	if !o.noBusybox {
		dir, err := findPackage(packages, "busybox-static", apt)
		if err != nil {
			return a, err
		}
		if a.busybox, err = firstOf(dir+"/bin/busybox", dir+"/usr/bin/busybox"); err != nil {
			return a, err
		}
	}
	for _, p := range o.packages {
		dir, err := findPackage(packages, p, apt)
		if err != nil {
			return a, err
		}
		a.packages = append(a.packages, dir)
	}
	if a.agent = o.agent; a.agent == "" {
		a.agent, err = findAgent(o.cache, o.arch)
	}
	return a, err
}

// findPackage returns the directory with a package and its dependencies.
func findPackage(cache, name string, apt *aptSource) (string, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-") {
		return "", fmt.Errorf("%q is not the name of a package", name)
	}
	dir := filepath.Join(cache, name)
	if exists(dir) {
		return dir, nil
	}
	return dir, apt.unpack(name, dir, true)
}

// findKernel returns the kernel that was asked for, else the one that was
// unpacked last, else the newest of the suite.
func findKernel(o *options, apt *aptSource) (k kernel, err error) {
	cache := filepath.Join(o.cache, o.suite+"-"+o.flavour, o.arch.debian)
	name := o.kernelPackage
	if name == "" {
		if name, err = newestEntry(cache); err != nil {
			return k, err
		}
	}
	if name == "" {
		meta := "linux-image-" + o.arch.debian
		if o.flavour != "generic" {
			meta = "linux-image-" + o.flavour + "-" + o.arch.debian
		}
		if name, err = apt.latestKernel(meta); err != nil {
			return k, err
		}
	}
	dir := filepath.Join(cache, name)
	if !exists(dir) {
		if err := apt.unpack(name, dir, false); err != nil {
			return k, err
		}
	}
	images, err := filepath.Glob(dir + "/boot/vmlinuz-*")
	if err != nil || len(images) != 1 {
		return k, fmt.Errorf("%s: want one boot/vmlinuz-*, have %q", dir, images)
	}
	k.image = images[0]
	k.version = strings.TrimPrefix(filepath.Base(k.image), "vmlinuz-")
	k.modules, err = firstOf(dir+"/lib/modules/"+k.version, dir+"/usr/lib/modules/"+k.version)
	return k, err
}

// newestEntry returns the kernel package that was unpacked last, or "".
func newestEntry(dir string) (string, error) {
	have, err := filepath.Glob(dir + "/linux-image-*")
	if err != nil || len(have) == 0 {
		return "", err
	}
	age := func(p string) int64 {
		var st syscall.Stat_t
		if syscall.Stat(p, &st) != nil {
			return 0
		}
		return st.Ctim.Nano()
	}
	return filepath.Base(slices.MaxFunc(have, func(a, b string) int {
		return int(min(max(age(a)-age(b), -1), 1))
	})), nil
}

// findAgent returns a static build of this very program for the guest.
func findAgent(cache string, a arch) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if static, err := isStatic(self); err == nil && static && a.goarch == runtime.GOARCH {
		return self, nil
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", fmt.Errorf("no build information: give the guest's agent with -agent")
	}
	out := filepath.Join(cache, "agent-"+a.goarch)
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", out, strings.TrimSuffix(info.Path, ".test"))
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+a.goarch, "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the guest's agent (inside of the module, or give it with -agent): %w: %s", err, text)
	}
	return out, nil
}

func firstOf(names ...string) (string, error) {
	for _, n := range names {
		if exists(n) {
			return n, nil
		}
	}
	return "", fmt.Errorf("none of %q exists", names)
}

// lockFile takes the lock of a file, and waits for it.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { f.Close() }, nil
}
