package mounts_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// What a mount of optionRows is made of.
const (
	onTmpfs  = "tmpfs"   // a new file system
	onPlain  = "plain"   // a copy of a mount without attributes, and one without in it
	onStrict = "strict"  // the same, of mounts with all attributes
	again    = "remount" // the latter, changed once it is mounted
)

// all is a mount with every attribute.
const all = "ro nosuid nodev noexec noatime nodiratime nosymfollow"

// without is all attributes but one.
func without(words string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(all), func(w string) bool { return slices.Contains(strings.Fields(words), w) }), " ")
}

// optionRows give every option of the OCI runtime specification to a mount. What stands
// below is for the mount inside of what is bound, and the same as above where it is empty.
var optionRows = []struct {
	option     string
	of         string
	given      string // all that is given, if that is more than the option
	top, below string
}{
	{"defaults", onTmpfs, "", "relatime", ""},
	{"silent", onTmpfs, "", "relatime", ""},
	{"loud", onTmpfs, "", "relatime", ""},
	{"iversion", onTmpfs, "", "relatime", ""},
	{"noiversion", onTmpfs, "", "relatime", ""},

	{"ro", onTmpfs, "", "ro relatime", ""},
	{"rw", onTmpfs, "ro,rw", "relatime", ""},
	{"nosuid", onTmpfs, "", "nosuid relatime", ""},
	{"suid", onTmpfs, "nosuid,suid", "relatime", ""},
	{"nodev", onTmpfs, "", "nodev relatime", ""},
	{"dev", onTmpfs, "nodev,dev", "relatime", ""},
	{"noexec", onTmpfs, "", "noexec relatime", ""},
	{"exec", onTmpfs, "noexec,exec", "relatime", ""},
	{"nodiratime", onTmpfs, "", "relatime nodiratime", ""},
	{"diratime", onTmpfs, "nodiratime,diratime", "relatime", ""},
	{"nosymfollow", onTmpfs, "", "relatime nosymfollow", ""},
	{"symfollow", onTmpfs, "nosymfollow,symfollow", "relatime", ""},
	{"noatime", onTmpfs, "", "noatime", ""},
	{"atime", onTmpfs, "noatime,atime", "relatime", ""},
	{"relatime", onTmpfs, "strictatime,relatime", "relatime", ""},
	{"norelatime", onTmpfs, "", "relatime", ""}, // what the kernel does by default
	{"strictatime", onTmpfs, "", "strictatime", ""},
	{"nostrictatime", onTmpfs, "strictatime,nostrictatime", "relatime", ""},

	{"bind", onStrict, "", all, "none"},
	{"rbind", onStrict, "", all, ""},
	{"ro", onPlain, "rbind,ro", "ro relatime", "relatime"},
	{"rw", onStrict, "rbind,rw", all, ""}, // no more than the source
	{"noatime", onPlain, "rbind,noatime", "noatime", "relatime"},
	{"nosymfollow", onPlain, "rbind,nosymfollow", "relatime nosymfollow", "relatime"},

	{"remount", again, "remount,bind,rw", without("ro"), all},
	{"suid", again, "remount,bind,suid", without("nosuid"), all},
	{"dev", again, "remount,bind,dev", without("nodev"), all},
	{"exec", again, "remount,bind,exec", without("noexec"), all},
	{"diratime", again, "remount,bind,diratime", without("nodiratime"), all},
	{"symfollow", again, "remount,bind,symfollow", without("nosymfollow"), all},
	{"relatime", again, "remount,bind,relatime", "ro nosuid nodev noexec relatime nodiratime nosymfollow", all},
	{"rrw", again, "remount,bind,rrw", without("ro"), ""},

	{"rro", onPlain, "rbind,rro", "ro relatime", ""},
	{"rrw", onStrict, "rbind,rrw", without("ro"), ""},
	{"rnosuid", onPlain, "rbind,rnosuid", "nosuid relatime", ""},
	{"rsuid", onStrict, "rbind,rsuid", without("nosuid"), ""},
	{"rnodev", onPlain, "rbind,rnodev", "nodev relatime", ""},
	{"rdev", onStrict, "rbind,rdev", without("nodev"), ""},
	{"rnoexec", onPlain, "rbind,rnoexec", "noexec relatime", ""},
	{"rexec", onStrict, "rbind,rexec", without("noexec"), ""},
	{"rnodiratime", onPlain, "rbind,rnodiratime", "relatime nodiratime", ""},
	{"rdiratime", onStrict, "rbind,rdiratime", without("nodiratime"), ""},
	{"rnosymfollow", onPlain, "rbind,rnosymfollow", "relatime nosymfollow", ""},
	{"rsymfollow", onStrict, "rbind,rsymfollow", without("nosymfollow"), ""},
	{"rnoatime", onPlain, "rbind,rnoatime", "noatime", ""},
	{"ratime", onStrict, "rbind,ratime", "ro nosuid nodev noexec relatime nodiratime nosymfollow", ""},
	{"rrelatime", onStrict, "rbind,rrelatime", "ro nosuid nodev noexec relatime nodiratime nosymfollow", ""},
	{"rnorelatime", onPlain, "rbind,rnorelatime", "relatime", ""},
	{"rstrictatime", onPlain, "rbind,rstrictatime", "strictatime", ""},
	{"rnostrictatime", onPlain, "rbind,rstrictatime,rnostrictatime", "relatime", ""},

	{"sync", onTmpfs, "", "relatime sync", ""},
	{"async", onTmpfs, "sync,async", "relatime", ""},
	{"dirsync", onTmpfs, "", "relatime dirsync", ""},
	{"lazytime", onTmpfs, "", "relatime lazytime", ""},
	{"nolazytime", onTmpfs, "lazytime,nolazytime", "relatime", ""},
	{"mand", onTmpfs, "", "relatime mand", ""}, // kept and without effect since Linux 5.15
	{"nomand", onTmpfs, "mand,nomand", "relatime", ""},

	{"private", onPlain, "rbind,private", "relatime", ""},
	{"rprivate", onPlain, "rbind,rprivate", "relatime", ""},
	{"slave", onPlain, "rbind,slave", "relatime slave", ""},
	{"rslave", onPlain, "rbind,rslave", "relatime slave", ""},
	{"shared", onPlain, "rbind,shared", "relatime shared", ""},
	{"rshared", onPlain, "rbind,rshared", "relatime shared", ""},
	{"unbindable", onPlain, "rbind,unbindable", "relatime unbindable", ""},
	{"runbindable", onPlain, "rbind,runbindable", "relatime unbindable", ""},
	{"shared", onTmpfs, "", "relatime shared", ""},
	{"slave", onTmpfs, "", "relatime", ""}, // of nobody
	{"unbindable", onTmpfs, "", "relatime unbindable", ""},
	{"unbindable", again, "remount,bind,unbindable", all + " unbindable", all},
	{"runbindable", again, "remount,bind,runbindable", all + " unbindable", ""},

	{"tmpcopyup", onTmpfs, "tmpcopyup,nosuid", "nosuid relatime", ""},
	{"idmap", onPlain, "rbind,idmap,ro", "ro relatime", "relatime"}, // of a mount that was handed down
	{"ridmap", onPlain, "rbind,ridmap,rro", "ro relatime", ""},
	{"copy-symlink", onPlain, "rbind,copy-symlink", "relatime", ""},
	{"src-nofollow", onPlain, "rbind,src-nofollow", "relatime", ""},
	{"dest-nofollow", onPlain, "rbind,dest-nofollow", "relatime", ""},
}

