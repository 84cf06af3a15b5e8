package caps

import "fmt"

// Config is what a process may do. The zero value is nothing at all.
type Config struct {
	// Bounding limits what an execve can give: to uid 0, or by file capabilities.
	Bounding Set `json:"bounding"`
	// Effective is what the kernel looks at when it decides. It must be within
	// Permitted.
	Effective Set `json:"effective"`
	// Permitted is what the process may make effective.
	Permitted Set `json:"permitted"`
	// Inheritable survives an execve, but gives something only to uid 0 and by
	// file capabilities.
	Inheritable Set `json:"inheritable"`
	// Ambient survives the execve of a user other than 0 and is permitted and
	// effective then. It must be within Permitted and Inheritable. Linux 4.3.
	Ambient Set `json:"ambient"`
	// Securebits are set in place of the caller's; 0 leaves those as they are.
	Securebits Securebits `json:"securebits,omitempty"`
}

// Warning says what was asked for and will not be there. The container starts
// nevertheless: the specification of the Open Container Initiative wants it so.
type Warning string

// String is the warning's text.
func (w Warning) String() string { return string(w) }

func warning(format string, v ...any) Warning { return Warning(fmt.Sprintf(format, v...)) }

// set is one of the five by its name in configurations and warnings.
type set struct {
	name string
	set  *Set
}

func (c *Config) sets() [5]set {
	return [5]set{
		{"bounding", &c.Bounding},
		{"effective", &c.Effective},
		{"permitted", &c.Permitted},
		{"inheritable", &c.Inheritable},
		{"ambient", &c.Ambient},
	}
}

// ParseSets reads the five sets from names, with or without CAP_ and in any case.
// A name that is not known is left out, with a warning.
func ParseSets(bounding, effective, permitted, inheritable, ambient []string) (Config, []Warning) {
	var c Config
	var warnings []Warning
	lists := [5][]string{bounding, effective, permitted, inheritable, ambient}
	for i, s := range c.sets() {
		for _, name := range lists[i] {
			known, err := Parse(name)
			if err != nil {
				warnings = append(warnings, warning("%s capabilities: %v", s.name, err))
				continue
			}
			s.set.Add(known)
		}
	}
	return c, warnings
}

// NewUserNamespace is what the first process of a new user namespace has in it: all
// that the kernel knows, whoever made it. user_namespaces(7)
func NewUserNamespace(last Cap) Config {
	all := UpTo(last)
	return Config{Bounding: all, Effective: all, Permitted: all}
}

// AfterExec is what is left of c when a program without file capabilities and
// without a set-user-ID bit has been executed by this user id of its user
// namespace. See "Transformation of capabilities during execve" in capabilities(7).
func (c Config) AfterExec(uid uint32, noNewPrivileges bool) Config {
	after := c
	after.Permitted = 0
	if uid == 0 && c.Securebits&NoRoot == 0 {
		// Root is given everything that the bounding set allows, not what was
		// permitted before; only no_new_privs keeps it to that.
		after.Permitted = c.Bounding | c.Inheritable
		if noNewPrivileges {
			after.Permitted &= c.Permitted
		}
	}
	after.Permitted |= c.Ambient
	after.Effective = after.Permitted
	after.Securebits &^= KeepCaps
	return after
}
