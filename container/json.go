package container

import (
	"strconv"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// MarshalJSON is the plan for a program to read: what [Plan.Format] prints, in parts.
func (p *Plan) MarshalJSON() ([]byte, error) {
	first, err := p.Clone.First()
	if err != nil {
		return nil, err
	}
	b, err := appendSteps([]byte(`{"before":[`), p.Before)
	if err != nil {
		return nil, err
	}
	b = append(b, `],"clone":{"call":`...)
	b = prog.AppendQuoteJSON(b, p.Clone.String())
	b = append(b, `,"files":[`...)
	for i, f := range p.Clone.Files {
		b = appendComma(b, i)
		b = prog.AppendQuoteJSON(b, f.Name)
	}
	b = append(b, `],"first":`...)
	for _, part := range []struct {
		program *prog.Program
		behind  string
	}{{first, `},"child":`}, {p.Child, `,"during":[`}} {
		text, err := part.program.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b = append(append(b, text...), part.behind...)
	}
	for i, steps := range p.During {
		if b, err = appendSteps(append(appendComma(b, i), '['), steps); err != nil {
			return nil, err
		}
		b = append(b, ']')
	}
	for _, last := range []struct {
		name  string
		steps []Step
	}{{`],"after":[`, p.After}, {`],"end":[`, p.End}} {
		if b, err = appendSteps(append(b, last.name...), last.steps); err != nil {
			return nil, err
		}
	}
	b = append(b, `],"warnings":[`...)
	for i, w := range p.Warnings {
		b = prog.AppendQuoteJSON(appendComma(b, i), w)
	}
	return append(b, `]}`...), nil
}

func appendSteps(b []byte, steps []Step) ([]byte, error) {
	for i, s := range steps {
		b = appendComma(b, i)
		b = prog.AppendQuoteJSON(append(b, `{"call":`...), s.String())
		b = append(b, `,"file":`...)
		b = strconv.AppendInt(b, int64(s.As.Num), 10)
		b = prog.AppendQuoteJSON(append(b, `,"name":`...), s.As.Name)
		b = prog.AppendQuoteJSON(append(b, `,"why":`...), s.Why)
		b = prog.AppendQuoteJSON(append(b, `,"origin":`...), s.Origin)
		if s.Program != nil {
			text, err := s.Program.MarshalJSON()
			if err != nil {
				return nil, err
			}
			b = append(append(b, `,"program":`...), text...)
		}
		b = append(b, '}')
	}
	return b, nil
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}
