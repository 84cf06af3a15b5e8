package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const specText = `It runs "sh" in the directory rootfs beside it, in new namespaces, with a
read-only root, three capabilities and no way to more. A config.json that is there is
not touched.

Only root can run it. With --rootless it is for the user who calls it: in a user
namespace, in which this user is root, and there is nobody else.
`

// defaultConfig is what "spec" writes. It asks for nothing that would be refused.
//
//go:embed config.json
var defaultConfig string

func prepareSpec(_ *global, f *flag.FlagSet) action {
	bundle := stringFlag(f, "bundle", "b", ".", "write it in `DIR`")
	mine := f.Bool("rootless", false, "for an ordinary user: in a user namespace with the caller alone")
	return func(args []string) (int, error) {
		if len(args) > 0 {
			return 0, fmt.Errorf("spec: %q: no argument is expected", args[0])
		}
		text := defaultConfig
		if *mine {
			text = rootless(text, os.Geteuid(), os.Getegid())
		}
		return 0, writeNew(filepath.Join(*bundle, "config.json"), text)
	}
}

// rootless makes of the default configuration one for an ordinary user. There is no
// group for the terminals besides the user's own; sysfs and cgroup2 can be made because
// their namespaces are new.
func rootless(text string, uid, gid int) string {
	id := func(n int) string { return fmt.Sprintf(`[{ "containerID": 0, "hostID": %d, "size": 1 }]`, n) }
	return strings.NewReplacer(
		`, "gid=5"]`, `]`,
		"{ \"type\": \"cgroup\" }\n\t\t],",
		"{ \"type\": \"cgroup\" },\n\t\t\t{ \"type\": \"user\" }\n\t\t],\n\t\t\"uidMappings\": "+id(uid)+",\n\t\t\"gidMappings\": "+id(gid)+",",
	).Replace(text)
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
