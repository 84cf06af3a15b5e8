package container

import (
	"reflect"
	"testing"
)

// TestSpecIsPlainData looks through all that a Spec is made of: what is kept of a container
// has to be whole when it is read again, so there must be nothing that JSON has no word for.
func TestSpecIsPlainData(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(where string, typ reflect.Type)
	look = func(where string, typ reflect.Type) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		for _, own := range []string{"MarshalText", "MarshalJSON"} {
			if _, ok := typ.MethodByName(own); ok {
				return
			}
		}
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				if f := typ.Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
					look(where+"."+f.Name, f.Type)
				}
			}
		case reflect.Map:
			if k := typ.Key(); k.Kind() != reflect.String && k.Kind() != reflect.Int {
				t.Errorf("%s has keys of type %v", where, k)
			}
			look(where+"[]", typ.Elem())
		case reflect.Slice, reflect.Array, reflect.Pointer:
			look(where, typ.Elem())
		case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
			t.Errorf("%s is of type %v", where, typ)
		}
	}
	look("Spec", reflect.TypeFor[Spec]())
	if len(seen) < 50 {
		t.Errorf("only %d types", len(seen))
	}
}
