package plainjson

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// appendQuoted appends a string. A byte that is no UTF-8, as a name of a file may have, is written
// as the half of a surrogate pair that nothing else is written as, U+DC80 to U+DCFF, and read
// as that byte again: nothing is lost, and it is JSON. encoding/json reads U+FFFD there.
func appendQuoted(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return prog.AppendQuoteJSON(b, s)
	}
	b = append(b, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			b = fmt.Appendf(b, `\udc%02x`, s[0])
		} else {
			quoted := prog.AppendQuoteJSON(nil, s[:n])
			b = append(b, quoted[1:len(quoted)-1]...)
		}
		s = s[n:]
	}
	return append(b, '"')
}

// key takes the name of a member, with its colon.
func (p *parser) key() ([]byte, error) {
	name, err := p.characters()
	if err == nil && !p.take(':') {
		err = p.wrong("want a colon")
	}
	return name, err
}

// quoted takes a string.
func (p *parser) quoted() (string, error) {
	text, err := p.characters()
	return string(text), err
}

// characters takes a string, and gives a part of the text where that is all of it.
func (p *parser) characters() ([]byte, error) {
	if !p.take('"') {
		return nil, p.wrong("want a string")
	}
	begin := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			text := p.text[begin : p.at-1]
			if !utf8.Valid(text) {
				return nil, p.wrong("it is no UTF-8")
			}
			return text, nil
		case c == '\\':
			return p.escaped(begin)
		case c < ' ':
			return nil, p.wrong("a control character in a string")
		}
		p.at++
	}
	return nil, p.wrong("a string without an end")
}

// escaped is characters for a string with a backslash in it.
func (p *parser) escaped(begin int) ([]byte, error) {
	b := append([]byte(nil), p.text[begin:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			if !utf8.Valid(p.text[begin:p.at]) {
				return nil, p.wrong("it is no UTF-8")
			}
			return b, nil
		case c < ' ':
			return nil, p.wrong("a control character in a string")
		case c != '\\':
			b = append(b, c)
		default:
			r, err := p.escape()
			switch {
			case err != nil:
				return nil, err
			case r >= firstByte:
				b = append(b, byte(r))
			default:
				b = utf8.AppendRune(b, r)
			}
		}
	}
	return nil, p.wrong("a string without an end")
}

// firstByte and what is above stand for a byte that is no UTF-8.
const firstByte = utf8.MaxRune + 1

// escape takes what is behind a backslash.
func (p *parser) escape() (rune, error) {
	if p.at == len(p.text) {
		return 0, p.wrong("a string without an end")
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, ok := p.hex()
		if !ok {
			return 0, p.wrong(`want four digits behind \u`)
		}
		if !utf16.IsSurrogate(r) {
			return r, nil
		}
		back := p.at
		if p.at+1 < len(p.text) && p.text[p.at] == '\\' && p.text[p.at+1] == 'u' {
			p.at += 2
			if second, ok := p.hex(); ok {
				if both := utf16.DecodeRune(r, second); both != utf8.RuneError {
					return both, nil
				}
			}
		}
		p.at = back
		if 0xdc80 <= r && r <= 0xdcff {
			return firstByte + r&0xff, nil
		}
		return utf8.RuneError, nil // half of one, as encoding/json has it
	}
	return 0, p.wrong("what is behind the backslash is not known")
}

func (p *parser) hex() (rune, bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}
