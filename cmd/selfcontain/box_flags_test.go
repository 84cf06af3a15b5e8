package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/caps"
)

func TestParseBind(t *testing.T) {
	for _, row := range []struct {
		text, source, destination string
		options                   string // besides those that every bind has
		wrong                     string
	}{
		{"/a", "/a", "/a", "", ""},
		{"/a:/b", "/a", "/b", "", ""},
		{"/a:ro", "/a", "/a", "rro", ""},
		{"/a:/b:ro", "/a", "/b", "rro", ""},
		{"/a:/b:rw", "/a", "/b", "", ""},
		{"a", "/here/a", "/here/a", "", ""},
		{"../a:/b", "/a", "/b", "", ""},
		{".", "/here", "/here", "", ""},
		{"/a/../b//c", "/b/c", "/b/c", "", ""},
		{"", "", "", "", "--bind : want SRC[:DST][:ro]"},
		{":/b", "", "", "", "--bind :/b: want SRC[:DST][:ro]"},
		{"/a:/b:/c", "", "", "", "--bind /a:/b:/c: want SRC[:DST][:ro]"},
		{"/a:b", "", "", "", `--bind /a:b: "b": want ro or rw, or a place inside that begins with /`},
		{"/a:/b:", "", "", "", `--bind /a:/b:: "": want ro or rw, or a place inside that begins with /`},
		{"/:/", "", "", "", "--bind /:/: / cannot be covered: that is what --rootfs is for"},
	} {
		m, err := parseBind(row.text, "/here")
		if row.wrong != "" {
			if err == nil || err.Error() != row.wrong {
				t.Errorf("%q: %v\nwant %s", row.text, err, row.wrong)
			}
			continue
		}
		want := "rbind rprivate"
		if row.options != "" {
			want += " " + row.options
		}
		if err != nil || m.Source != row.source || m.Destination != row.destination || strings.Join(m.Options, " ") != want {
			t.Errorf("%q: %+v, %v", row.text, m, err)
		}
	}
}

func TestParseTmpfs(t *testing.T) {
	for _, row := range []struct{ text, destination, options, wrong string }{
		{"/a", "/a", "nosuid nodev mode=1777", ""},
		{"/a/:size=1m,mode=700", "/a", "nosuid nodev size=1m mode=700", ""},
		{"a", "", "", "--tmpfs a: want PATH[:OPTIONS], with a PATH that begins with / and is not /"},
		{"/", "", "", "--tmpfs /: want PATH[:OPTIONS], with a PATH that begins with / and is not /"},
		{":size=1m", "", "", "--tmpfs :size=1m: want PATH[:OPTIONS], with a PATH that begins with / and is not /"},
	} {
		m, err := parseTmpfs(row.text)
		if row.wrong != "" {
			if err == nil || err.Error() != row.wrong {
				t.Errorf("%q: %v\nwant %s", row.text, err, row.wrong)
			}
		} else if err != nil || m.Destination != row.destination || strings.Join(m.Options, " ") != row.options {
			t.Errorf("%q: %+v, %v", row.text, m, err)
		}
	}
}

func TestCapabilities(t *testing.T) {
	const last = caps.CHECKPOINT_RESTORE
	docker := caps.Of(dockers[:]...)
	if n := len(docker.List()); n != 14 {
		t.Fatalf("docker's capabilities are %d", n)
	}
	for _, row := range []struct {
		add, drop []string
		want      caps.Set
		wrong     string
	}{
		{nil, nil, docker, ""},
		{[]string{"SYS_ADMIN"}, nil, docker | caps.Of(caps.SYS_ADMIN), ""},
		{[]string{"cap_sys_admin,net_admin"}, nil, docker | caps.Of(caps.SYS_ADMIN, caps.NET_ADMIN), ""},
		{nil, []string{"MKNOD", "CAP_KILL"}, docker &^ caps.Of(caps.MKNOD, caps.KILL), ""},
		{[]string{"ALL"}, nil, caps.UpTo(last), ""},
		{[]string{"all"}, []string{"MKNOD"}, caps.UpTo(last) &^ caps.Of(caps.MKNOD), ""},
		{nil, []string{"ALL"}, 0, ""},
		{[]string{"KILL"}, []string{"ALL"}, caps.Of(caps.KILL), ""},
		{[]string{"KILL"}, []string{"KILL"}, docker &^ caps.Of(caps.KILL), ""},
		{[]string{"ALL"}, []string{"ALL"}, 0, "--cap-add ALL and --cap-drop ALL: only one of them is possible"},
		{[]string{"FLY"}, nil, 0, `--cap-add: "FLY" is not a capability`},
		{nil, []string{"KILL,"}, 0, `--cap-drop: "" is not a capability`},
	} {
		got, err := capabilities(row.add, row.drop, last)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != row.want || text != row.wrong {
			t.Errorf("add %q drop %q: %v, %v\nwant %v %s", row.add, row.drop, got, err, row.want, row.wrong)
		}
	}
}

func TestEnvironment(t *testing.T) {
	callers := []string{"SECRET=1", "PATH=/opt/bin:/usr/bin", "HOME=/home/a", "TERM=xterm", "EMPTY="}
	const usual = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, row := range []struct {
		about  string
		asked  []string
		rootfs bool
		home   string
		want   []string
	}{
		{"the machine's own files", nil, false, "", []string{"PATH=/opt/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin", "HOME=/home/a", "TERM=xterm"}},
		{"another root", nil, true, "", []string{usual, "HOME=/root", "TERM=xterm"}},
		{"asked for", []string{"A=b=c", "HOME=/x", "SECRET", "EMPTY", "NONE"}, true, "/home/b", []string{usual, "TERM=xterm", "A=b=c", "HOME=/x", "SECRET=1", "EMPTY="}},
		{"twice", []string{"A=1", "A=2"}, true, "", []string{usual, "HOME=/root", "TERM=xterm", "A=2"}},
		{"another user", nil, false, "/home/b", []string{"PATH=/opt/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin", "HOME=/home/b", "TERM=xterm"}},
	} {
		got := environment(row.asked, callers, row.rootfs, row.home)
		slices.Sort(got)
		slices.Sort(row.want)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q\nwant %q", row.about, got, row.want)
		}
	}
}
