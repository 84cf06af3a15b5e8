package caps

import (
	"fmt"
	"strings"
)

// Securebits change what user id 0 and a change of user id mean for capabilities.
// Each has a lock at the next higher bit, which keeps it as it is for good.
// See capabilities(7).
type Securebits uint32

// The securebits.
const (
	NoRoot                  Securebits = 1 << iota // uid 0 is given nothing by execve
	NoRootLocked                                   //
	NoSetuidFixup                                  // a change of uid to or from 0 changes no capabilities
	NoSetuidFixupLocked                            //
	KeepCaps                                       // permitted ones survive a change of uid from 0; execve clears the bit
	KeepCapsLocked                                 //
	NoCapAmbientRaise                              // nothing can be added to the ambient set; Linux 4.3
	NoCapAmbientRaiseLock                          //
	ExecRestrictFile                               // interpreters are to run only files that could be executed; Linux 6.14
	ExecRestrictFileLock                           //
	ExecDenyInteractive                            // interpreters are to run nothing that is typed in; Linux 6.14
	ExecDenyInteractiveLock                        //
)

// bitNames are the names of include/uapi/linux/securebits.h from bit 0 on.
var bitNames = [...]string{
	"SECBIT_NOROOT",
	"SECBIT_NOROOT_LOCKED",
	"SECBIT_NO_SETUID_FIXUP",
	"SECBIT_NO_SETUID_FIXUP_LOCKED",
	"SECBIT_KEEP_CAPS",
	"SECBIT_KEEP_CAPS_LOCKED",
	"SECBIT_NO_CAP_AMBIENT_RAISE",
	"SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED",
	"SECBIT_EXEC_RESTRICT_FILE",
	"SECBIT_EXEC_RESTRICT_FILE_LOCKED",
	"SECBIT_EXEC_DENY_INTERACTIVE",
	"SECBIT_EXEC_DENY_INTERACTIVE_LOCKED",
}

// String is the names as strace writes them, and "0" for none.
func (s Securebits) String() string {
	if s == 0 {
		return "0"
	}
	return strings.Join(s.names(), "|")
}

func (s Securebits) names() []string {
	names := []string{}
	for i, n := range bitNames {
		if s&(1<<i) != 0 {
			names = append(names, n)
			s &^= 1 << i
		}
	}
	if s != 0 {
		names = append(names, fmt.Sprintf("%#x", uint32(s)))
	}
	return names
}

// ParseSecurebits is the bits of these names. SECBIT_ may be left out, and case
// does not matter. A name that is not known is an error, because a bit that is
// missing gives more than was meant.
func ParseSecurebits(names []string) (Securebits, error) {
	const prefix = "SECBIT_"
	var s Securebits
next:
	for _, name := range names {
		for i, n := range bitNames {
			if equalASCII(n, name) || equalASCII(n[len(prefix):], name) {
				s |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("%q is not a securebit", name)
	}
	return s, nil
}

// MarshalText is the names with a space between, so that they are a string in JSON.
func (s Securebits) MarshalText() ([]byte, error) { return []byte(strings.Join(s.names(), " ")), nil }

// UnmarshalText reads names as MarshalText writes them.
func (s *Securebits) UnmarshalText(text []byte) error {
	bits, err := ParseSecurebits(strings.Fields(string(text)))
	if err != nil {
		return err
	}
	*s = bits
	return nil
}
