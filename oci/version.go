package oci

import (
	"strconv"
	"strings"
)

// Version is the release of the OCI runtime specification that this package follows.
const Version = "1.3.0"

// major and minor of Version.
const major, minor = 1, 3

// version reads ociVersion. A minor release only adds properties, so a newer one is
// read with what is known of it; a major one may change what a property means.
func (d *decoder) version() string {
	text := d.text()
	if d.err != nil {
		return ""
	}
	hasMajor, hasMinor, ok := semver(text)
	switch {
	case !ok:
		d.fail("%q is not a version such as %q", text, Version)
	case hasMajor != major:
		d.fail("%q is not a version 1.x", text)
	case hasMinor > minor:
		d.warn("what " + text + " has beyond " + Version + " is ignored")
	}
	return text
}

// before13 reports whether a version is older than 1.3. One that is none is the latest.
func before13(version string) bool {
	hasMajor, hasMinor, ok := semver(version)
	return ok && hasMajor == 1 && hasMinor < 3
}

// semver takes a semantic version apart, https://semver.org, release 2.0.0.
func semver(s string) (major, minor uint64, ok bool) {
	s, build, hasBuild := strings.Cut(s, "+")
	s, pre, hasPre := strings.Cut(s, "-")
	if hasBuild && !identifiers(build, false) || hasPre && !identifiers(pre, true) {
		return 0, 0, false
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return 0, 0, false
	}
	var n [3]uint64
	for i, p := range parts {
		var err error
		if n[i], err = strconv.ParseUint(p, 10, 32); err != nil || len(p) > 1 && p[0] == '0' {
			return 0, 0, false
		}
	}
	return n[0], n[1], true
}

// identifiers checks what stands behind the - or the + of a version: words between
// dots. Those of a pre-release that are numbers have no zero in front.
func identifiers(s string, pre bool) bool {
	for word := range strings.SplitSeq(s, ".") {
		if pre && len(word) > 1 && word[0] == '0' && isIndex(word) {
			return false
		}
		if word == "" || !isWord(strings.ReplaceAll(word, "-", "")+"0") || strings.Contains(word, "_") {
			return false
		}
	}
	return true
}
