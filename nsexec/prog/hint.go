package prog

import (
	"strings"

	"golang.org/x/sys/unix"
)

// HintFor is the part of the hint that is about an error, without the error's name.
//
// A hint is a list of clauses with "; " between them. A clause that begins with names
// of errors, as in "EACCES or EPERM: ...", "ENOENT, ENOTDIR: ..." or "EAGAIN, three
// times: ...", is about those, and so are the clauses behind it up to the next that
// begins with a name. Clauses in front of the first name are about every error.
func (op Op) HintFor(errno unix.Errno) string {
	name := ErrnoName(errno)
	var about []string
	wanted := true
	for clause := range strings.SplitSeq(op.Hint, "; ") {
		if keys, rest, found := strings.Cut(clause, ": "); found && isErrno(firstWord(keys)) {
			wanted, clause = hasWord(keys, name), rest
		}
		if wanted && clause != "" {
			about = append(about, clause)
		}
	}
	return strings.Join(about, "; ")
}

func firstWord(s string) string {
	end := strings.IndexAny(s, " ,")
	if end < 0 {
		return s
	}
	return s[:end]
}

func hasWord(s, word string) bool {
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		if w == word {
			return true
		}
	}
	return false
}

// isErrno reports whether a word looks like the name of an error: E and capitals.
func isErrno(word string) bool {
	if len(word) < 3 || word[0] != 'E' {
		return false
	}
	for _, c := range word {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
