package container_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// traced is a system call as strace has written it down.
type traced struct {
	line   string
	name   string
	args   []value
	result uint64
	errno  string // name of the error, or empty
	none   bool   // it has not returned: the result is "?"
}

// value is an argument, as far as it can be understood from its text. It is one of
//
//	text      "…"
//	list      […]
//	fields    {name=…, …}
//	set       everything else: flags, sorted, or one number or word
type value any

type (
	text   string
	list   []value
	fields []field
	field  struct {
		name  string
		value value
	}
	set string
)

// scanner reads the text of calls. strace's and that of package prog are the same
// language but for the way in which strings are quoted.
type scanner struct {
	rest string
	c    bool // strings are C's, not Go's
}

// parseTraced reads one line of strace.
func parseTraced(line string) (traced, error) {
	s := &scanner{rest: line, c: true}
	name, rest, ok := strings.Cut(line, "(")
	if !ok {
		return traced{}, fmt.Errorf("no call in %q", line)
	}
	s.rest = rest
	call := traced{line: line, name: name}
	args, err := s.list(')')
	if err != nil {
		return traced{}, fmt.Errorf("%w in %q", err, line)
	}
	call.args = args
	result, ok := strings.CutPrefix(strings.TrimSpace(s.rest), "= ")
	if !ok {
		return traced{}, fmt.Errorf("no result in %q", line)
	}
	words := strings.Fields(result)
	switch {
	case words[0] == "?":
		call.none = true
	case words[0] == "-1" && len(words) > 1:
		call.errno = words[1]
	default:
		if call.result, err = strconv.ParseUint(words[0], 0, 64); err != nil {
			return traced{}, fmt.Errorf("result %q in %q", words[0], line)
		}
	}
	return call, nil
}

// parseValue reads the text of one argument as package prog writes it.
func parseValue(text string) (value, error) {
	s := &scanner{rest: text}
	v, err := s.value()
	if err == nil && s.rest != "" {
		err = fmt.Errorf("%q is left over", s.rest)
	}
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, text)
	}
	return v, nil
}

// list reads values up to a closing character.
func (s *scanner) list(end byte) (out []value, err error) {
	for {
		s.space()
		switch {
		case s.rest == "":
			return nil, fmt.Errorf("no %q at the end", end)
		case s.rest[0] == end:
			s.rest = s.rest[1:]
			return out, nil
		case s.rest[0] == ',':
			s.rest = s.rest[1:]
			continue
		case strings.HasPrefix(s.rest, "=> "):
			// What the kernel has written: no argument.
			s.rest = s.rest[3:]
			if _, err := s.value(); err != nil {
				return nil, err
			}
			continue
		}
		before := s.rest
		v, err := s.value()
		if err != nil {
			return nil, err
		}
		if s.rest == before {
			return nil, fmt.Errorf("no value at %q", before)
		}
		out = append(out, v)
	}
}

// space skips white space and strace's comments.
func (s *scanner) space() {
	s.rest = strings.TrimLeft(s.rest, " ")
	if rest, ok := strings.CutPrefix(s.rest, "/*"); ok {
		if _, rest, ok = strings.Cut(rest, "*/"); ok {
			s.rest = rest
			s.space()
		}
	}
}

func (s *scanner) value() (value, error) {
	s.space()
	switch {
	case s.rest == "":
		return nil, fmt.Errorf("a value is missing")
	case s.rest[0] == '"':
		return s.text()
	case s.rest[0] == '[':
		s.rest = s.rest[1:]
		l, err := s.list(']')
		return list(l), err
	case strings.HasPrefix(s.rest, "~["):
		s.rest = s.rest[2:]
		l, err := s.list(']')
		return append(list{set("~")}, l...), err
	case s.rest[0] == '{':
		s.rest = s.rest[1:]
		return s.fields()
	}
	return s.set(), nil
}

func (s *scanner) fields() (out fields, err error) {
	for {
		s.space()
		switch {
		case s.rest == "":
			return nil, fmt.Errorf("no '}' at the end")
		case s.rest[0] == '}':
			s.rest = s.rest[1:]
			// strace has an order of its own for some.
			slices.SortFunc(out, func(a, b field) int { return strings.Compare(a.name, b.name) })
			return out, nil
		case s.rest[0] == ',':
			s.rest = s.rest[1:]
			continue
		}
		name, rest, ok := strings.Cut(s.rest, "=")
		if !ok || strings.ContainsAny(name, " ,{}[]\"") {
			return nil, fmt.Errorf("a field without a name at %q", s.rest)
		}
		s.rest = rest
		v, err := s.value()
		if err != nil {
			return nil, err
		}
		out = append(out, field{name, v})
	}
}

// set reads up to what ends a value outside of parentheses.
func (s *scanner) set() set {
	depth, end := 0, len(s.rest)
scan:
	for i := range len(s.rest) {
		switch s.rest[i] {
		case '(':
			depth++
		case ')':
			if depth == 0 {
				end = i
				break scan
			}
			depth--
		case ',', ' ', ']', '}':
			if depth == 0 {
				end = i
				break scan
			}
		}
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	for name, bits := range unknownToStrace {
		word = strings.ReplaceAll(word, name, bits)
	}
	parts := strings.Split(word, "|")
	for i, p := range parts {
		parts[i] = number(p)
	}
	slices.Sort(parts)
	return set(strings.Join(parts, "|"))
}

// unknownToStrace are names that strace 6.1 does not know, or not in every place: the
// flags of TIOCGPTPEER are a number to it.
var unknownToStrace = map[string]string{
	"O_RDWR|O_NOCTTY|O_CLOEXEC": "0x80102",
	"MOUNT_ATTR__ATIME":         "MOUNT_ATTR_NOATIME|MOUNT_ATTR_STRICTATIME|0x40",
}

// number writes a number in one way, whichever it was written in; other words stay.
func number(word string) string {
	switch word {
	case "~0U":
		return "4294967295"
	case "~0UL":
		return "18446744073709551615"
	}
	if n, err := strconv.ParseUint(word, 0, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	if n, ok := strings.CutSuffix(word, "*1024"); ok {
		if n, err := strconv.ParseUint(n, 0, 64); err == nil {
			return strconv.FormatUint(n*1024, 10)
		}
	}
	return word
}

// text reads a quoted string.
func (s *scanner) text() (value, error) {
	end := 1
	for end < len(s.rest) && s.rest[end] != '"' {
		if s.rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s.rest) {
		return nil, fmt.Errorf("a string without an end")
	}
	quoted := s.rest[:end+1]
	s.rest = s.rest[end+1:]
	if strings.HasPrefix(s.rest, "...") {
		return nil, fmt.Errorf("a string that strace has cut off")
	}
	if s.c {
		return unquoteC(quoted[1:end]), nil
	}
	out, err := strconv.Unquote(quoted)
	return text(out), err
}

// unquoteC is what a string with C's escapes stands for.
func unquoteC(s string) text {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte("abtnvfr", s[i]); at >= 0 {
			b.WriteByte(byte(7 + at))
			continue
		}
		if s[i] < '0' || s[i] > '7' {
			b.WriteByte(s[i])
			continue
		}
		n := 0
		for digits := 0; digits < 3 && i < len(s) && s[i] >= '0' && s[i] <= '7'; digits++ {
			n = 8*n + int(s[i]-'0')
			i++
		}
		i--
		b.WriteByte(byte(n))
	}
	return text(b.String())
}
