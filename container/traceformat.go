package container

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Format prints the trace: when each thing began in milliseconds, how many
// microseconds it took on which side, and what it was. The slowest have a star, what
// failed an exclamation mark. %+v adds the line of the configuration.
func (t *Trace) Format(f fmt.State, _ rune) {
	// A fmt.State has no error of its own, and nobody who could be told.
	_ = t.Write(f, f.Flag('+'))
}

// Write is Format without the whole text in memory at once, which in a program that
// has just begun costs more than to make it.
func (t *Trace) Write(w io.Writer, origins bool) error {
	const piece = 4096
	b := append(make([]byte, 0, piece+1024), "        ms    host µs  container µs\n"...)
	for i := range t.Events {
		b = t.Events[i].appendLine(b, origins)
		if len(b) < piece && i < len(t.Events)-1 {
			continue
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	return nil
}

func (e *Event) appendLine(b []byte, origin bool) []byte {
	mark := byte(' ')
	switch {
	case e.Failed:
		mark = '!'
	case e.Slow:
		mark = '*'
	}
	b = append(b, mark)
	b = appendPadded(b, e.At, time.Millisecond, 3, 9)
	if e.Side == ContainerSide {
		b = appendPadded(append(b, "           "...), e.Took, time.Microsecond, 1, 14)
		b = appendRight(b, 5, strconv.Itoa(e.Op))
	} else {
		b = append(appendPadded(b, e.Took, time.Microsecond, 1, 11), "                   "...)
	}
	b = e.appendCall(append(b, ' '))
	if e.Result != "" {
		b = append(append(b, " = "...), e.Result...)
	}
	if e.Why != "" {
		b = append(append(b, "  # "...), e.Why...)
	}
	if origin && e.Origin != "" {
		b = append(append(append(b, " ("...), e.Origin...), ')')
	}
	return append(b, '\n')
}

// appendPadded appends a time in a unit, with decimals, in a column of a width.
func appendPadded(b []byte, d, unit time.Duration, decimals, width int) []byte {
	digits := append(strconv.AppendInt(make([]byte, 0, 32), int64(d/unit), 10), '.')
	for rest := d % unit; decimals > 0; decimals-- {
		unit /= 10
		digits = append(digits, '0'+byte(rest/unit%10))
	}
	return appendRight(b, width, string(digits))
}

func appendRight(b []byte, width int, s string) []byte {
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	return append(b, s...)
}

// MarshalJSON is the list of events, with times in nanoseconds.
func (t *Trace) MarshalJSON() ([]byte, error) {
	b := strconv.AppendInt([]byte(`{"began":`), int64(t.Began), 10)
	b = append(b, `,"events":[`...)
	for i, e := range t.Events {
		b = appendComma(b, i)
		b = prog.AppendQuoteJSON(append(b, `{"side":`...), string(e.Side))
		if e.Op >= 0 {
			b = strconv.AppendInt(append(b, `,"op":`...), int64(e.Op), 10)
		}
		b = strconv.AppendInt(append(b, `,"at":`...), int64(e.At), 10)
		b = strconv.AppendInt(append(b, `,"took":`...), int64(e.Took), 10)
		for _, text := range [][2]string{{`,"call":`, e.Call()}, {`,"result":`, e.Result}, {`,"why":`, e.Why}, {`,"origin":`, e.Origin}} {
			if text[1] != "" {
				b = prog.AppendQuoteJSON(append(b, text[0]...), text[1])
			}
		}
		if e.Failed {
			b = append(b, `,"failed":true`...)
		}
		if e.Slow {
			b = append(b, `,"slow":true`...)
		}
		b = append(b, '}')
	}
	return append(b, `]}`...), nil
}
