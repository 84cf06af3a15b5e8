package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxDepth is how deep objects and arrays may lie in each other. The deepest
	// place in the specification is at 7.
	maxDepth = 64
	// maxTokens is how many names and values a document may have. A configuration
	// with a large seccomp profile has about 3000.
	maxTokens = 1 << 18
)

// cursor goes through a document once, from value to value. The first error stays:
// after it every reader returns zero values and every range ends, so that whoever
// uses a cursor looks at err once, at the end.
type cursor struct {
	data   []byte
	dec    *jsontext.Decoder
	tokens int
	err    *Error
}

func newCursor(data []byte) *cursor {
	// A bytes.Buffer is read in place; duplicate names and invalid UTF-8 are errors
	// unless they are allowed.
	return &cursor{data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data))}
}

// token reads the next one.
func (c *cursor) token() (jsontext.Token, bool) {
	if c.err != nil {
		return jsontext.Token{}, false
	}
	t, err := c.dec.ReadToken()
	if err != nil {
		c.err = syntaxError(c.data, eof(err))
		return jsontext.Token{}, false
	}
	if c.tokens++; c.tokens > maxTokens {
		c.fail("more than %d names and values", maxTokens)
		return jsontext.Token{}, false
	}
	if c.dec.StackDepth() > maxDepth {
		c.fail("more than %d objects and arrays in each other", maxDepth)
		return jsontext.Token{}, false
	}
	return t, true
}

// eof is the error where a document ends too early. At its very beginning the
// tokenizer has another one for that.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the document is empty")
	}
	return err
}

// path is where the token stands that was read last.
func (c *cursor) path() string { return dotted(c.dec.StackPointer()) }

// fail is an error at the token that was read last.
func (c *cursor) fail(format string, v ...any) {
	if c.err == nil {
		c.err = &Error{Path: c.path(), Problem: fmt.Sprintf(format, v...)}
	}
}

// unsupported is an error about something that is right and is not done.
func (c *cursor) unsupported(what string) {
	if c.err == nil {
		c.err = &Error{Path: c.path(), Problem: what + " not supported", unsupported: true}
	}
}

// missing is an error about a member of the object that was read last.
func (c *cursor) missing(name string) { c.fail("%s is missing", name) }

// want reads a token of a kind.
func (c *cursor) want(kind jsontext.Kind) (jsontext.Token, bool) {
	t, ok := c.token()
	if !ok {
		return t, false
	}
	if got := t.Kind(); got != kind {
		c.fail("%s is wanted here, not %s", kindName(kind), kindName(got))
		return t, false
	}
	return t, true
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return k.String()
}

// members ranges over the names of the object that comes next. The body of the loop
// reads or skips the value. A member that is null is passed over: it counts as absent.
func (c *cursor) members() iter.Seq[string] {
	return func(yield func(string) bool) {
		if _, ok := c.want('{'); !ok {
			return
		}
		for {
			t, ok := c.token()
			if !ok || t.Kind() == '}' {
				return
			}
			name := t.String()
			if c.dec.PeekKind() == 'n' {
				c.token()
				continue
			}
			if !yield(name) {
				return
			}
		}
	}
}

// elements ranges over the array that comes next. The body of the loop reads or skips
// the value.
func (c *cursor) elements() iter.Seq[int] {
	return func(yield func(int) bool) {
		if _, ok := c.want('['); !ok {
			return
		}
		for i := 0; c.err == nil; i++ {
			if c.dec.PeekKind() == ']' {
				c.token()
				return
			}
			if !yield(i) {
				return
			}
		}
	}
}

// skip passes over the next value, whatever it is.
func (c *cursor) skip() {
	depth := c.dec.StackDepth()
	for {
		if _, ok := c.token(); !ok || c.dec.StackDepth() <= depth {
			return
		}
	}
}

// asks reads a value and reports whether it asks for anything, with the cursor at the
// place that does. Engines write out whole structures with the zero value in every
// field: null, false, 0, "", an empty array and an object of such values ask for
// nothing, and nor does -1, with which limits say "none". The rest of a value that
// asks is not read.
func (c *cursor) asks() bool {
	t, ok := c.token()
	if !ok {
		return false
	}
	switch t.Kind() {
	case 'n', 'f':
		return false
	case '"':
		return t.String() != ""
	case '0':
		return t.String() != "0" && t.String() != "-1"
	case '[':
		t, ok = c.token()
		return ok && t.Kind() != ']'
	case '{':
		for {
			t, ok = c.token()
			if !ok || t.Kind() == '}' {
				return false
			}
			if c.asks() {
				return true
			}
		}
	}
	return true
}

// end makes sure that nothing follows.
func (c *cursor) end() {
	if c.err != nil {
		return
	}
	_, err := c.dec.ReadToken()
	switch {
	case err == nil:
		c.fail("something follows behind the end of the document")
	case !errors.Is(err, io.EOF):
		c.err = syntaxError(c.data, err)
	}
}
