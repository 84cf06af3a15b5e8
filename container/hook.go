package container

import (
	"fmt"
	"strings"
	"time"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/internal/plainjson"
)

// HookKind says when in the life of a container a hook is called, and where.
type HookKind string

// The six kinds, in their order. Those of the host's side run as the caller does, with
// its namespaces and rights; the others as a process that has joined the container's
// namespaces, and was born in its cgroup. A hook that fails ends the container, but for a poststop hook, whose
// failure is only told.
const (
	// Prestart hooks and CreateRuntime hooks: on the host's side, when the namespaces
	// are there and the mounts are made, before pivot_root.
	Prestart      HookKind = "prestart"
	CreateRuntime HookKind = "createRuntime"
	// CreateContainer hooks: right behind those, in the container's namespaces. Their
	// root is still the host's tree, and the container's root is at the path of its
	// directory. They have every right in the container's user namespace.
	CreateContainer HookKind = "createContainer"
	// StartContainer hooks: in the container and of its root file system, right before
	// the user's program, with that program's ids, capabilities and limits.
	StartContainer HookKind = "startContainer"
	// Poststart hooks: on the host's side, when the user's program runs.
	Poststart HookKind = "poststart"
	// Poststop hooks: on the host's side, when the container is gone.
	Poststop HookKind = "poststop"
)

// hookKinds are all of them.
var hookKinds = [...]HookKind{Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop}

// inside reports whether hooks of this kind run in the container's namespaces.
func (k HookKind) inside() bool { return k == CreateContainer || k == StartContainer }

// status is that of the container meanwhile.
func (k HookKind) status() Status {
	switch k {
	case StartContainer:
		return Created
	case Poststart:
		return Running
	case Poststop:
		return Stopped
	}
	return Creating
}

// Hooks are called at points of a container's life, those of one kind in their order.
//
// As JSON they are what config.json calls by that name. Only commands can be written
// down: a [HookFunc] is known to the process that has it, and is left out.
type Hooks struct {
	Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop []Hook
}

// Hook is something to be called. A [CommandHook] is executed where its kind says; any
// other one is called in this process, which is on the host's side, whatever its kind.
type Hook interface {
	// Run is told the state of the container. State.Pid is the first process's, in the
	// pid namespace of the hook, and 0 where there is none any more.
	Run(*State) error
}

// HookFunc is a Hook that is a function.
type HookFunc func(*State) error

// Run calls the function.
func (f HookFunc) Run(s *State) error { return f(s) }

// CommandHook is a Hook that is a program. It gets the state as JSON on its standard
// input, has the bundle as its working directory (a [StartContainer] hook the container's
// root), and nothing of its caller's environment.
//
// It is the leader of a session, and so of a group of processes. The whole group is
// killed when its time is over, when it fails, when the process dies that waits for it, or, on
// the host, when the start fails in which it was called. Otherwise what it has left behind lives on, as long as the
// container's pid namespace if it is in there.
type CommandHook struct {
	// Path is the program, absolute. No directory is searched and no shell is used.
	Path string
	// Args are its arguments, its own name first; empty is the path alone.
	Args []string
	// Env is its whole environment, KEY=VALUE.
	Env []string
	// Timeout is how long it may take; 0 is for ever, or until the container is destroyed
	// by force.
	Timeout time.Duration
}

// list is the hooks of a kind.
func (h *Hooks) list(kind HookKind) *[]Hook {
	switch kind {
	case Prestart:
		return &h.Prestart
	case CreateRuntime:
		return &h.CreateRuntime
	case CreateContainer:
		return &h.CreateContainer
	case StartContainer:
		return &h.StartContainer
	case Poststart:
		return &h.Poststart
	}
	return &h.Poststop
}

// asCommand is the hook as a program to be executed.
func asCommand(h Hook) (CommandHook, bool) {
	switch h := h.(type) {
	case CommandHook:
		return h, true
	case *CommandHook:
		if h != nil {
			return *h, true
		}
	}
	return CommandHook{}, false
}

// commands reports whether there is a program among the hooks of these kinds.
func (h *Hooks) commands(kinds ...HookKind) bool {
	for _, kind := range kinds {
		for _, hook := range *h.list(kind) {
			if _, ok := asCommand(hook); ok {
				return true
			}
		}
	}
	return false
}

