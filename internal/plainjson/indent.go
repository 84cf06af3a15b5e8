package plainjson

// Indent appends JSON in lines: a member and an element have one each, two spaces deeper than
// what they are in. The text is well-formed, as what [Append] writes.
func Indent(b, text []byte) []byte {
	depth := 0
	var opened, quoted, escaped bool
	line := func() {
		b = append(b, '\n')
		for range depth {
			b = append(b, "  "...)
		}
	}
	for _, c := range text {
		if quoted {
			quoted = c != '"' || escaped
			escaped = c == '\\' && !escaped
			b = append(b, c)
			continue
		}
		closes := c == '}' || c == ']'
		switch {
		case c == ' ', c == '\t', c == '\r', c == '\n':
			continue
		case closes:
			if depth--; !opened {
				line()
			}
		case opened:
			line()
		}
		opened = c == '{' || c == '['
		b = append(b, c)
		switch {
		case c == '"':
			quoted = true
		case opened:
			depth++
		case c == ',':
			line()
		case c == ':':
			b = append(b, ' ')
		}
	}
	return b
}
