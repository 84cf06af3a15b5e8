package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// initramfs is what the kernel unpacks: PID 1, the modules, the config, and
// the files of the guest.
type initramfs struct {
	*cpioWriter
	onImage bool // the root file system is an image; files are copied there
}

// overlayDir is where the initramfs keeps files for places that PID 1 mounts
// over, or for a root file system that is an image.
const overlayDir = "/overlay"

// writeInitramfs writes the file and completes cfg by the modules in it. It
// returns the size.
func writeInitramfs(name string, o *options, a artifacts, cfg *config, files []hostFile) (size int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := &initramfs{newCpio(f), cfg.Root != ""}
	if !w.onImage {
		w.mergeUsr()
	}
	for _, d := range []string{"/proc", "/sys", "/dev", "/run", "/newroot", "/etc", "/root", "/bin", "/home", "/var/tmp", "/mnt"} {
		w.dir(d, 0o755)
	}
	w.dir("/tmp", unix.S_ISVTX|0o777)
	w.node("/dev/console", unix.S_IFCHR|0o600, 5, 1)
	w.node("/dev/null", unix.S_IFCHR|0o666, 1, 3)
	w.hostFile("/init", a.agent)
	if err := w.addModules(o, a.kernel, cfg); err != nil {
		return 0, err
	}
	for _, f := range files {
		w.tree(w.place(f.guest), f.host)
	}
	for _, d := range a.packages {
		w.tree(w.place("/"), d, packageDocs...)
	}
	if err := w.addPrograms(o.bins); err != nil {
		return 0, err
	}
	if a.busybox != "" {
		w.hostFile("/bin/busybox", a.busybox)
		w.symlink("/bin/sh", "busybox")
	}
	if !w.onImage { // after the files: the caller's own win
		w.addEtc(o.users)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return 0, err
	}
	w.file(configFile, 0o600, text)
	if err := w.close(); err != nil {
		return 0, fmt.Errorf("initramfs: %w", err)
	}
	return w.n, nil
}

// packageDocs are left out of packages. Each megabyte costs the emulated
// kernel a tenth of a second.
var packageDocs = []string{"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"}

// place returns where the initramfs has a file that the guest finds at p.
func (w *initramfs) place(p string) string {
	p = path.Clean("/" + p)
	if w.onImage || strings.HasPrefix(p, "/run/") || strings.HasPrefix(p, "/dev/") {
		return overlayDir + p
	}
	return p
}

// addPrograms adds programs of the host with their shared libraries.
func (w *initramfs) addPrograms(names []string) error {
	for _, name := range names {
		p, err := exec.LookPath(name)
		if err != nil {
			return err
		}
		libs, err := libraries(p)
		if err != nil {
			return err
		}
		for _, f := range append(libs, p) {
			w.hostFile(w.place(f), f)
		}
	}
	return nil
}

func (w *initramfs) addEtc(users accounts) {
	for name, text := range users.etc() {
		w.file(name, 0o644, []byte(text))
	}
	for _, u := range users {
		w.ownedDir("/home/"+u.name, 0o755, u.id)
	}
	w.file("/etc/hosts", 0o644, []byte("127.0.0.1 localhost "+hostname+"\n::1 localhost\n"))
	w.file("/etc/nsswitch.conf", 0o644, []byte("passwd: files\ngroup: files\nhosts: files\n"))
}

// addModules adds the modules and the tables by which the guest's modprobe,
// and with it the kernel, finds them.
func (w *initramfs) addModules(o *options, k kernel, cfg *config) error {
	t, err := openModules(k.modules)
	if err != nil {
		return err
	}
	names, params := o.moduleList()
	order, err := t.resolve(names)
	if err != nil {
		return err
	}
	base := "/lib/modules/" + k.version + "/"
	file := func(name string) string { return "kernel/" + name + ".ko" }
	var dep, alias strings.Builder
	for _, name := range order {
		image, err := t.image(name)
		if err != nil {
			return err
		}
		w.cpioWriter.file(base+file(name), 0o644, image)
		cfg.Modules = append(cfg.Modules, module{base + file(name), params[name]})
		before, err := t.resolve([]string{name})
		if err != nil {
			return err
		}
		dep.WriteString(file(name) + ":")
		for i := len(before) - 2; i >= 0; i-- { // the one needed first comes last
			dep.WriteString(" " + file(before[i]))
		}
		dep.WriteString("\n")
		for _, pattern := range t.info[name].aliases {
			fmt.Fprintf(&alias, "alias %s %s\n", pattern, name)
		}
	}
	w.file(base+"modules.dep", 0o644, []byte(dep.String()))
	w.file(base+"modules.alias", 0o644, []byte(alias.String()))
	for _, name := range []string{"modules.builtin", "modules.order"} {
		w.hostFile(base+name, filepath.Join(t.dir, name))
	}
	return nil
}
