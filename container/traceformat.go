package container

import (
	"fmt"
	"strconv"
	"time"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Format prints the trace: when each thing began in milliseconds, how many
// microseconds it took on which side, and what it was. The slowest have a star, what
// failed an exclamation mark. %+v adds the line of the configuration.
func (t *Trace) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "        ms    host µs  container µs\n")
	for _, e := range t.Events {
		mark := ' '
		switch {
		case e.Failed:
			mark = '!'
		case e.Slow:
			mark = '*'
		}
		host, container, number := micros(e.Took), "", ""
		if e.Side == ContainerSide {
			host, container, number = "", host, strconv.Itoa(e.Op)
		}
		fmt.Fprintf(f, "%c %8.3f %10s %13s  %3s %s", mark, float64(e.At)/float64(time.Millisecond), host, container, number, e.Call)
		if e.Result != "" {
			fmt.Fprintf(f, " = %s", e.Result)
		}
		if e.Why != "" {
			fmt.Fprintf(f, "  # %s", e.Why)
		}
		if f.Flag('+') && e.Origin != "" {
			fmt.Fprintf(f, " (%s)", e.Origin)
		}
		fmt.Fprintln(f)
	}
}

func micros(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', 1, 64)
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
		for _, text := range [][2]string{{`,"call":`, e.Call}, {`,"result":`, e.Result}, {`,"why":`, e.Why}, {`,"origin":`, e.Origin}} {
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
