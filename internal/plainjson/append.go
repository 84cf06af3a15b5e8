package plainjson

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
)

// Append appends a value. The error is about a type that is no plain data.
func Append(b []byte, v any) ([]byte, error) { return brief.appendValue(b, reflect.ValueOf(v)) }

// AppendWhole is Append for somebody else's eyes: a field that is zero is written too, unless its
// tag has omitempty.
func AppendWhole(b []byte, v any) ([]byte, error) { return whole.appendValue(b, reflect.ValueOf(v)) }

// writer says which fields are written.
type writer bool

const (
	brief writer = false
	whole writer = true
)

// omits reports whether a field is left out.
func (w writer) omits(m member, v reflect.Value) bool {
	if w == brief {
		return v.IsZero()
	}
	return m.omitEmpty && (v.IsZero() || (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0)
}

func (w writer) appendValue(b []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return append(b, "null"...), nil
	}
	if v.Kind() != reflect.Invalid && v.Type().PkgPath() != "" && v.CanInterface() {
		switch m := v.Interface().(type) {
		case marshaler:
			text, err := m.MarshalJSON()
			return append(b, text...), err
		case textMarshaler:
			text, err := m.MarshalText()
			return appendQuoted(b, string(text)), err
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsInf(f, 0) && !math.IsNaN(f) {
			return strconv.AppendFloat(b, f, 'f', -1, v.Type().Bits()), nil
		}
		return b, fmt.Errorf("%v is no number of JSON", v.Float())
	case reflect.String:
		return appendQuoted(b, v.String()), nil
	case reflect.Pointer:
		return w.appendValue(b, v.Elem())
	case reflect.Slice, reflect.Array:
		return w.appendList(b, v)
	case reflect.Map:
		return w.appendMap(b, v)
	case reflect.Struct:
		b, err := w.appendStruct(append(b, '{'), v)
		return append(b, '}'), err
	}
	return b, fmt.Errorf("%v is no plain data", v.Kind())
}

func (w writer) appendList(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = w.appendValue(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendMap writes a map in the order of its keys, so that the same value is the same text.
func (w writer) appendMap(b []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	values := map[string]reflect.Value{}
	for all := v.MapRange(); all.Next(); {
		key := all.Key()
		switch {
		case key.Kind() == reflect.String:
			values[key.String()] = all.Value()
		case key.CanInt():
			values[strconv.FormatInt(key.Int(), 10)] = all.Value()
		case key.CanUint():
			values[strconv.FormatUint(key.Uint(), 10)] = all.Value()
		default:
			return b, fmt.Errorf("a key of type %v is no plain data", key.Type())
		}
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, key), ':')
		var err error
		if b, err = w.appendValue(b, values[key]); err != nil {
			return b, fmt.Errorf("%s: %w", key, err)
		}
	}
	return append(b, '}'), nil
}

func (w writer) appendStruct(b []byte, v reflect.Value) (_ []byte, err error) {
	t := v.Type()
	for i := range v.NumField() {
		field := v.Field(i)
		if w == brief && field.IsZero() { // memberOf looks at the tag, which takes its time
			continue
		}
		m, ok := memberOf(t, i)
		if !ok || w.omits(m, field) {
			continue
		}
		if m.embedded {
			if b, err = w.appendStruct(b, field); err != nil {
				return b, err
			}
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.name...), `":`...)
		if b, err = w.appendValue(b, field); err != nil {
			return b, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return b, nil
}