// IsZero reports whether there is no hook.
func (h Hooks) IsZero() bool { return !h.any(hookKinds[:]...) }

// any reports whether there are hooks of one of these kinds.
func (h *Hooks) any(kinds ...HookKind) bool {
	for _, kind := range kinds {
		if len(*h.list(kind)) > 0 {
			return true
		}
	}
	return false
}

// storedHook is a CommandHook as config.json has it, with the time to the nanosecond
// beside it.
type storedHook struct {
	Path    string        `json:"path"`
	Args    []string      `json:"args,omitempty"`
	Env     []string      `json:"env,omitempty"`
	Timeout time.Duration `json:"timeoutNanoseconds,omitempty"`
}

// MarshalJSON writes the commands.
func (h Hooks) MarshalJSON() ([]byte, error) {
	stored := map[HookKind][]storedHook{}
	for _, kind := range hookKinds {
		for _, hook := range *h.list(kind) {
			if c, ok := asCommand(hook); ok {
				stored[kind] = append(stored[kind], storedHook(c))
			}
		}
	}
	return plainjson.Append(nil, stored)
}

// UnmarshalJSON reads what MarshalJSON has written.
func (h *Hooks) UnmarshalJSON(b []byte) error {
	var stored map[HookKind][]storedHook
	if err := plainjson.Decode(b, &stored); err != nil {
		return err
	}
	*h = Hooks{}
	for _, kind := range hookKinds {
		list := h.list(kind)
		for _, s := range stored[kind] {
			*list = append(*list, CommandHook(s))
		}
		delete(stored, kind)
	}
	for kind := range stored {
		return fmt.Errorf("hooks.%s: there is no such kind of hook", kind)
	}
	return nil
}

// hookOrigin names a hook in errors and plans.
func hookOrigin(kind HookKind, i int) string { return fmt.Sprintf("hooks.%s[%d]", kind, i) }

func (c *compiler) checkHooks(wrong complaint) {
	h := &c.spec.Hooks
	for _, kind := range hookKinds {
		for i, hook := range *h.list(kind) {
			origin := hookOrigin(kind, i)
			if command, ok := asCommand(hook); ok {
				command.check(origin, wrong)
			} else if hook == nil || hook == (*CommandHook)(nil) {
				wrong(origin, "there is nothing to call")
			}
		}
	}
	if h.commands(hookKinds[:]...) && !strings.HasPrefix(c.spec.Bundle, "/") {
		wrong("bundle", "%q: want an absolute path, where hooks can run", c.spec.Bundle)
	}
	if h.commands(CreateContainer) && c.spec.Root.Overlay != nil {
		wrong("hooks.createContainer", "the root is an overlay, which has no directory on the host where a hook could find it")
	}
	if h.commands(CreateContainer, StartContainer) && !c.tracesAnyone() && c.sharesWithOthers() {
		wrong("hooks", "hooks in the container's namespaces, where a user or pid namespace is joined, need CAP_SYS_PTRACE: without, whoever is in there could look into the container's process meanwhile")
	}
}

// check refuses a command that cannot be executed.
func (h CommandHook) check(origin string, wrong complaint) {
	if !strings.HasPrefix(h.Path, "/") {
		wrong(origin+".path", "%q: want an absolute path", h.Path)
	}
	for _, s := range append([]string{h.Path}, h.Args...) {
		if strings.IndexByte(s, 0) >= 0 {
			wrong(origin, "%q holds a NUL", s)
		}
	}
	for i, v := range h.Env {
		if strings.IndexByte(v, 0) >= 0 || strings.IndexByte(v, '=') < 1 {
			wrong(fmt.Sprintf("%s.env[%d]", origin, i), "%q: want NAME=VALUE", v)
		}
	}
	if h.Timeout < 0 {
		wrong(origin+".timeout", "%v: want a time above 0", h.Timeout)
	}
}

// tracesAnyone reports whether the caller may look into processes that are not dumpable.
func (c *compiler) tracesAnyone() bool { return c.host.Capabilities.Effective.Has(caps.SYS_PTRACE) }

// sharesWithOthers reports whether others may be where the container's process is visible
// to them, or they have rights over it.
func (c *compiler) sharesWithOthers() bool {
	return c.joinsUser() || c.spec.Namespaces.PathOf(clone.NEWPID) != ""
}
