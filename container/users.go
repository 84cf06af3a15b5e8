package container

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LookupUser resolves what a person writes for a user with the accounts of a root file
// system, a directory that is open. It takes
//
//	NAME         the user, with his group and the additional groups that list him
//	NAME:GROUP   the user with this group, and no additional ones
//	UID          the number; if it has an account, as for NAME, and group 0 otherwise
//	UID:GROUP    the number with this group
//
// GROUP is a name or a number. What consists of digits is a number and never a name, so
// that nobody becomes another user by calling himself 0.
//
// home is the account's directory, and "/" without an account.
func LookupUser(root *os.File, user string) (u User, home string, err error) {
	name, group, grouped := strings.Cut(user, ":")
	u, home, err = lookupUser(root, name, group, grouped)
	if err != nil {
		return User{}, "", fmt.Errorf("user %q: %w", user, err)
	}
	return u, home, nil
}

// LookupHome is the home directory of a user in a root file system, which is "/" where
// no account has this number.
func LookupHome(root *os.File, uid uint32) (string, error) { return homeIn(root, passwdFile, uid) }

func homeIn(root *os.File, file string, uid uint32) (string, error) {
	accounts, err := readIn(root, file)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return "", err
	}
	a, _, _ := findAccount(accounts, "", uid)
	return a.directory(), nil
}

const (
	passwdFile = "etc/passwd"
	groupFile  = "etc/group"
)

func lookupUser(root *os.File, name, group string, grouped bool) (User, string, error) {
	if err := checkName(name); err != nil {
		return User{}, "", err
	}
	accounts, missing := readIn(root, passwdFile)
	if missing != nil && !errors.Is(missing, unix.ENOENT) {
		return User{}, "", missing
	}
	uid, isNumber, err := number(name)
	if err != nil {
		return User{}, "", err
	}
	var a account
	found := false
	if isNumber {
		a, found, _ = findAccount(accounts, "", uid)
		a.uid = uid
	} else {
		a, found, err = findAccount(accounts, name, 0)
		switch {
		case err != nil:
			return User{}, "", fmt.Errorf("%s: %w", passwdFile, err)
		case missing != nil:
			return User{}, "", missing
		case !found:
			return User{}, "", fmt.Errorf("%s has no such user", passwdFile)
		}
	}
	u := User{UID: a.uid, GID: a.gid}
	switch {
	case grouped:
		u.GID, err = lookupGroup(root, group)
	case found:
		u.AdditionalGIDs, err = groupsOf(root, a.name)
	}
	return u, a.directory(), err
}

// lookupGroup is the number of a group.
func lookupGroup(root *os.File, group string) (uint32, error) {
	if err := checkName(group); err != nil {
		return 0, fmt.Errorf("group: %w", err)
	}
	gid, isNumber, err := number(group)
	if err != nil {
		return 0, fmt.Errorf("group: %w", err)
	}
	if isNumber {
		return gid, nil
	}
	list, err := readIn(root, groupFile)
	if err != nil {
		return 0, err
	}
	for fields := range records(list) {
		if fields[0] != group || len(fields) < 3 {
			continue
		}
		gid, valid, err := number(fields[2])
		if err != nil || !valid {
			return 0, fmt.Errorf("%s: the line of %s has %q in the place of a number", groupFile, group, fields[2])
		}
		return gid, nil
	}
	return 0, fmt.Errorf("%s has no group %s", groupFile, group)
}

// maxGroups is NGROUPS_MAX of linux/limits.h.
const maxGroups = 65536

// groupsOf are the groups that list a user, in the order of the file.
func groupsOf(root *os.File, name string) ([]uint32, error) {
	list, err := readIn(root, groupFile)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gids := memberships(list, name)
	if len(gids) > maxGroups {
		return nil, fmt.Errorf("%s has %d groups with this user, the kernel takes at most %d", groupFile, len(gids), maxGroups)
	}
	return gids, nil
}

// memberships are the groups that list a user, each once. A line that is none of a group
// says nothing.
func memberships(list, name string) (gids []uint32) {
	seen := map[uint32]bool{}
	for fields := range records(list) {
		if len(fields) < 4 || !slices.Contains(strings.Split(fields[3], ","), name) {
			continue
		}
		if gid, valid, err := number(fields[2]); err == nil && valid && !seen[gid] {
			seen[gid] = true
			gids = append(gids, gid)
		}
	}
	return gids
}

// account is a line of passwd(5).
type account struct {
	name     string
	uid, gid uint32
	home     string
}

// directory is the account's home, where it has a usable one.
func (a account) directory() string {
	if strings.HasPrefix(a.home, "/") && strings.IndexByte(a.home, 0) < 0 {
		return a.home
	}
	return "/"
}

// findAccount looks for a name, or with an empty one for a number. The first line counts,
// as for getpwnam(3). The error is about the line of this name.
func findAccount(list, name string, uid uint32) (account, bool, error) {
	for fields := range records(list) {
		if name != "" && fields[0] != name {
			continue
		}
		a, err := parseAccount(fields)
		switch {
		case name != "" && err != nil:
			return account{}, false, err
		case err == nil && (name != "" || a.uid == uid):
			return a, true, nil
		}
	}
	return account{}, false, nil
}

func parseAccount(fields []string) (account, error) {
	if len(fields) < 6 {
		return account{}, fmt.Errorf("the line of %s has %d fields, and no home directory", fields[0], len(fields))
	}
	a := account{name: fields[0], home: fields[5]}
	for _, id := range [...]struct {
		to   *uint32
		text string
	}{{&a.uid, fields[2]}, {&a.gid, fields[3]}} {
		n, valid, err := number(id.text)
		if err != nil || !valid {
			return account{}, fmt.Errorf("the line of %s has %q in the place of a number", a.name, id.text)
		}
		*id.to = n
	}
	return a, nil
}

// records ranges over the lines of passwd(5) or group(5), by their fields. The first is
// never empty. A NUL or a carriage return is not white space: a name with one is another.
func records(list string) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.SplitSeq(list, "\n") {
			fields := strings.Split(line, ":")
			if fields[0] == "" || fields[0][0] == '#' {
				continue
			}
			if !yield(fields) {
				return
			}
		}
	}
}

// number reads an id. isNumber is false where the text is none at all, so that it may be
// a name; the error is about digits that are no id.
func number(text string) (id uint32, isNumber bool, err error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case err != nil:
		return 0, true, fmt.Errorf("%s is above the highest id, 4294967294", text)
	case n == 1<<32-1:
		// setresuid(2) and chown(2) take it for -1.
		return 0, true, fmt.Errorf("%d is no id: the kernel takes it for \"leave unchanged\"", n)
	}
	return uint32(n), true, nil
}

// checkName refuses what is neither an id nor a name that an account can have. "+1",
// "1 " or "0x1" would be ids for a reader who is less strict, and must not become names.
func checkName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if strings.Trim(name, "0123456789") == "" {
		return nil
	}
	for i, r := range name {
		switch {
		case r <= ' ' || r == 0x7f || r == 0xfffd || strings.ContainsRune(":,/", r):
			return fmt.Errorf("%q has %q in it, which no name has", name, r)
		case i == 0 && strings.ContainsRune("+-#0123456789", r):
			return fmt.Errorf("%q is no number, and no name begins with %q", name, r)
		}
	}
	return nil
}
