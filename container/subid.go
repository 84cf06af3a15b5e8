package container

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// IDRange are ids of the host that a user may give away in a user namespace.
type IDRange struct {
	First uint32 `json:"first"`
	Count uint32 `json:"count"`
}

// subordinate are the ranges that a file such as /etc/subuid has for a user, who
// stands there by name or by number. Lines that make no sense are passed over, as
// newuidmap(1) does. subuid(5), subgid(5)
func subordinate(text, name string, uid int) (list []IDRange) {
	number := strconv.Itoa(uid)
	for line := range strings.Lines(text) {
		words := strings.Split(strings.TrimSpace(line), ":")
		if len(words) != 3 || words[0] == "" || words[0] != name && words[0] != number {
			continue
		}
		first, err := strconv.ParseUint(words[1], 10, 32)
		count, err2 := strconv.ParseUint(words[2], 10, 32)
		if err != nil || err2 != nil || count == 0 || first+count > 1<<32-1 {
			continue
		}
		list = append(list, IDRange{uint32(first), uint32(count)})
	}
	return list
}

// userName is a user's name in the text of /etc/passwd, and empty without a line
// there. passwd(5)
func userName(passwd string, uid int) string {
	number := strconv.Itoa(uid)
	for line := range strings.Lines(passwd) {
		if words := strings.Split(line, ":"); len(words) > 3 && words[2] == number {
			return words[0]
		}
	}
	return ""
}

// lookPath is a program that an administrator has installed: in the usual places
// first, which no ordinary user can write to, and then along PATH.
func lookPath(name string) string {
	dirs := append([]string{"/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/sbin"}, strings.Split(os.Getenv("PATH"), ":")...)
	for _, dir := range dirs {
		if dir == "" || dir[0] != '/' {
			continue
		}
		path := dir + "/" + name
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// readSmall is a file of the host that may be missing, or be none of the caller's
// business: it is empty then.
func readSmall(path string) (string, error) {
	text, err := readProc(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return "", nil
	}
	return string(text), err
}
