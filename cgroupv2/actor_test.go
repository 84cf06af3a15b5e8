package cgroupv2

// actors are what processes of this test binary do in a group, by their stage.
var actors = map[string]func() error{}
