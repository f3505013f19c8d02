// Command testrun is `go test`, plus a list at the end of the tests that were not run
// because this machine lacks what they need. Such tests skip with a message that
// begins with "NOT RUN:". Everything else is as with go test: its flags, its lines, its
// exit code.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
	}
	os.Exit(code)
}

func run(args []string, stdout, stderr io.Writer) (code int, err error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	r := newReport(stdout)
	readErr := r.read(events)
	err = cmd.Wait()
	r.close()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		// What go test has to say it has said.
		return max(1, exit.ExitCode()), nil
	case err != nil:
		return 1, err
	case readErr != nil:
		return 1, fmt.Errorf("reading what go test says: %w", readErr)
	}
	return 0, nil
}
