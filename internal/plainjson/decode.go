package plainjson

import (
	"fmt"
	"reflect"
	"strconv"
)

// depthLimit bounds how deep values may be nested: what is read may have been damaged.
const depthLimit = 100

// Decode reads a value into what v points to. What is not in the text is zero in it.
func Decode(text []byte, v any) error {
	p := &parser{text: text}
	target := reflect.ValueOf(v).Elem()
	target.SetZero()
	if err := p.value(target, 0); err != nil {
		return err
	}
	if p.space(); p.at < len(p.text) {
		return p.wrong("there is something behind it")
	}
	return nil
}

func (p *parser) value(v reflect.Value, depth int) error {
	if depth > depthLimit {
		return p.wrong("it is nested too deep")
	}
	if v.Type().PkgPath() != "" && v.CanAddr() {
		switch own := v.Addr().Interface().(type) {
		case unmarshaler:
			p.space()
			begin := p.at
			if err := p.skip(depth); err != nil {
				return err
			}
			return own.UnmarshalJSON(p.text[begin:p.at])
		case textReader:
			if p.word("null") {
				return nil
			}
			text, err := p.quoted()
			if err != nil {
				return err
			}
			return own.UnmarshalText([]byte(text))
		}
	}
	if p.word("null") {
		v.SetZero()
		return nil
	}
	switch v.Kind() {
	case reflect.Bool:
		is := p.word("true")
		if !is && !p.word("false") {
			return p.wrong("want true or false")
		}
		v.SetBool(is)
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(p.digits(), 10, v.Type().Bits())
		if err != nil {
			return p.number(err)
		}
		v.SetInt(n)
		return nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		n, err := strconv.ParseUint(p.digits(), 10, v.Type().Bits())
		if err != nil {
			return p.number(err)
		}
		v.SetUint(n)
		return nil
	case reflect.String:
		text, err := p.quoted()
		v.SetString(text)
		return err
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return p.value(v.Elem(), depth+1)
	case reflect.Slice:
		return p.list(v, depth+1)
	case reflect.Array:
		return p.array(v, depth+1)
	case reflect.Map:
		return p.entries(v, depth+1)
	case reflect.Struct:
		return p.structure(v, depth+1)
	}
	return p.wrong(v.Kind().String() + " is no plain data")
}

// members takes what is between two brackets, with commas between.
func (p *parser) members(open, end byte, one func() error) error {
	if !p.take(open) {
		return p.wrong("want " + strconv.QuoteRune(rune(open)))
	}
	if p.take(end) {
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		switch {
		case p.take(end):
			return nil
		case !p.take(','):
			return p.wrong("want a comma, or " + strconv.QuoteRune(rune(end)))
		}
	}
}

func (p *parser) list(v reflect.Value, depth int) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	return p.members('[', ']', func() error {
		n := v.Len()
		if n == v.Cap() {
			v.Grow(max(n, 4))
		}
		v.SetLen(n + 1)
		return p.value(v.Index(n), depth)
	})
}

func (p *parser) array(v reflect.Value, depth int) error {
	n := 0
	err := p.members('[', ']', func() error {
		if n == v.Len() {
			return p.wrong("there are too many of them")
		}
		n++
		return p.value(v.Index(n-1), depth)
	})
	if err == nil && n < v.Len() {
		err = p.wrong("there are too few of them")
	}
	return err
}

func (p *parser) entries(v reflect.Value, depth int) error {
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	return p.members('{', '}', func() error {
		text, err := p.key()
		if err != nil {
			return err
		}
		name := string(text)
		key := reflect.New(t.Key()).Elem()
		switch {
		case key.Kind() == reflect.String:
			key.SetString(name)
		case key.CanInt():
			n, err := strconv.ParseInt(name, 10, t.Key().Bits())
			if err != nil {
				return p.number(err)
			}
			key.SetInt(n)
		case key.CanUint():
			n, err := strconv.ParseUint(name, 10, t.Key().Bits())
			if err != nil {
				return p.number(err)
			}
			key.SetUint(n)
		default:
			return p.wrong("a key of type " + t.Key().String() + " is no plain data")
		}
		if v.MapIndex(key).IsValid() {
			return p.wrong(strconv.Quote(name) + " comes twice")
		}
		value := reflect.New(t.Elem()).Elem()
		if err := p.value(value, depth); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		v.SetMapIndex(key, value)
		return nil
	})
}

// structure takes an object. The fields are mostly in the order of the struct, so each is
// looked for behind the last one.
func (p *parser) structure(v reflect.Value, depth int) error {
	all := fields(v, nil)
	next := 0
	return p.members('{', '}', func() error {
		name, err := p.key()
		if err != nil {
			return err
		}
		for range all {
			if next == len(all) {
				next = 0
			}
			f := &all[next]
			next++
			if f.name != string(name) {
				continue
			}
			if f.seen {
				return p.wrong(strconv.Quote(string(name)) + " comes twice")
			}
			f.seen = true
			if err := p.value(f.value, depth); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		return p.wrong("there is no field " + strconv.Quote(string(name)))
	})
}

type field struct {
	name  string
	value reflect.Value
	seen  bool
}

func fields(v reflect.Value, list []field) []field {
	t := v.Type()
	for i := range t.NumField() {
		m, ok := memberOf(t, i)
		switch {
		case !ok:
		case m.embedded:
			list = fields(v.Field(i), list)
		default:
			list = append(list, field{name: m.name, value: v.Field(i)})
		}
	}
	return list
}
