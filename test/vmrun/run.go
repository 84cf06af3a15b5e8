package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// hostname is the guest's.
const hostname = "vmrun"

// statusFailed is the exit status for a failure that is not the command's.
const statusFailed = 125

// run is the host part: it returns the exit status and what went wrong.
func run(args []string) (int, error) {
	o, err := parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return statusFailed, err
	}
	start := time.Now()
	a, err := collect(o)
	if err != nil {
		return statusFailed, err
	}
	if o.prepare {
		fmt.Println(a.kernel.image)
		return 0, nil
	}
	work, remove, err := makeWorkDir()
	if err != nil {
		return statusFailed, err
	}
	defer remove()
	if err := makeRoot(o, work); err != nil {
		return statusFailed, err
	}
	r, err := newRequest(o)
	if err != nil {
		return statusFailed, err
	}
	initrd := filepath.Join(work, "initramfs")
	size, err := writeInitramfs(initrd, o, a, &r.cfg, r.files)
	if err != nil {
		return statusFailed, err
	}
	o.logf("kernel %s, %d modules, initramfs %.1f MB, prepared in %.2f s", a.kernel.version, len(r.cfg.Modules), float64(size)/1e6, time.Since(start).Seconds())

	console := o.console
	if console == "" {
		console = filepath.Join(work, "console")
	}
	g := &guest{options: o, console: console, fetches: r.fetches}
	code, err := g.run(o.arch.qemu, qemuArgs(o, a.kernel.image, initrd, console), work)
	o.logf("%s, total %.2f s; exit %d", g.stats, time.Since(start).Seconds(), code)
	if o.stats != "" {
		g.stats.Kernel, g.stats.Initramfs, g.stats.Total, g.stats.Exit = a.kernel.version, size>>20, time.Since(start).Seconds(), code
		text, e := json.Marshal(g.stats)
		if e == nil {
			e = os.WriteFile(o.stats, append(text, '\n'), 0o644)
		}
		err = errors.Join(err, e)
	}
	return code, err
}

// newRequest makes the guest's part of the options.
func newRequest(o *options) (*request, error) {
	r := &request{
		cfg: config{
			Cmd:      o.command,
			Env:      o.environ(),
			Dir:      o.dir,
			Systemd:  o.systemd,
			Stdin:    o.stdin,
			Hostname: hostname,
			Unit:     strings.ReplaceAll(o.unit, `\n`, "\n"),
		},
		fetches: o.fetches(),
	}
	if o.root != "" {
		r.cfg.Root = "/dev/vda"
	}
	for _, f := range o.files {
		host, guest, ok := strings.Cut(f, ":")
		if !ok {
			guest = "/" + filepath.Base(host)
		}
		r.files = append(r.files, hostFile{host, guest})
	}
	if o.goExec {
		if err := r.goTest(); err != nil {
			return nil, err
		}
	}
	for _, f := range r.fetches {
		r.cfg.Fetch = append(r.cfg.Fetch, f.guest)
	}
	return r, nil
}
