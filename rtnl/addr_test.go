package rtnl

import (
	"net"
	"net/netip"
	"testing"
)

var addresses = []string{
	"0.0.0.0", "192.0.2.1", "255.255.255.255", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "+1.2.3.4", "1.2.3.", "",
	"::", "::1", "1::", "2001:db8::2", "fe80::1", "1:2:3:4:5:6:7:8", "1:0:0:4:0:0:0:8", "0:0:3:0:0:6:0:0", "1:0:3:0:5:0:7:0",
	"::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
	":1", "1:", ":::", "12345::", "g::", "fe80::1%eth0", "::1.2.3.4.5", "1.2.3.4::", "+1::", "1:2:3:4:5:6:7:1.2.3.4", "::00001", "2001:DB8::A",
}

func FuzzAddr(f *testing.F) {
	for _, s := range addresses {
		f.Add(s)
		f.Add(s + "/24")
		f.Add(s + "/064")
		f.Add(s + "/+8")
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		ok := err == nil && want.Zone() == ""
		got, err := ParseAddr(s)
		if (err == nil) != ok {
			t.Fatalf("%q: error %v, net/netip has %v", s, err, want)
		}
		if ok {
			if string(got) != string(want.AsSlice()) {
				t.Fatalf("%q is % x, want % x", s, got, want.AsSlice())
			}
			if text := want.String(); !want.Is4In6() && got.String() != text {
				t.Fatalf("%q is shown as %s, want %s", s, got, text)
			}
			if again, err := ParseAddr(got.String()); err != nil || string(again) != string(got) {
				t.Fatalf("%q is shown as %s, which is %v, %v", s, got, again, err)
			}
			if string(AddrOf(net.ParseIP(s))) != string(want.Unmap().AsSlice()) {
				t.Fatalf("%q as a net.IP is %v", s, AddrOf(net.ParseIP(s)))
			}
		}
		wantPrefix, err := netip.ParsePrefix(s)
		ok = err == nil
		p, err := ParsePrefix(s)
		if (err == nil) != ok {
			t.Fatalf("%q: error %v, net/netip has %v", s, err, wantPrefix)
		}
		if !ok {
			return
		}
		if n := p.network(); string(n.Addr) != string(wantPrefix.Masked().Addr().AsSlice()) || n.Bits != wantPrefix.Bits() {
			t.Fatalf("the network of %q is %s, want %s", s, n, wantPrefix.Masked())
		}
		for _, other := range addresses {
			if a, err := netip.ParseAddr(other); err == nil && a.Zone() == "" && p.Contains(AddrOf(a.AsSlice())) != wantPrefix.Contains(a.Unmap()) && !a.Is4In6() {
				t.Fatalf("%q contains %s: %v", s, other, p.Contains(AddrOf(a.AsSlice())))
			}
		}
	})
}
