package caps

import (
	"fmt"
	"strconv"
	"strings"
)

// Cap is a capability by the number that the kernel has for it.
type Cap uint8

// The capabilities. See capabilities(7).
const (
	CHOWN              Cap = 0
	DAC_OVERRIDE       Cap = 1
	DAC_READ_SEARCH    Cap = 2
	FOWNER             Cap = 3
	FSETID             Cap = 4
	KILL               Cap = 5
	SETGID             Cap = 6
	SETUID             Cap = 7
	SETPCAP            Cap = 8
	LINUX_IMMUTABLE    Cap = 9
	NET_BIND_SERVICE   Cap = 10
	NET_BROADCAST      Cap = 11
	NET_ADMIN          Cap = 12
	NET_RAW            Cap = 13
	IPC_LOCK           Cap = 14
	IPC_OWNER          Cap = 15
	SYS_MODULE         Cap = 16
	SYS_RAWIO          Cap = 17
	SYS_CHROOT         Cap = 18
	SYS_PTRACE         Cap = 19
	SYS_PACCT          Cap = 20
	SYS_ADMIN          Cap = 21
	SYS_BOOT           Cap = 22
	SYS_NICE           Cap = 23
	SYS_RESOURCE       Cap = 24
	SYS_TIME           Cap = 25
	SYS_TTY_CONFIG     Cap = 26
	MKNOD              Cap = 27
	LEASE              Cap = 28
	AUDIT_WRITE        Cap = 29
	AUDIT_CONTROL      Cap = 30
	SETFCAP            Cap = 31
	MAC_OVERRIDE       Cap = 32
	MAC_ADMIN          Cap = 33
	SYSLOG             Cap = 34
	WAKE_ALARM         Cap = 35
	BLOCK_SUSPEND      Cap = 36
	AUDIT_READ         Cap = 37
	PERFMON            Cap = 38
	BPF                Cap = 39
	CHECKPOINT_RESTORE Cap = 40
)

// LastKnown is the last capability that this package has a name for. The kernel's
// own last one is in /proc/sys/kernel/cap_last_cap.
const LastKnown = CHECKPOINT_RESTORE

// row is what the table knows of a capability.
type row struct {
	name   string
	kernel string // first release that has it
}

var table = [...]row{
	CHOWN:              {"CAP_CHOWN", "2.2"},
	DAC_OVERRIDE:       {"CAP_DAC_OVERRIDE", "2.2"},
	DAC_READ_SEARCH:    {"CAP_DAC_READ_SEARCH", "2.2"},
	FOWNER:             {"CAP_FOWNER", "2.2"},
	FSETID:             {"CAP_FSETID", "2.2"},
	KILL:               {"CAP_KILL", "2.2"},
	SETGID:             {"CAP_SETGID", "2.2"},
	SETUID:             {"CAP_SETUID", "2.2"},
	SETPCAP:            {"CAP_SETPCAP", "2.2"},
	LINUX_IMMUTABLE:    {"CAP_LINUX_IMMUTABLE", "2.2"},
	NET_BIND_SERVICE:   {"CAP_NET_BIND_SERVICE", "2.2"},
	NET_BROADCAST:      {"CAP_NET_BROADCAST", "2.2"},
	NET_ADMIN:          {"CAP_NET_ADMIN", "2.2"},
	NET_RAW:            {"CAP_NET_RAW", "2.2"},
	IPC_LOCK:           {"CAP_IPC_LOCK", "2.2"},
	IPC_OWNER:          {"CAP_IPC_OWNER", "2.2"},
	SYS_MODULE:         {"CAP_SYS_MODULE", "2.2"},
	SYS_RAWIO:          {"CAP_SYS_RAWIO", "2.2"},
	SYS_CHROOT:         {"CAP_SYS_CHROOT", "2.2"},
	SYS_PTRACE:         {"CAP_SYS_PTRACE", "2.2"},
	SYS_PACCT:          {"CAP_SYS_PACCT", "2.2"},
	SYS_ADMIN:          {"CAP_SYS_ADMIN", "2.2"},
	SYS_BOOT:           {"CAP_SYS_BOOT", "2.2"},
	SYS_NICE:           {"CAP_SYS_NICE", "2.2"},
	SYS_RESOURCE:       {"CAP_SYS_RESOURCE", "2.2"},
	SYS_TIME:           {"CAP_SYS_TIME", "2.2"},
	SYS_TTY_CONFIG:     {"CAP_SYS_TTY_CONFIG", "2.2"},
	MKNOD:              {"CAP_MKNOD", "2.4"},
	LEASE:              {"CAP_LEASE", "2.4"},
	AUDIT_WRITE:        {"CAP_AUDIT_WRITE", "2.6.11"},
	AUDIT_CONTROL:      {"CAP_AUDIT_CONTROL", "2.6.11"},
	SETFCAP:            {"CAP_SETFCAP", "2.6.24"},
	MAC_OVERRIDE:       {"CAP_MAC_OVERRIDE", "2.6.25"},
	MAC_ADMIN:          {"CAP_MAC_ADMIN", "2.6.25"},
	SYSLOG:             {"CAP_SYSLOG", "2.6.37"},
	WAKE_ALARM:         {"CAP_WAKE_ALARM", "3.0"},
	BLOCK_SUSPEND:      {"CAP_BLOCK_SUSPEND", "3.5"},
	AUDIT_READ:         {"CAP_AUDIT_READ", "3.16"},
	PERFMON:            {"CAP_PERFMON", "5.8"},
	BPF:                {"CAP_BPF", "5.8"},
	CHECKPOINT_RESTORE: {"CAP_CHECKPOINT_RESTORE", "5.9"},
}

const prefix = "CAP_"

// String is the name in the manual, such as "CAP_CHOWN". A number that a newer
// kernel may have a name for is "CAP_41".
func (c Cap) String() string {
	if int(c) < len(table) {
		return table[c].name
	}
	return prefix + strconv.Itoa(int(c))
}

// Since is the first kernel release that has the capability, such as "5.9", and
// "" for one without a name.
func (c Cap) Since() string {
	if int(c) < len(table) {
		return table[c].kernel
	}
	return ""
}

// Parse is the capability of that name. CAP_ may be left out, and case does not
// matter; nothing else is forgiven. A capability without a name is understood as
// [Cap.String] writes it, up to 63.
func Parse(name string) (Cap, error) {
	short := name
	if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		short = name[len(prefix):]
	}
	for c := range table {
		if equalASCII(table[c].name[len(prefix):], short) {
			return Cap(c), nil
		}
	}
	// Only the one spelling: "CAP_041" and "CAP_5" are not names.
	if n, err := strconv.ParseUint(short, 10, 8); err == nil && n > uint64(LastKnown) && n < 64 && Cap(n).String() == name {
		return Cap(n), nil
	}
	return 0, fmt.Errorf("%q is not a capability", name)
}

// equalASCII ignores the case of ASCII letters only. Folding as Unicode has it
// would let the Kelvin sign pass for a K.
func equalASCII(upper, s string) bool {
	if len(upper) != len(s) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}
