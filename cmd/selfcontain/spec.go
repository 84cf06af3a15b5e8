package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const specText = `It runs "sh" in the directory rootfs beside it, in new namespaces, with a
read-only root, three capabilities and no way to more. A config.json that is there is
not touched.
`

// defaultConfig is what "spec" writes. It asks for nothing that would be refused.
//
//go:embed config.json
var defaultConfig string

func prepareSpec(_ *global, f *flag.FlagSet) action {
	bundle := stringFlag(f, "bundle", "b", ".", "write it in `DIR`")
	return func(args []string) (int, error) {
		if len(args) > 0 {
			return 0, fmt.Errorf("spec: %q: no argument is expected", args[0])
		}
		return 0, writeNew(filepath.Join(*bundle, "config.json"), defaultConfig)
	}
}

// writeNew writes a file that is not there yet, or nothing.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", path)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half a file would stand in the way of the next try
	}
	return nil
}
