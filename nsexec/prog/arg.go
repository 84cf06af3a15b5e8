package prog

// Arg is an argument of a system call, or the value of a [Field]. It is one of
// [Int], [Named], [FD], [Str], [Bytes], [Slot], [Maybe], *[Block] and [Ref].
type Arg interface{ arg() }

// Int is a number: flags, sizes, modes, addresses. How it is printed is decided
// by the parameter that it is given for.
type Int uint64

// Named is a number with its text, for values whose names a table of this package
// cannot know, such as capabilities.
type Named struct {
	Value uint64
	Text  string
}

// FD is a descriptor whose number is known beforehand, because it is handed down
// under that number. Name says what it is.
type FD struct {
	Num  int
	Name string
}

// Str is a string; the call receives a pointer to it, with a NUL behind it.
type Str string

// Bytes is memory with a given content; the call receives a pointer to it. As the
// value of a [Field] it is the content of the field.
type Bytes string

// Maybe is the result of an operation that is perhaps not made: 0 until it is.
// It is allowed as the value of a [Field] only, and a slot has one such place.
type Maybe struct{ Slot Slot }

// Ref points into a block, Offset bytes behind its beginning.
type Ref struct {
	Block  *Block
	Offset int
}

func (Int) arg()    {}
func (Named) arg()  {}
func (FD) arg()     {}
func (Str) arg()    {}
func (Bytes) arg()  {}
func (Slot) arg()   {}
func (Maybe) arg()  {}
func (*Block) arg() {}
func (Ref) arg()    {}

// Block is a piece of the program's memory: a structure of the kernel's, an array
// of pointers, or a buffer that one call fills and another reads. A call that gets
// a *Block gets a pointer to it; the same *Block in two places is the same memory.
type Block struct {
	// Name is printed for a buffer, behind an ampersand.
	Name string
	// Fields are the content, one behind the other without gaps.
	Fields []Field
	// Array prints the fields as [a, b] and leaves a last field of zero out,
	// as strace does with lists of strings.
	Array bool
	// Bits prints the numbers of the bits that are set, as [0 1 7]. The fields are
	// words of 64.
	Bits bool
	// Hidden prints "..." for a content that is of no use to a reader.
	Hidden bool
}

// Field is a part of a [Block]. Where other fields have names, one without is
// padding and is not printed.
type Field struct {
	Name  string
	Kind  *Kind
	Size  int // bytes: 1, 2, 4 or 8 for a number, 8 for a pointer or slot
	Value Arg // nil is all zero
	// Quiet leaves the field out of the text while it is zero, as strace does
	// with the fields that only some uses of a structure need.
	Quiet bool
}

// Size is the number of bytes that the block takes.
func (b *Block) Size() int {
	n := 0
	for i := range b.Fields {
		n += b.Fields[i].Size
	}
	return n
}

// Buffer is a block of n zero bytes for a call to fill in.
func Buffer(name string, n int) *Block {
	return &Block{Name: name, Fields: []Field{{Size: n}}}
}

// Strings is an array of pointers to strings with a null pointer at its end, as
// execve takes it.
func Strings(list []string) *Block {
	fields := make([]Field, len(list)+1)
	for i, s := range list {
		fields[i] = Field{Kind: &text, Size: 8, Value: Str(s)}
	}
	fields[len(list)] = Field{Size: 8}
	return &Block{Fields: fields, Array: true}
}
