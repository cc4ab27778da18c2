//go:build !unix

package app

// descriptors is not known where a system has no such limit.
func descriptors() (n uint64, known bool) { return 0, false }
