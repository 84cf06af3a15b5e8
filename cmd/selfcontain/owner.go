package main

import (
	"os"
	"strconv"
	"strings"
)

// owners says what a user of this machine is called: by the name, and by the number with # in
// front where there is none, as other runtimes show it.
func owners() func(uid int) string {
	accounts, _ := os.ReadFile("/etc/passwd") // nobody has a name where there is none
	return func(uid int) string { return ownerIn(string(accounts), uid) }
}

// ownerIn looks a number up in the text of passwd(5).
func ownerIn(accounts string, uid int) string {
	number := strconv.Itoa(uid)
	for line := range strings.Lines(accounts) {
		if fields := strings.SplitN(line, ":", 4); len(fields) == 4 && fields[2] == number && fields[0] != "" {
			return fields[0]
		}
	}
	return "#" + number
}
