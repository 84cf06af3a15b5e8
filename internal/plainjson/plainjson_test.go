package plainjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/internal/plainjson"
)

type inner struct {
	Number int64  `json:"number"`
	Word   string `json:"word,omitempty"`
}

type Part struct {
	Deep   uint16
	Hidden string `json:"-"`
}

type all struct {
	Bool    bool
	Small   int8
	Big     uint64
	Text    string
	List    []string
	Pair    [2]int
	Structs []inner
	Pointer *inner
	Nothing *inner
	Names   map[string]inner
	Places  map[int]*int
	Set     caps.Set  // text of its own
	Moment  time.Time // JSON of its own
	Raw     json.RawMessage
	Part
	Func func() `json:"-"`
}

func values() []all {
	one := 1
	return []all{
		{},
		{Bool: true, Small: -128, Big: 1<<64 - 1, Text: "a\"b\\c\n\x01\u00e9\U0001F600/", List: []string{}, Pair: [2]int{1, -2}},
		{
			List: []string{"", "x"}, Structs: []inner{{}, {Number: -1 << 63, Word: "w"}}, Pointer: &inner{},
			Names: map[string]inner{"": {Number: 1}, "b": {}, "a": {Word: "x"}}, Places: map[int]*int{-3: &one, 2: nil},
		},
		{Names: map[string]inner{}, Moment: time.Unix(1, 5).UTC(), Set: 5, Raw: json.RawMessage(`{"a":[1.5e3,null,"\u0041"]}`), Part: Part{Deep: 9}},
	}
}

// TestBothWays writes values and reads them, and has encoding/json do the other part.
func TestBothWays(t *testing.T) {
	for i, want := range values() {
		text, err := plainjson.Append([]byte("begun:"), want)
		text, begun := bytes.CutPrefix(text, []byte("begun:"))
		if err != nil || !begun {
			t.Fatalf("value %d: %s, %v", i, text, err)
		}
		var got, theirs all
		if err := plainjson.Decode(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("value %d as %s is read as\n%+v (%v), want\n%+v", i, text, got, err, want)
		}
		if err := json.Unmarshal(text, &theirs); err != nil || !reflect.DeepEqual(theirs, want) {
			t.Errorf("value %d as %s is read by encoding/json as\n%+v (%v), want\n%+v", i, text, theirs, err, want)
		}
		for _, indent := range []string{"", "\t"} {
			theirText, err := json.MarshalIndent(want, "", indent)
			if err != nil {
				t.Fatal(err)
			}
			got = all{Text: "of before"}
			if err := plainjson.Decode(theirText, &got); err != nil {
				t.Errorf("value %d: %v in what encoding/json writes, %s", i, err, theirText)
			}
			if got.Raw = compact(t, got.Raw); want.Raw == nil {
				got.Raw = nil // it was null
			} else {
				want.Raw = compact(t, want.Raw)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("value %d as %s is read as\n%+v, want\n%+v", i, theirText, got, want)
			}
		}
	}
}

