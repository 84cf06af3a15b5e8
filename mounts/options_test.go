package mounts_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
)

const (
	ro      = unix.MOUNT_ATTR_RDONLY
	nosuid  = unix.MOUNT_ATTR_NOSUID
	nodev   = unix.MOUNT_ATTR_NODEV
	noexec  = unix.MOUNT_ATTR_NOEXEC
	nodir   = unix.MOUNT_ATTR_NODIRATIME
	nolink  = unix.MOUNT_ATTR_NOSYMFOLLOW
	noatime = unix.MOUNT_ATTR_NOATIME
	strict  = unix.MOUNT_ATTR_STRICTATIME
	atimes  = unix.MOUNT_ATTR__ATIME
)

func TestParseOptions(t *testing.T) {
	type o = mounts.Options
	for _, row := range []struct {
		sentence string
		options  string
		want     o
	}{
		{"nothing asks for nothing", "", o{}},
		{"an empty option asks for nothing", ",,", o{}},
		{"what has no effect", "defaults,silent,loud,iversion,noiversion,norelatime", o{}},
		{"attributes", "ro,nosuid,nodev,noexec,nodiratime,nosymfollow", o{Set: ro | nosuid | nodev | noexec | nodir | nolink}},
		{"and their opposites", "rw,suid,dev,exec,diratime,symfollow", o{Clear: ro | nosuid | nodev | noexec | nodir | nolink}},
		{"the later one wins", "ro,rw,suid,nosuid", o{Set: nosuid, Clear: ro}},
		{"an access time clears the others", "noatime", o{Set: noatime, Clear: atimes}},
		{"the last access time wins", "noatime,strictatime", o{Set: strict, Clear: atimes}},
		{"relatime is none of the others", "strictatime,relatime", o{Clear: atimes}},
		{"atime takes noatime back", "noatime,atime", o{Clear: atimes}},
		{"nostrictatime does not take noatime back", "noatime,nostrictatime", o{Set: noatime, Clear: atimes}},
		{"for all mounts", "rro,rnosuid,rnodev,rnoexec,rnodiratime,rnosymfollow", o{SetAll: ro | nosuid | nodev | noexec | nodir | nolink}},
		{"for all mounts, the opposites", "rrw,rsuid,rdev,rexec,rdiratime,rsymfollow", o{ClearAll: ro | nosuid | nodev | noexec | nodir | nolink}},
		{"access times of all mounts", "rnoatime", o{SetAll: noatime, ClearAll: atimes}},
		{"access times of all mounts back", "rnoatime,rrelatime", o{ClearAll: atimes}},
		{"what is said of all later is said of the mount too", "ro,rrw", o{ClearAll: ro}},
		{"what is said of the mount later is an exception", "rro,rw", o{SetAll: ro, Clear: ro}},
		{"bind", "bind", o{Bind: true}},
		{"rbind", "rbind", o{Bind: true, Recursive: true}},
		{"remount", "remount,bind", o{Bind: true, Remount: true}},
		{"propagation: the last one", "shared,rslave", o{Propagation: unix.MS_SLAVE, PropagationAll: true}},
		{"propagation of this mount", "rshared,private", o{Propagation: unix.MS_PRIVATE}},
		{"flags of every file system", "sync,dirsync,lazytime,mand", o{Superblock: []string{"sync", "dirsync", "lazytime", "mand"}}},
		{"flags taken back", "sync,lazytime,mand,async,nolazytime,nomand,sync,sync", o{Superblock: []string{"sync"}}},
		{"what is not known is for the file system", "size=64m,newinstance,RO", o{Data: []string{"size=64m", "newinstance", "RO"}}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			got, err := mounts.ParseOptions(strings.Split(row.options, ","))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Superblock) == 0 {
				got.Superblock = nil
			}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("%s: got %+v, want %+v", row.options, got, row.want)
			}
		})
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for option, want := range map[string]string{
		"idmap=uids=0-1000-1": "option idmap=uids=0-1000-1: ids are given as uidMappings and gidMappings of the mount",
		"ridmap=":             "option ridmap=: ids are given as uidMappings and gidMappings of the mount",
		"a\x00b":              `option "a\x00b": it holds a NUL`,
	} {
		if _, err := mounts.ParseOptions([]string{"ro", option}); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", option, err, want)
		}
	}
}

// The names are those of the OCI runtime specification 1.3, config.md, "Linux mount options".
func TestEveryOptionOfTheSpecificationIsKnown(t *testing.T) {
	specified := strings.Fields(`async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime
		nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind
		rdev rdiratime relatime remount rexec ridmap rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid
		rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent
		slave strictatime suid symfollow sync tmpcopyup unbindable`)
	known := mounts.OptionNames()
	crun := []string{"copy-symlink", "src-nofollow", "dest-nofollow"}
	for _, name := range append(specified, crun...) {
		o, err := mounts.ParseOptions([]string{name})
		switch {
		case err != nil && slices.Contains(known, name):
			t.Errorf("%s is listed and refused: %v", name, err)
		case err == nil && !slices.Contains(known, name):
			t.Errorf("%s is not listed", name)
		case len(o.Data) > 0:
			t.Errorf("%s is taken for an option of the file system", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(specified, name) && !slices.Contains(crun, name) {
			t.Errorf("%s is known and not in the specification", name)
		}
	}
}

func FuzzOptions(f *testing.F) {
	for _, name := range mounts.OptionNames() {
		f.Add(name + ",noatime,rro")
	}
	f.Add("size=1,mode=755,,=,x=\x00")
	f.Fuzz(func(t *testing.T, text string) {
		list := strings.Split(text, ",")
		o, err := mounts.ParseOptions(list)
		if err != nil {
			return
		}
		for _, both := range []uint64{o.Set & o.Clear &^ atimes, o.SetAll & o.ClearAll &^ atimes} {
			if both != 0 {
				t.Errorf("%q: attributes %#x are both set and cleared", text, both)
			}
		}
		// EINVAL of mount_setattr otherwise.
		for _, a := range [][2]uint64{{o.Set, o.Clear}, {o.SetAll, o.ClearAll}} {
			if a[0]&atimes != 0 && a[1]&atimes != atimes {
				t.Errorf("%q: an access time is set (%#x) without the others being cleared (%#x)", text, a[0], a[1])
			}
		}
		if len(o.Data)+len(o.Superblock) > len(list) {
			t.Errorf("%q: more options than were given: %+v", text, o)
		}
		again, err := mounts.ParseOptions(append(list, list...))
		if err != nil {
			t.Fatalf("%q is taken once and not twice: %v", text, err)
		}
		if again.Set != o.Set || again.SetAll != o.SetAll || again.Propagation != o.Propagation || !slices.Equal(again.Superblock, o.Superblock) && len(o.Superblock) > 0 && !sameSet(again.Superblock, o.Superblock) {
			t.Errorf("%q: said twice it is %+v, said once %+v", text, again, o)
		}
	})
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
