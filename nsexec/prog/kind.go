package prog

// Kind says what a parameter or a field means: how a value is printed, and which
// arguments may be given for it. The zero Kind is a number in hexadecimal. Kinds are
// used by their address: tables of addresses are data in the program's file, and
// nothing is left to do when it starts.
type Kind struct {
	form  form
	names []name
	like  *Kind // whose names it has, where another kind has the same
	// listed: the field has room for several and holds one, printed as [one].
	listed bool
}

type form uint8

const (
	formHex       form = iota
	formInt            // signed decimal
	formUint           // unsigned decimal
	formFD             // a descriptor, AT_FDCWD
	formText           // pointer to a string
	formPointer        // pointer to a block, or NULL
	formFlags          // names joined by |
	formOpen           // the same for open(2)
	formID             // a user or group id, -1 for none
	formEnum           // one name
	formOctal          // file mode
	formFileType       // file type and mode of mknodat
	formDevice         // device number
	formSigset         // set of signals
	formRlimit         // number or RLIM64_INFINITY
	formIoprio         // class and level of ioprio_set
	formMempolicy      // mode and flags of set_mempolicy
)

// name is a row of a table of flags or of an enumeration.
type name struct {
	value uint64
	name  string
}

var (
	integer      = Kind{form: formInt}
	unsigned     = Kind{form: formUint}
	address      = Kind{form: formHex}
	fd           = Kind{form: formFD}
	text         = Kind{form: formText}
	pointer      = Kind{form: formPointer}
	id           = Kind{form: formID}
	mode3        = Kind{form: formOctal}
	fileType     = Kind{form: formFileType}
	device       = Kind{form: formDevice}
	sigset       = Kind{form: formSigset}
	rlimValue    = Kind{form: formRlimit}
	ioprio       = Kind{form: formIoprio}
	memoryPolicy = Kind{form: formMempolicy}
)

// Kinds for the fields of structures that other packages define.
var (
	Integer  = &integer  // signed decimal
	Unsigned = &unsigned // unsigned decimal
	Address  = &address  // hexadecimal
	Pointer  = &pointer  // pointer to memory
	Text     = &text     // pointer to a string, or the characters themselves
)

// accepts reports whether an argument of this type may stand for the kind.
func (k *Kind) accepts(a Arg) bool {
	switch a.(type) {
	case nil:
		return true
	case Int, Named:
		return k.form != formText && k.form != formPointer || a == Arg(Int(0))
	case FD:
		return k.form == formFD
	case Slot:
		return k.form != formText && k.form != formPointer
	case Str:
		return k.form == formText || k.form == formPointer
	case Bytes, *Block, Ref:
		return k.form == formPointer || k.form == formText
	}
	return false
}
