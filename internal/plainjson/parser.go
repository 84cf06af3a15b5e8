package plainjson

import (
	"errors"
	"fmt"
	"strconv"
)

type parser struct {
	text []byte
	at   int
}

func (p *parser) wrong(what string) error { return fmt.Errorf("byte %d: %s", p.at, what) }

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

// next skips spaces, and is the byte behind them; 0 at the end.
func (p *parser) next() byte {
	if p.space(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// take takes a byte, if it comes next.
func (p *parser) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.at++
	return true
}

// word takes a word, if it comes next.
func (p *parser) word(w string) bool {
	p.space()
	if len(p.text)-p.at < len(w) || string(p.text[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) number(err error) error {
	var bad *strconv.NumError
	if errors.As(err, &bad) {
		err = bad.Err
	}
	return fmt.Errorf("byte %d: want a whole number: %w", p.at, err)
}

// digits takes a number, as JSON writes a whole one.
func (p *parser) digits() string {
	p.space()
	begin := p.at
	if p.at < len(p.text) && p.text[p.at] == '-' {
		p.at++
	}
	first := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	if p.at-first > 1 && p.text[first] == '0' {
		return "" // 007 is none
	}
	return string(p.text[begin:p.at])
}

// skip takes a value, whatever it is.
func (p *parser) skip(depth int) error {
	if depth > depthLimit {
		return p.wrong("it is nested too deep")
	}
	switch c := p.next(); {
	case c == '"':
		_, err := p.characters()
		return err
	case c == '[':
		return p.members('[', ']', func() error { return p.skip(depth + 1) })
	case c == '{':
		return p.members('{', '}', func() error {
			if _, err := p.key(); err != nil {
				return err
			}
			return p.skip(depth + 1)
		})
	case p.word("null"), p.word("true"), p.word("false"):
		return nil
	case c == '-' || c >= '0' && c <= '9':
		// With a fraction and an exponent, if there are: who asked for it reads it.
		for p.at < len(p.text) {
			switch c := p.text[p.at]; {
			case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
				p.at++
				continue
			}
			break
		}
		return nil
	}
	return p.wrong("want a value")
}
