package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// aptSource is an apt state of our own (lists, archives, sources, an empty
// status of installed packages) below the cache directory. It serves any
// architecture without dpkg --add-architecture.
type aptSource struct {
	dir, arch     string
	mirror, suite string
	logf          func(string, ...any)
	updated       bool
}

// command returns an apt command that works on this state.
func (a *aptSource) command(name string, args ...string) *exec.Cmd {
	settings := []string{
		"Dir::State=" + a.dir,
		"Dir::State::Lists=" + a.dir + "/lists",
		"Dir::State::status=" + a.dir + "/status",
		"Dir::Cache=" + a.dir + "/cache",
		"Dir::Etc::SourceList=" + a.dir + "/sources.list",
		"Dir::Etc::SourceParts=" + a.dir + "/parts",
		"Dir::Etc::Preferences=" + a.dir + "/preferences",
		"Dir::Etc::PreferencesParts=" + a.dir + "/parts",
		"APT::Architecture=" + a.arch,
		"APT::Architectures=" + a.arch,
		"APT::Architectures::=" + a.arch,
		"APT::Install-Recommends=false",
		"APT::Sandbox::User=", // or root's apt could not read a cache below a closed home
		"Acquire::Languages=none",
		"Debug::NoLocking=1", // the lock of the cache directory is held
	}
	var all []string
	for _, s := range settings {
		all = append(all, "-o", s)
	}
	c := exec.Command(name, append(all, args...)...)
	c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	c.Stderr = os.Stderr
	return c
}

const archiveKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// update makes the state and downloads the lists, once a run.
func (a *aptSource) update() error {
	if a.updated {
		return nil
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial", "parts"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	if a.mirror == "" {
		m, err := hostMirror()
		if err != nil {
			return err
		}
		a.mirror = m
	}
	sources := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", archiveKeys, a.mirror, a.suite)
	if a.suite != "sid" && a.suite != "unstable" && strings.HasSuffix(a.mirror, "/debian") {
		sources += fmt.Sprintf("deb [signed-by=%s] %s-security %s-security main\n", archiveKeys, a.mirror, a.suite)
	}
	if err := os.WriteFile(a.dir+"/sources.list", []byte(sources), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(a.dir+"/status", nil, 0o644); err != nil {
		return err
	}
	a.logf("apt-get update (%s, %s)", a.arch, a.suite)
	if err := a.command("apt-get", "-qq", "update").Run(); err != nil {
		return fmt.Errorf("apt-get update: %w", err)
	}
	a.updated = true
	return nil
}

// hostMirror is the Debian mirror that this machine's own apt is set up with.
func hostMirror() (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for uri := range strings.FieldsSeq(string(out)) {
		if uri = strings.TrimSuffix(uri, "/"); strings.HasSuffix(uri, "/debian") {
			return uri, nil
		}
	}
	return "", errors.New("this machine's apt names no Debian mirror: give one with -mirror")
}

var imageDepends = regexp.MustCompile(`(?m)^Depends:.*?\b(linux-image-[0-9][^ ,]*)`)

// latestKernel returns the package that a metapackage such as
// linux-image-cloud-amd64 depends on.
func (a *aptSource) latestKernel(meta string) (string, error) {
	if err := a.update(); err != nil {
		return "", err
	}
	out, err := a.command("apt-cache", "--no-all-versions", "show", meta).Output()
	if err != nil {
		return "", fmt.Errorf("apt-cache show %s: %w", meta, err)
	}
	m := imageDepends.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%s depends on no linux-image package", meta)
	}
	return string(m[1]), nil
}

// unpack downloads a package, with its dependencies if asked to, and unpacks
// what came into dest, which appears only when it is complete. No maintainer
// script runs.
func (a *aptSource) unpack(pkg, dest string, dependencies bool) error {
	if err := a.update(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dest), ".download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	c := a.command("apt-get", "-qq", "download", pkg)
	if dependencies {
		// With an empty status, what is to be installed is all it needs.
		c = a.command("apt-get", "-qq", "-y", "-o", "Dir::Cache::archives="+tmp, "--download-only", "install", pkg)
	}
	c.Dir = tmp
	if err := os.Mkdir(filepath.Join(tmp, "partial"), 0o755); err != nil {
		return err
	}
	if err := c.Run(); err != nil {
		return fmt.Errorf("download %s: %w", pkg, err)
	}
	debs, err := filepath.Glob(tmp + "/*.deb")
	if err != nil || len(debs) == 0 {
		return errors.Join(err, fmt.Errorf("download %s: nothing came", pkg))
	}
	tree := filepath.Join(tmp, "tree")
	for _, deb := range debs {
		a.logf("downloaded %s", filepath.Base(deb))
		if out, err := exec.Command("dpkg-deb", "-x", deb, tree).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg-deb -x %s: %w: %s", deb, err, out)
		}
	}
	return os.Rename(tree, dest)
}
