package mounts

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// parameterMax is what fs/fsopen.c takes of a name or a value: 256 with the NUL.
const parameterMax = 255

// tooLong reports whether a file system has an option that fsconfig(2) does not take:
// one that is too long, as the lower directories of an overlay often are; or, before
// Linux 6.5, one for an overlay with a comma in it.
func tooLong(fsType string, options []parameter) bool {
	return slices.ContainsFunc(options, func(o parameter) bool {
		return len(o.value) > parameterMax || fsType == "overlay" && strings.Contains(o.value, ",")
	})
}

// superblockFlags are the flags that mount(2) has in a word, and not in its data.
var superblockFlags = [...]struct {
	name string
	flag uint64
}{
	{"ro", unix.MS_RDONLY},
	{"sync", unix.MS_SYNCHRONOUS},
	{"dirsync", unix.MS_DIRSYNC},
	{"lazytime", unix.MS_LAZYTIME},
	{"mand", unix.MS_MANDLOCK},
}

// legacy are options as mount(2) takes them: the source, the flags, and everything
// else in one string of less than a page, between commas. Of the file systems only
// overlay has a way to say a comma.
func legacy(fsType string, options []parameter) (source string, flags uint64, data string) {
	var words []string
	for _, o := range options {
		i := slices.IndexFunc(superblockFlags[:], func(f struct {
			name string
			flag uint64
		}) bool {
			return o.flag && f.name == o.key
		})
		value := o.value
		if fsType == "overlay" {
			value = strings.ReplaceAll(value, ",", `\,`)
		}
		switch {
		case o.key == "source" && !o.flag:
			source = o.value
		case i >= 0:
			flags |= superblockFlags[i].flag
		case o.flag:
			words = append(words, o.key)
		default:
			words = append(words, o.key+"="+value)
		}
	}
	return source, flags, strings.Join(words, ",")
}

// checkParameters says whether options can be given to the kernel at all.
func checkParameters(fsType string, options []parameter) error {
	for _, o := range options {
		if len(o.key) > parameterMax {
			return fmt.Errorf("option %s...: the kernel takes at most %d bytes of a name", o.key[:32], parameterMax)
		}
	}
	if !tooLong(fsType, options) {
		return nil
	}
	for _, o := range options {
		if fsType != "overlay" && o.key != "source" && strings.Contains(o.value, ",") {
			return fmt.Errorf("option %s: a value with a comma cannot stand beside one of more than %d bytes (fsconfig(2), mount(2))", o.key, parameterMax)
		}
	}
	if _, _, data := legacy(fsType, options); len(data) > dataMax {
		return fmt.Errorf("the options have %d bytes, the kernel takes at most %d (mount(2))", len(data), dataMax)
	}
	return nil
}

// dataMax is what copy_mount_options in fs/namespace.c takes: a page with the NUL.
const dataMax = 4095

// oldFilesystem is newFilesystem for options that only mount(2) takes. It attaches what
// it makes: on top of /, where nothing is covered, and where a copy can be had that
// is attached nowhere. The attributes come with the copy.
func oldFilesystem(b *prog.Builder, fsType string, options []parameter, attributes uint64, name, why string) prog.Slot {
	source, flags, data := legacy(fsType, options)
	b.Add(prog.Op{
		Call: prog.Mount, Args: prog.Args{prog.Str(source), prog.Str("/"), prog.Str(fsType), prog.Int(flags), prog.Str(data)},
		Why:  why + "; its options are too long for fsconfig",
		Hint: createHint(fsType) + "; ENODEV: the kernel does not know this file system, or its module is not loaded",
	})
	out := b.Slot(name)
	b.Add(prog.Op{
		Call: prog.OpenTree, Args: prog.Args{cwd, prog.Str(onTop), prog.Int(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)},
		Out: out, Why: "a mount of it, attached nowhere",
	})
	b.Add(prog.Op{
		Call: prog.Umount2, Args: prog.Args{prog.Str(onTop), prog.Int(unix.MNT_DETACH)},
		Why: "instead of this one",
	})
	if attributes != 0 {
		a := attrs{set: attributes}
		if attributes&atimes != 0 {
			a.clear = atimes
		}
		setattr(b, out, "", a, "its attributes", "")
	}
	return out
}
