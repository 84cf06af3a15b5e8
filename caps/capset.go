package caps

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// capHeader is struct __user_cap_header_struct of capset(2), for the caller itself.
// Version 3, Linux 2.6.26, is the one with 64 bits a set.
func capHeader() *prog.Block {
	return &prog.Block{Fields: []prog.Field{
		{Name: "version", Size: 4, Value: prog.Named{Value: unix.LINUX_CAPABILITY_VERSION_3, Text: "_LINUX_CAPABILITY_VERSION_3"}},
		{Name: "pid", Kind: prog.Integer, Size: 4, Value: prog.Int(0)},
	}}
}

// capData is struct __user_cap_data_struct[2]: the lower halves of the three sets,
// then the upper ones. The first three fields carry the text of the whole.
func capData(effective, permitted, inheritable Set) *prog.Block {
	sets := [...]Set{effective, permitted, inheritable}
	names := [...]string{"effective", "permitted", "inheritable"}
	var fields [2 * len(sets)]prog.Field
	for i, s := range sets {
		text := "0"
		if s != 0 {
			text = s.join("1<<", "|")
		}
		fields[i] = prog.Field{Name: names[i], Size: 4, Value: prog.Named{Value: uint64(uint32(s)), Text: text}}
		fields[len(sets)+i] = prog.Field{Size: 4, Value: prog.Int(s >> 32)}
	}
	return &prog.Block{Fields: fields[:]}
}
