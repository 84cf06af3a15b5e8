package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/selfcontain/runtime/oci"
)

// release is the version that a release is built with: -ldflags "-X main.release=1.2.3".
var release string

func prepareVersion(*global, *flag.FlagSet) action {
	return func(args []string) (int, error) {
		if len(args) > 0 {
			return 0, fmt.Errorf("version: %q: no argument is expected", args[0])
		}
		return 0, output(versionLines() + "go: " + runtime.Version() + "\n")
	}
}

// versionLines are the three lines that engines expect of a runtime, in their order. Some
// take no more than three.
func versionLines() string {
	version, commit := release, "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if version == "" {
			version = info.Main.Version
		}
		commit = revision(info.Settings, commit)
	}
	if version == "" || version == "(devel)" {
		version = "0.0.0-dev"
	}
	return fmt.Sprintf("selfcontain version %s\ncommit: %s\nspec: %s\n", version, commit, oci.Version)
}

// revision is the commit that the program was built from, with a mark where the files
// were not those of the commit.
func revision(settings []debug.BuildSetting, commit string) string {
	dirty := ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return commit + dirty
}
