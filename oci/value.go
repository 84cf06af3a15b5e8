package oci

import (
	"strconv"
	"strings"
)

// text reads a string. None with a NUL in it can be given to the kernel.
func (c *cursor) text() string {
	t, ok := c.want('"')
	if !ok {
		return ""
	}
	s := t.String()
	if strings.IndexByte(s, 0) >= 0 {
		c.fail("%q holds a NUL", s)
	}
	return s
}

// texts reads an array of strings.
func (c *cursor) texts() []string {
	list := []string{}
	for range c.elements() {
		list = append(list, c.text())
	}
	return list
}

// pairs reads an object of strings.
func (c *cursor) pairs() map[string]string {
	m := map[string]string{}
	for name := range c.members() {
		if name == "" {
			c.token()
			c.fail("a name is empty")
			break
		}
		m[name] = c.text()
	}
	return m
}

// flag reads true or false.
func (c *cursor) flag() bool {
	t, ok := c.token()
	if !ok {
		return false
	}
	switch t.Kind() {
	case 't':
		return true
	case 'f':
		return false
	}
	c.fail("%s is wanted here, not %s", kindName('t'), kindName(t.Kind()))
	return false
}

// unsigned reads a whole number of at most highest.
func (c *cursor) unsigned(highest uint64) uint64 {
	digits, negative := c.digits()
	if digits == "" {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case negative:
		c.fail("-%s is below 0", digits)
	case err != nil || n > highest:
		c.fail("%s is above %d", digits, highest)
	default:
		return n
	}
	return 0
}

// signed reads a whole number from lowest to highest.
func (c *cursor) signed(lowest, highest int64) int64 {
	digits, negative := c.digits()
	if digits == "" {
		return 0
	}
	if negative {
		digits = "-" + digits
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case negative && (err != nil || n < lowest):
		c.fail("%s is below %d", digits, lowest)
	case err != nil || n > highest:
		c.fail("%s is above %d", digits, highest)
	default:
		return n
	}
	return 0
}

// digits reads a number and takes its sign off. 1e3 and 1.0 are whole numbers for a
// mathematician; in a configuration they are taken for a mistake, as encoding/json does.
func (c *cursor) digits() (digits string, negative bool) {
	t, ok := c.want('0')
	if !ok {
		return "", false
	}
	digits, negative = strings.CutPrefix(t.String(), "-")
	if strings.Trim(digits, "0123456789") != "" {
		c.fail("%s is not a whole number", t.String())
		return "", false
	}
	return digits, negative
}

// id reads the number of a user or a group. 4294967295 is (uid_t)-1: setresuid(2) and
// chown(2) take it for "leave this as it is".
func (c *cursor) id() uint32 {
	const most = 1<<32 - 1
	n := c.unsigned(most)
	if n == most {
		c.fail("%d is nobody's: the kernel takes it for \"no change\"", n)
	}
	return uint32(n)
}

// absolute reads a path that starts with a slash.
func (c *cursor) absolute() string {
	s := c.text()
	if c.err == nil && !strings.HasPrefix(s, "/") {
		c.fail("%q is not an absolute path", s)
	}
	return s
}
