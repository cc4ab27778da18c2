//go:build unix

package app

import "syscall"

// descriptors is how many files this process may open. Go has raised it to what the system allows.
func descriptors() (n uint64, known bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), err == nil
}
