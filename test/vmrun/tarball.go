package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// sendTar is the guest's side of -fetch: the files and directories at paths,
// as entries named by the path's index and, after a slash, what is below it.
// A path that does not exist is left out.
func sendTar(w io.Writer, paths []string) error {
	tw := tar.NewWriter(w)
	for i, top := range paths {
		err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
			if p == top && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			return sendEntry(tw, path.Join(strconv.Itoa(i), strings.TrimPrefix(p, top)), p, d)
		})
		if err != nil {
			return err
		}
	}
	return tw.Close()
}

func sendEntry(tw *tar.Writer, name, p string, d fs.DirEntry) error {
	fi, err := d.Info()
	if err != nil || !fi.IsDir() && !fi.Mode().IsRegular() {
		return err
	}
	h, err := tar.FileInfoHeader(fi, "")
	if err != nil {
		return err
	}
	h.Name = name
	if err := tw.WriteHeader(h); err != nil || fi.IsDir() {
		return err
	}
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(tw, f, fi.Size())
	return err
}

// untar is the host's side. The guest runs what is being tested: a name that
// leaves its place, or an entry that is neither file nor directory, is an
// error.
func untar(r io.Reader, to []fetch) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		place, err := fetchPlace(h.Name, to)
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(place, 0o755)
		case tar.TypeReg:
			err = writeFile(place, t, fs.FileMode(h.Mode)&0o777)
		default:
			err = fmt.Errorf("%q from the guest is neither a file nor a directory", h.Name)
		}
		if err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
	}
}

// fetchPlace returns where an entry goes.
func fetchPlace(name string, to []fetch) (string, error) {
	index, below, _ := strings.Cut(name, "/")
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(to) {
		return "", fmt.Errorf("fetch: %q from the guest has not been asked for", name)
	}
	if below != "" && !filepath.IsLocal(below) {
		return "", fmt.Errorf("fetch: %q from the guest leaves its directory", name)
	}
	return filepath.Join(to[i].host, below), nil
}

func writeFile(name string, r io.Reader, perm fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