// TestEveryOption sets every option and reads it back from the kernel: from mountinfo,
// and where there is statmount(2), Linux 6.8, from that as well.
func TestEveryOption(t *testing.T) {
	nstest.Root(t)
	nstest.Module(t, "overlay")
	sources := optionSources(t)
	root := nstest.RootFS(t)
	tree := mounts.Tree{Mounts: []mounts.Mount{proc}}
	fds := []int{detached(t, root), detached(t, "/dev/null")}
	tree.Root, tree.Null = rootFD, nullFD
	for i, row := range optionRows {
		m := mounts.Mount{Destination: fmt.Sprintf("/m/%d", i), Type: "tmpfs"}
		if row.of != onTmpfs {
			m = mounts.Mount{Destination: m.Destination, Type: "bind", Source: sources[row.of]}
		}
		given := strings.Split(row.given, ",")
		if row.given == "" {
			given = []string{row.option}
		}
		switch {
		case row.of == again:
			m.Options = []string{"rbind"}
			tree.Mounts = append(tree.Mounts, m)
			m = mounts.Mount{Destination: m.Destination}
		case strings.Contains(row.option, "idmap"):
			m.From = prog.FD{Num: len(fds) + 3, Name: "own ids"}
			fds = append(fds, detached(t, m.Source))
			m.Source = ""
		}
		m.Options = given
		tree.Mounts = append(tree.Mounts, m)
	}
	if missing := missingOptions(); len(missing) > 0 {
		t.Errorf("no row gives %v to a mount", missing)
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	process, out, err := start(t, tree, "cat /proc/self/mountinfo; echo; read end", r, fds)
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	defer out.Close()
	var lines []string
	for s := bufio.NewScanner(out); s.Scan() && s.Text() != ""; {
		lines = append(lines, s.Text())
	}
	fromInfo := readMountinfo(lines)
	fromCall, callErr := statmounts(process.Pid())
	w.Close()
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "option\tgiven to\toptions\tread back\tbelow")
	for i, row := range optionRows {
		at := fmt.Sprintf("/m/%d", i)
		top, below := fromInfo[at], fromInfo[at+"/in"]
		given := row.given
		if given == "" {
			given = row.option
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\n", row.option, row.of, given, top, below)
		want := row.below
		switch {
		case want == "" && row.of != onTmpfs:
			want = row.top
		case want == "none":
			want = ""
		}
		if top != row.top || below != want {
			t.Errorf("%s (%s of %s): read back %q, below %q, want %q and %q", row.option, given, row.of, top, below, row.top, want)
		}
	}
	columns.Flush()
	t.Logf("%d rows:\n%s", len(optionRows), table.String())

	t.Run("statmount says the same", func(t *testing.T) {
		nstest.Kernel(t, 6, 8, "statmount")
		if callErr != nil {
			t.Fatal(callErr)
		}
		if len(fromCall) != len(fromInfo) {
			t.Errorf("statmount knows %d mounts, mountinfo %d", len(fromCall), len(fromInfo))
		}
		for at, want := range fromInfo {
			want = strings.TrimSuffix(want, " mand") // which it leaves out
			if got, ok := fromCall[at]; !ok || got != want {
				t.Errorf("%s: statmount says %q, mountinfo %q", at, got, want)
			}
		}
	})
}

// missingOptions are the options that no row is about.
func missingOptions() []string {
	return slices.DeleteFunc(mounts.OptionNames(), func(name string) bool {
		for i := range optionRows {
			if row := &optionRows[i]; row.option == name {
				return true
			}
		}
		return false
	})
}

// optionSources makes what rows of optionRows are copies of.
func optionSources(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	for _, s := range []struct {
		name string
		attr uint64
	}{{onPlain, 0}, {onStrict, ro | nosuid | nodev | noexec | noatime | nodir | nolink}} {
		dir := t.TempDir()
		for _, d := range []string{dir, filepath.Join(dir, "in")} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("options", d, "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		a := &unix.MountAttr{Attr_set: s.attr, Attr_clr: atimes, Propagation: unix.MS_SHARED}
		if err := unix.MountSetattr(unix.AT_FDCWD, dir, unix.AT_RECURSIVE, a); err != nil {
			t.Fatal(err)
		}
		sources[s.name] = dir
	}
	sources[again] = sources[onStrict]
	return sources
}