func compact(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSameValueSameText(t *testing.T) {
	v := map[string]int{"c": 3, "a": 1, "b": 2, "d": 0}
	for range 20 {
		if text, err := plainjson.Append(nil, v); string(text) != `{"a":1,"b":2,"c":3,"d":0}` || err != nil {
			t.Fatalf("%s (%v)", text, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, row := range []struct{ about, text, want string }{
		{"nothing", ``, "want '{'"},
		{"a field that there is not", `{"Other":1}`, `no field "Other"`},
		{"a field that is spelt otherwise", `{"bool":true}`, `no field "bool"`},
		{"a field that is not for JSON", `{"Hidden":""}`, `no field "Hidden"`},
		{"a field that cannot be seen", `{"unseen":1}`, `no field "unseen"`},
		{"a field that comes twice", `{"Bool":true,"Small":1,"Bool":true}`, `"Bool" comes twice`},
		{"a key that comes twice", `{"Names":{"a":{},"a":{}}}`, `"a" comes twice`},
		{"a key that is no number", `{"Places":{"x":1}}`, "want a whole number"},
		{"a number that is too large", `{"Small":128}`, "out of range"},
		{"a negative number where there is none", `{"Big":-1}`, "want a whole number"},
		{"a fraction", `{"Big":1.5}`, "want a comma"},
		{"an octal number", `{"Big":017}`, "want a whole number"},
		{"a number as a text", `{"Big":"1"}`, "want a whole number"},
		{"a text as a number", `{"Text":1}`, "want a string"},
		{"no text at all", `{"Text":nil}`, "want a string"},
		{"a line feed in a string", "{\"Text\":\"a\nb\"}", "control character"},
		{"one behind a backslash", "{\"Text\":\"\\t\nb\"}", "control character"},
		{"what is no UTF-8", "{\"Text\":\"\xff\"}", "no UTF-8"},
		{"that behind a backslash", "{\"Text\":\"\\t\xff\"}", "no UTF-8"},
		{"an unknown escape", `{"Text":"\x41"}`, "not known"},
		{"half an escape", `{"Text":"\u00"}`, "want four digits"},
		{"a string without an end", `{"Text":"abc`, "without an end"},
		{"a string that ends in a backslash", `{"Text":"abc\`, "without an end"},
		{"no comma", `{"Bool":true "Small":1}`, "want a comma"},
		{"a comma too many", `{"Bool":true,}`, "want a string"},
		{"no colon", `{"Bool" true}`, "want a colon"},
		{"an end too early", `{"List":["a"`, "want a comma"},
		{"too many of an array", `{"Pair":[1,2,3]}`, "too many"},
		{"too few of an array", `{"Pair":[1]}`, "too few"},
		{"something behind it", `{} {}`, "something behind it"},
		{"what is nested deep", `{"Raw":` + strings.Repeat("[", 1000), "nested too deep"},
		{"a capability that there is not", `{"Set":"CAP_NONE"}`, "CAP_NONE"},
	} {
		if err := plainjson.Decode([]byte(row.text), new(all)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s, %s: the error is %v, want %s", row.about, row.text, err, row.want)
		}
	}
}

func TestNoPlainData(t *testing.T) {
	for _, v := range []any{func() {}, make(chan int), math.NaN(), math.Inf(1), struct{ F func() }{func() {}}, map[bool]int{true: 1}, []any{1}} {
		if text, err := plainjson.Append(nil, v); err == nil {
			t.Errorf("%T is written as %s", v, text)
		}
	}
	for _, v := range []any{new(func()), new(float64), new(any), new(map[bool]int)} {
		if err := plainjson.Decode([]byte(`{"true":1}`), v); err == nil {
			t.Errorf("%T is read", v)
		}
	}
}

// A name of a file may be any bytes. They come back as they were, and others read JSON.
func TestBytesThatAreNoUTF8(t *testing.T) {
	type names struct {
		List []string          `json:"list"`
		Map  map[string]string `json:"map"`
	}
	want := names{List: []string{"/b\xff/\"\\\n", "\x80", "\xc3(", "\xed\xb2\x80", "ä\xe4ä", "\ufffd"}, Map: map[string]string{"\xfe": "\xfd"}}
	text, err := plainjson.Append(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	var got names
	if err := plainjson.Decode(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q became %q (%v), written as %s", want, got, err, text)
	}
	var theirs names
	if err := json.Unmarshal(text, &theirs); err != nil || theirs.List[0] != "/b\ufffd/\"\\\n" {
		t.Errorf("encoding/json reads %q (%v)", theirs, err)
	}
	if err := plainjson.Decode([]byte(`{"list":["`+"\xff"+`"]}`), &got); err == nil {
		t.Errorf("a byte that is no UTF-8 and not escaped is read: %q", got)
	}
	if err := plainjson.Decode([]byte(`{"list":["`+"\\n\xff"+`"]}`), &got); err == nil {
		t.Errorf("one behind something that is escaped is read: %q", got)
	}
}

// Others read what AppendWhole writes as they read what encoding/json writes, and Indent breaks
// lines where it does.
func TestWhole(t *testing.T) {
	type inner struct {
		Share float64 `json:"share"`
		None  *int    `json:"none"`
		Empty []int   `json:"empty,omitempty"`
	}
	list := []any{
		struct {
			ID    string            `json:"id"`
			Pid   int               `json:"pid"`
			Notes map[string]string `json:"notes,omitempty"`
			Inner inner             `json:"inner"`
			List  []int             `json:"list"`
		}{Inner: inner{Share: 1.25, Empty: []int{}}, Notes: map[string]string{}},
		map[string][]int{"": {}, `"\\`: {1, 2}, "{": nil},
	}
	for _, v := range values() {
		v.Nothing, v.Raw = nil, json.RawMessage(`{}`)
		list = append(list, v)
	}
	for _, v := range list {
		text, err := plainjson.AppendWhole(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal(theirs, &want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s, and encoding/json has %s (%v)", text, theirs, err)
		}
		var lines bytes.Buffer
		if err := json.Indent(&lines, theirs, "", "  "); err != nil {
			t.Fatal(err)
		}
		if got := plainjson.Indent(nil, theirs); string(got) != lines.String() {
			t.Errorf("in lines:\n%s\nand encoding/json has\n%s", got, lines.Bytes())
		}
	}
}

// FuzzDecode reads what may be damaged. What is read is written, and read again, as it was;
// and encoding/json agrees on what it is.
func FuzzDecode(f *testing.F) {
	for _, v := range values() {
		text, err := plainjson.Append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, again, theirs all
		if plainjson.Decode(text, &got) != nil {
			return
		}
		written, err := plainjson.Append(nil, got)
		if err != nil {
			t.Skip(err) // RawMessage takes what is not JSON
		}
		if err := plainjson.Decode(written, &again); err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%q is\n%+v, written as %q, and read as\n%+v (%v)", text, got, written, again, err)
		}
		if bytes.Contains(written, []byte(`\udc`)) {
			return // bytes that are no UTF-8, which encoding/json does not know
		}
		if err := json.Unmarshal(written, &theirs); err != nil || !reflect.DeepEqual(got, theirs) {
			t.Fatalf("%q is\n%+v, and for encoding/json\n%+v (%v)", written, got, theirs, err)
		}
	})
}
