package prog

import "golang.org/x/sys/unix"

// keyctl(2)
var keyctlOperations = Kind{form: formEnum, names: []name{
	{unix.KEYCTL_GET_KEYRING_ID, "KEYCTL_GET_KEYRING_ID"},
	{unix.KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING"},
	{unix.KEYCTL_SETPERM, "KEYCTL_SETPERM"},
	{unix.KEYCTL_DESCRIBE, "KEYCTL_DESCRIBE"},
}}

// Permissions of a key, linux/keyctl.h in the kernel: for who possesses it, which is
// who can find it along his own keyrings, for its user, for its group, and for others.
// golang.org/x/sys does not have them. keyrings(7)
const (
	KeyPossessorAll = 0x3f000000
	KeyUserView     = 0x00010000
	KeyUserRead     = 0x00020000
	KeyUserSearch   = 0x00080000
	KeyUserLink     = 0x00100000
	KeyOtherSearch  = 0x00000008
)

var keyPermissions = Kind{form: formFlags, names: []name{
	{0x01000000, "KEY_POS_VIEW"},
	{0x02000000, "KEY_POS_READ"},
	{0x04000000, "KEY_POS_WRITE"},
	{0x08000000, "KEY_POS_SEARCH"},
	{0x10000000, "KEY_POS_LINK"},
	{0x20000000, "KEY_POS_SETATTR"},
	{KeyUserView, "KEY_USR_VIEW"},
	{KeyUserRead, "KEY_USR_READ"},
	{0x00040000, "KEY_USR_WRITE"},
	{KeyUserSearch, "KEY_USR_SEARCH"},
	{KeyUserLink, "KEY_USR_LINK"},
	{0x00200000, "KEY_USR_SETATTR"},
	{KeyOtherSearch, "KEY_OTH_SEARCH"},
}}

var (
	keyctlName     = []param{{"operation", &keyctlOperations}, {"name", &text}}
	keyctlPerm     = []param{{"operation", &keyctlOperations}, {"key", &integer}, {"perm", &keyPermissions}}
	keyctlDescribe = []param{{"operation", &keyctlOperations}, {"key", &integer}, {"buffer", &pointer}, {"buflen", &unsigned}}
)

var keyctlVariants = []variant{
	{unix.KEYCTL_JOIN_SESSION_KEYRING, 2, keyctlName},
	{unix.KEYCTL_SETPERM, 3, keyctlPerm},
	{unix.KEYCTL_DESCRIBE, 4, keyctlDescribe},
}
