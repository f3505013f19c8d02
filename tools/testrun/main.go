// Command testrun is `go test` with two lists at the end: the messages of failed tests, and the
// tests that were not run because this machine lacks something. Those skip with a message that
// begins with "NOT RUN:". Flags, output and exit code are those of go test.
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
	if os.Getenv("GOGC") == "" {
		// Processes of tests are short-lived: memory costs them less than garbage collection. Beyond GOMEMLIMIT, which
		// is for each process, memory is collected as usual.
		cmd.Env = append(os.Environ(), "GOGC=800", "GOMEMLIMIT=1GiB")
	}
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
		// go test has already printed why.
		return max(1, exit.ExitCode()), nil
	case err != nil:
		return 1, err
	case readErr != nil:
		return 1, fmt.Errorf("reading the output of go test: %w", readErr)
	}
	return 0, nil
}
