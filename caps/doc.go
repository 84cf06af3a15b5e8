// Package caps says what a container's processes may do: the five capability sets
// and the securebits of capabilities(7).
//
// [ParseSets] reads a configuration, [Config.Grantable] fits it to what the host
// can give, and the Emit functions append the system calls that put it into effect
// to a program of package prog. Between them lies the change of user id, so there
// are three:
//
//	EmitBounding    while CAP_SETPCAP is still there
//	EmitKeep        just before setresuid
//	EmitSets        just after it
//
// [Config.AfterExec] is what the executed program has of it in the end.
package caps
