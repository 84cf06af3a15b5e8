package caps

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitBounding drops from the bounding set every capability of the kernel that c
// does not have in it. It needs CAP_SETPCAP, so it comes before everything that
// takes capabilities away. PR_CAPBSET_DROP(2const), Linux 2.6.25.
func EmitBounding(b *prog.Builder, c Config, last Cap) {
	for _, drop := range (UpTo(last) &^ c.Bounding).List() {
		b.Add(prog.Op{
			Call: prog.Prctl,
			Args: prog.Args{prog.Int(unix.PR_CAPBSET_DROP), named(drop)},
			Why:  "no execve can give it back",
			Hint: "EPERM: the caller lacks CAP_SETPCAP",
		})
	}
}

// EmitKeep keeps what is permitted over the change to a user id other than 0,
// which would clear it. For uid 0, and where nothing is left to keep, it appends
// nothing. The kernel takes the bit back at execve. PR_SET_KEEPCAPS(2const).
func EmitKeep(b *prog.Builder, c Config, uid uint32) {
	if uid == 0 || c.Permitted|c.Inheritable == 0 && c.Securebits == 0 {
		return
	}
	b.Add(prog.Op{
		Call: prog.Prctl,
		Args: prog.Args{prog.Int(unix.PR_SET_KEEPCAPS), prog.Int(1)},
		Why:  "setresuid would clear the permitted set",
		Hint: "EPERM: SECBIT_KEEP_CAPS_LOCKED is set",
	})
}

// EmitSets gives the process its permitted, effective, inheritable and ambient
// sets, and its securebits if there are any. It comes after the change of ids,
// which clears the effective and the ambient set. capset(2).
func EmitSets(b *prog.Builder, c Config) {
	if c.Securebits == 0 {
		emitCapset(b, c.Effective, c.Permitted, c.Inheritable, "what the process may do from here on")
		emitAmbient(b, c)
		return
	}
	// The securebits need CAP_SETPCAP, and one of them forbids to raise ambient
	// capabilities: so both are done before the last capability is given up.
	setpcap := Of(SETPCAP)
	emitCapset(b, c.Effective|setpcap, c.Permitted|setpcap, c.Inheritable, "the securebits need CAP_SETPCAP")
	emitAmbient(b, c)
	b.Add(prog.Op{
		Call: prog.Prctl,
		Args: prog.Args{prog.Int(unix.PR_SET_SECUREBITS), prog.Named{Value: uint64(c.Securebits), Text: c.Securebits.String()}},
		Why:  "what uid 0 means to the kernel",
		Hint: "EPERM: one of them is locked, or this kernel does not know it",
	})
	if !c.Effective.Has(SETPCAP) || !c.Permitted.Has(SETPCAP) {
		emitCapset(b, c.Effective, c.Permitted, c.Inheritable, "what the process may do from here on")
	}
}

func emitCapset(b *prog.Builder, effective, permitted, inheritable Set, why string) {
	b.Add(prog.Op{
		Call: prog.Capset,
		Args: prog.Args{capHeader(), capData(effective, permitted, inheritable)},
		Why:  why,
		Hint: "EPERM: a capability that the caller lacks, or an inheritable one outside of the bounding set",
	})
}

// emitAmbient makes the ambient set what c says. Just after capset it holds
// nothing that is not both permitted and inheritable, so that often there is
// nothing to clear. PR_CAP_AMBIENT(2const), Linux 4.3.
func emitAmbient(b *prog.Builder, c Config) {
	if c.Permitted&c.Inheritable&^c.Ambient != 0 {
		b.Add(prog.Op{
			Call: prog.Prctl,
			Args: prog.Args{prog.Int(unix.PR_CAP_AMBIENT), prog.Int(unix.PR_CAP_AMBIENT_CLEAR_ALL), prog.Int(0), prog.Int(0), prog.Int(0)},
			Why:  "the caller's may be inheritable here",
		})
	}
	for _, raise := range c.Ambient.List() {
		b.Add(prog.Op{
			Call: prog.Prctl,
			Args: prog.Args{prog.Int(unix.PR_CAP_AMBIENT), prog.Int(unix.PR_CAP_AMBIENT_RAISE), named(raise), prog.Int(0), prog.Int(0)},
			Why:  "survives the execve of any user",
			Hint: "EPERM: not both permitted and inheritable, or SECBIT_NO_CAP_AMBIENT_RAISE is set",
		})
	}
}

func named(c Cap) prog.Named { return prog.Named{Value: uint64(c), Text: c.String()} }
