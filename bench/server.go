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

// serveLocalAWS serves until stdin ends. It does not sync its file, which would only slow down
// the clients.
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

// startLocalAWS starts another process, so that its allocations do not count as the
// transport's. It ends with stop or with this process.
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
