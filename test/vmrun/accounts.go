package main

import (
	"fmt"
	"strconv"
	"strings"
)

// account is an ordinary user of the guest: a user and a group of one name
// and one id, a directory below /home, and a range of subordinate ids.
type account struct {
	name         string
	id           int
	subID, count int
}

// accounts is the flag -user.
type accounts []account

func (l *accounts) String() string {
	var out []string
	for _, a := range *l {
		out = append(out, fmt.Sprintf("%s:%d:%d:%d", a.name, a.id, a.subID, a.count))
	}
	return strings.Join(out, " ")
}

func (l *accounts) Set(s string) error {
	f := strings.Split(s, ":")
	if len(f) != 2 && len(f) != 4 || f[0] == "" || strings.ContainsAny(f[0], "/ \n") {
		return fmt.Errorf("%q is not NAME:ID or NAME:ID:SUBID:COUNT", s)
	}
	a := account{name: f[0]}
	for i, p := range []*int{&a.id, &a.subID, &a.count}[:len(f)-1] {
		n, err := strconv.ParseUint(f[i+1], 10, 31)
		if err != nil {
			return fmt.Errorf("%q: %w", s, err)
		}
		*p = int(n)
	}
	for _, have := range *l {
		if have == a {
			return nil
		}
		if have.name == a.name || have.id == a.id {
			return fmt.Errorf("%q collides with another user of the guest", s)
		}
	}
	*l = append(*l, a)
	return nil
}

// etc returns the files of /etc that know about users.
func (l accounts) etc() map[string]string {
	passwd := "root:x:0:0:root:/root:/bin/sh\n"
	group := "root:x:0:\ntty:x:5:\n"
	var sub string
	for _, a := range l {
		passwd += fmt.Sprintf("%s:x:%d:%d::/home/%s:/bin/sh\n", a.name, a.id, a.id, a.name)
		group += fmt.Sprintf("%s:x:%d:\n", a.name, a.id)
		if a.count != 0 {
			sub += fmt.Sprintf("%s:%d:%d\n", a.name, a.subID, a.count)
		}
	}
	return map[string]string{
		"/etc/passwd": passwd + "nobody:x:65534:65534:nobody:/:/bin/false\n",
		"/etc/group":  group + "nogroup:x:65534:\n",
		"/etc/subuid": sub,
		"/etc/subgid": sub,
	}
}
