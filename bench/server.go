package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// serveLocalAWS is what the other process does. It does not sync its file: it is
// not what is measured.
func serveLocalAWS(stdin io.Reader, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true})
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, server.Endpoint())
	_, err = io.Copy(io.Discard, stdin)
	return errors.Join(err, server.Close())
}

// startLocalAWS runs a local AWS in a process of its own, so that what it allocates
// is not counted as the transport's. It ends when stop is called, or with us.
func startLocalAWS() (endpoint string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-serve")
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting local AWS: %w", err)
	}
	stop = func() error { return errors.Join(hold.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("starting local AWS: %w", err), stop())
	}
	return strings.TrimSpace(line), stop, nil
}
