package oci

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is what is wrong with a configuration.
type Error struct {
	// Path is the place in the document, such as "mounts[2].options". It is empty
	// for the document as a whole.
	Path string
	// Problem is what is wrong there.
	Problem string

	unsupported bool
	document    string // what it is in the place of a configuration
}

// Error is one line that begins with the file and the path.
func (e *Error) Error() string {
	name := cmp.Or(e.document, FileName)
	if e.Path == "" {
		return name + ": " + clip(e.Problem)
	}
	return name + ": " + clip(e.Path) + ": " + clip(e.Problem)
}

// clip cuts what is no line for a person any more: a name or a string of a document
// may have millions of bytes.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Is makes errors.Is(err, errors.ErrUnsupported) true where the configuration is right
// and asks for something that this runtime does not do.
func (e *Error) Is(target error) bool { return e.unsupported && target == errors.ErrUnsupported }

// Warning is something in a configuration that has no effect, or not the one that its
// author may expect.
type Warning struct {
	// Path is the place in the document.
	Path string
	// Text is what does not happen.
	Text string
}

// String is the warning on one line.
func (w Warning) String() string { return w.Path + ": " + w.Text }

// syntaxError says of an error of the tokenizer where it is: people count lines.
func syntaxError(data []byte, err error) *Error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return &Error{Problem: err.Error()}
	}
	if errors.Is(syntax, jsontext.ErrDuplicateName) {
		return &Error{Path: dotted(syntax.JSONPointer), Problem: "stands twice"}
	}
	before := data[:min(int(syntax.ByteOffset), len(data))]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return &Error{
		Path:    dotted(syntax.JSONPointer),
		Problem: fmt.Sprintf("line %d, column %d: %v", line, column, syntax.Err),
	}
}
