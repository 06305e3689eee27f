package main

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

const grace = 5 * time.Second

// guard runs a command until its own stdin ends, which it does however the bench ends. Should the guard itself be killed,
// the kernel kills the command.
func guard(command []string) error {
	// The death signal comes when the thread that started the command ends.
	runtime.LockOSThread()
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	child := exec.Command(command[0], command[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		child.Process.Signal(syscall.SIGTERM)
		time.Sleep(grace)
		child.Process.Kill()
	}()
	return child.Wait()
}
