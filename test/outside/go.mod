// A module of somebody else's that imports packages of this one, each alone. Its
// programs are built and run by the tests of the directory above.
module example.org/outside

go 1.26.0

require (
	github.com/selfcontain/runtime v0.0.0
	golang.org/x/sys v0.49.0
)

replace github.com/selfcontain/runtime => ../..
