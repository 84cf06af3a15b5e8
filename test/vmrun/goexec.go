package main

import (
	"os"
	"path/filepath"
	"strings"
)

// hostFile is a file or directory of the host and its place in the guest.
type hostFile struct {
	host, guest string
}

// fetch is a file or directory of the guest and its place on the host.
type fetch struct {
	guest, host string
}

// request is what the command needs in the guest, made of the options.
type request struct {
	cfg     config
	files   []hostFile
	fetches []fetch
}

// addFetch copies a file back to the same path, and makes its directory.
func (r *request) addFetch(name string) {
	r.cfg.Mkdir = append(r.cfg.Mkdir, filepath.Dir(name))
	r.fetches = append(r.fetches, fetch{name, name})
}

// goTest makes the command, which `go test -exec` has completed by a test
// binary and its flags, run as if the guest had the package: the binary is
// copied with its libraries, the working directory exists, testdata is in it,
// and the profiles that the flags ask for come back.
func (r *request) goTest() error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	bin, err := filepath.Abs(r.cfg.Cmd[0])
	if err != nil {
		return err
	}
	r.cfg.Cmd[0] = "/vmtest/" + filepath.Base(bin)
	r.files = append(r.files, hostFile{bin, r.cfg.Cmd[0]})
	static, err := isStatic(bin)
	if err != nil {
		return err
	}
	if !static { // cgo or -race
		libs, err := libraries(bin)
		if err != nil {
			return err
		}
		for _, l := range libs {
			r.files = append(r.files, hostFile{l, l})
		}
	}
	if data := filepath.Join(wd, "testdata"); exists(data) {
		r.files = append(r.files, hostFile{data, data})
	}
	r.cfg.Dir = wd
	r.cfg.Mkdir = append(r.cfg.Mkdir, wd)
	for _, arg := range r.cfg.Cmd[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if value == "" {
			continue
		}
		switch strings.TrimLeft(name, "-") {
		case "test.coverprofile", "test.cpuprofile", "test.memprofile", "test.blockprofile", "test.mutexprofile", "test.trace",
			"test.testlogfile": // the last one feeds go test's cache of results
			if !filepath.IsAbs(value) {
				value = filepath.Join(wd, value)
			}
			r.addFetch(value)
		case "test.gocoverdir", "test.outputdir":
			r.cfg.Mkdir = append(r.cfg.Mkdir, value)
			r.addFetch(value)
		}
	}
	return nil
}
