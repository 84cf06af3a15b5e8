// Package clone describes the birth of a process: which namespaces are made with
// it and which are joined, the arguments of clone3(2), and the id maps of a user
// namespace.
//
// It is data and says nothing that needs privilege; package nsexec makes the call.
package clone
