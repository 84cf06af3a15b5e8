package container

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// keyringMax is KEY_MAX_DESC_SIZE of security/keys/internal.h, with the NUL.
const keyringMax = 4096

func (c *compiler) checkKeyring(wrong complaint) {
	switch name := c.spec.Keyring; {
	case len(name) >= keyringMax:
		wrong("keyring", "the name has %d bytes, the kernel takes at most %d", len(name), keyringMax-1)
	case strings.IndexByte(name, 0) >= 0:
		wrong("keyring", "%q holds a NUL", name)
	case strings.HasPrefix(name, "."):
		wrong("keyring", "%q: names with a dot in front are the kernel's own", name)
	}
}

// emitKeyring gives the container a session keyring, so that it cannot search that of
// its caller, where Kerberos tickets and passwords of network file systems lie.
//
// To join one by name is to get whichever has the name already, if it may be searched:
// keyrings belong to no namespace but the user's. So another user, or a container of
// another state directory with the same id, could lay one out beforehand and read what
// is put there. What was joined is therefore looked at: a new one belongs to root and can
// be searched by nobody but who has it, and any other is left for one without a name. So
// is that of an earlier container, which the kernel takes apart a moment after its end.
// Then the name is given away, so that a process that enters the container later finds
// it. A kernel without keyrings has nothing that has to be kept apart.
//
// security/keys/process_keys.c, join_session_keyring; keyrings(7)
func (c *compiler) emitKeyring() {
	if c.spec.Keyring == "" {
		return
	}
	b := c.b
	ring, nameless, done := b.Slot("keyring"), b.Label("a keyring without a name"), b.Label("the keyring is there")
	join := func(name prog.Arg) prog.Op {
		return prog.Op{Call: prog.Keyctl, Args: prog.Args{prog.Int(unix.KEYCTL_JOIN_SESSION_KEYRING), name}}
	}
	named := join(prog.Str(c.spec.Keyring))
	named.Out, named.OnError, named.Why = ring, nameless, "not the caller's keys"
	b.Add(named)

	// "keyring;UID;GID;PERMISSIONS;NAME", with two numbers of at most ten digits and one
	// of eight. KEYCTL_DESCRIBE(2const)
	size := len("keyring;;;;") + 10 + 10 + 8 + len(c.spec.Keyring) + 1
	text := prog.Buffer("key", size)
	b.Add(prog.Op{
		Call: prog.Keyctl, Args: prog.Args{prog.Int(unix.KEYCTL_DESCRIBE), ring, text, prog.Int(size)}, OnError: nameless,
		Why: "is it new, or was there one of this name",
	})
	for at, word := range []string{"0;0;", "3f13", "0000"} {
		op := prog.Same(prog.Ref{Block: text, Offset: len("keyring;") + 4*at}, prog.Int(binary.LittleEndian.Uint32([]byte(word))))
		op.OnError, op.Why = nameless, "a new one has "+word+" here"
		b.Add(op)
	}
	b.Add(prog.Op{
		Call: prog.Keyctl, Args: prog.Args{prog.Int(unix.KEYCTL_SETPERM), ring, prog.Int(c.keyringMode())},
		Why: "who enters the container finds it", OnError: nameless,
	})
	b.Goto(done, "")
	b.Bind(nameless)
	other := join(prog.Int(0))
	other.Tolerate, other.Why = unix.ENOSYS, "the one of this name is somebody else's"
	other.Hint = "EDQUOT: the user has too many keys; EPERM: a seccomp filter around this process allows no keyrings: leave them out with --no-new-keyring"
	b.Add(other)
	b.Bind(done)
}

// keyringMode is what a new keyring allows, and that it is found by name: by its user,
// or in a new user namespace by anybody there, where its user may have no number.
func (c *compiler) keyringMode() uint64 {
	const initial = prog.KeyPossessorAll | prog.KeyUserView | prog.KeyUserRead | prog.KeyUserLink
	if c.spec.Namespaces.Contains(clone.NEWUSER) {
		return initial | prog.KeyOtherSearch
	}
	return initial | prog.KeyUserSearch
}
