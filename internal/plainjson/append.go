package plainjson

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Append appends a value. The error is about a type that is no plain data.
func Append(b []byte, v any) ([]byte, error) { return appendValue(b, reflect.ValueOf(v)) }

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
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
			return prog.AppendQuoteJSON(b, string(text)), err
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.String:
		return prog.AppendQuoteJSON(b, v.String()), nil
	case reflect.Pointer:
		return appendValue(b, v.Elem())
	case reflect.Slice, reflect.Array:
		return appendList(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Struct:
		b, err := appendStruct(append(b, '{'), v)
		return append(b, '}'), err
	}
	return b, fmt.Errorf("%v is no plain data", v.Kind())
}

func appendList(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendMap writes a map in the order of its keys, so that the same value is the same text.
func appendMap(b []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	var list []entry
	for all := v.MapRange(); all.Next(); {
		key := all.Key()
		name := ""
		switch {
		case key.Kind() == reflect.String:
			name = key.String()
		case key.CanInt():
			name = strconv.FormatInt(key.Int(), 10)
		case key.CanUint():
			name = strconv.FormatUint(key.Uint(), 10)
		default:
			return b, fmt.Errorf("a key of type %v is no plain data", key.Type())
		}
		list = append(list, entry{name, all.Value()})
	}
	slices.SortFunc(list, func(x, y entry) int { return strings.Compare(x.key, y.key) })
	b = append(b, '{')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(prog.AppendQuoteJSON(b, e.key), ':')
		var err error
		if b, err = appendValue(b, e.value); err != nil {
			return b, fmt.Errorf("%s: %w", e.key, err)
		}
	}
	return append(b, '}'), nil
}

func appendStruct(b []byte, v reflect.Value) (_ []byte, err error) {
	t := v.Type()
	for i := range v.NumField() {
		field := v.Field(i)
		if field.IsZero() {
			continue
		}
		m, ok := memberOf(t, i)
		if !ok {
			continue
		}
		if m.embedded {
			if b, err = appendStruct(b, field); err != nil {
				return b, err
			}
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.name...), `":`...)
		if b, err = appendValue(b, field); err != nil {
			return b, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return b, nil
}
