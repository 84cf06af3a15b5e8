package prog

import (
	"strconv"
	"unicode/utf8"
)

// MarshalJSON is the list of operations, with their arguments as text, for a program
// that reads plans. It is written by hand because every program that links
// encoding/json pays for it when it starts, and a container takes no longer than that
// costs a dozen times.
func (p *Program) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 256*p.Len()), '[')
	for i := range p.ops {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.appendJSON(b, i)
	}
	return append(b, ']'), nil
}

func (p *Program) appendJSON(b []byte, i int) []byte {
	op := &p.ops[i]
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(i), 10)
	text := func(name, value string) {
		if value != "" {
			b = AppendQuoteJSON(append(append(append(b, `,"`...), name...), `":`...), value)
		}
	}
	number := func(name string, value int) {
		if value != 0 {
			b = strconv.AppendInt(append(append(append(b, `,"`...), name...), `":`...), int64(value), 10)
		}
	}
	text("call", op.Call.Name())
	b = append(b, `,"args":[`...)
	params, needed := op.Call.signature(&op.Args)
	for k := range max(needed, op.Args.count()) {
		if k > 0 {
			b = append(b, ',')
		}
		b = AppendQuoteJSON(b, string(appendArg(nil, params[k].kind, op.Args[k])))
	}
	b = append(b, ']')
	text("out", op.Out.Name())
	if op.Tolerate != 0 {
		text("tolerate", ErrnoName(op.Tolerate))
	}
	number("onError", p.Target(op.OnError))
	number("onResult", p.Target(op.OnResult))
	text("why", op.Why)
	text("origin", op.Origin)
	text("hint", op.Hint)
	return append(b, '}')
}

// AppendQuoteJSON appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func AppendQuoteJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, `\u00`...)
			b = append(b, hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
