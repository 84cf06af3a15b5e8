package caps

// Grantable is what of c the caller can give to a container's process of this user
// id, and a warning for all that it cannot. host is what the caller itself has,
// or [NewUserNamespace]; last is the kernel's last capability.
//
// The rules are those of cap_capset and cap_prctl_drop in security/commoncap.c.
func (c Config) Grantable(host Config, last Cap, uid uint32) (Config, []Warning) {
	var warnings []Warning
	// limit takes from a set what is not in the other one.
	limit := func(s set, to Set, why string) {
		if lost := *s.set &^ to; lost != 0 {
			warnings = append(warnings, warning("%s capabilities: %v: %s", s.name, lost, why))
			*s.set &= to
		}
	}
	sets := c.sets()
	for _, s := range sets {
		limit(s, UpTo(last), "this kernel does not have them")
	}
	bounding, effective, permitted, inheritable, ambient := sets[0], sets[1], sets[2], sets[3], sets[4]

	limit(bounding, host.Bounding, "not in the bounding set of the caller")
	limit(permitted, host.Permitted, "not permitted to the caller")
	limit(effective, c.Permitted, "not permitted to the container")
	// capset takes into the inheritable set what was in it, and of what is
	// permitted to the caller that which the bounding set still has.
	limit(inheritable, host.Inheritable|host.Permitted, "neither inheritable nor permitted to the caller")
	limit(inheritable, host.Inheritable|c.Bounding, "not in the bounding set of the container")
	limit(ambient, c.Permitted, "not permitted to the container")
	limit(ambient, c.Inheritable, "not inheritable in the container")

	if c.Securebits != 0 && !host.Permitted.Has(SETPCAP) {
		warnings = append(warnings, warning("securebits: %v: %v is not permitted to the caller", c.Securebits, SETPCAP))
		c.Securebits = 0
	}
	if lost := c.Permitted &^ c.AfterExec(uid, false).Permitted; lost != 0 {
		why := "the execve drops what is neither in the bounding nor in the inheritable set"
		if uid != 0 || c.Securebits&NoRoot != 0 {
			why = "the execve of a user other than 0 drops what is not ambient"
		}
		warnings = append(warnings, warning("permitted capabilities: %v: %s", lost, why))
	}
	return c, warnings
}
