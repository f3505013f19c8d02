package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// notRun begins the message of a test that skips because something is missing.
const notRun = "NOT RUN:"

// message is the first line of what a test logs, reports as an error or skips with, or of a panic.
var message = regexp.MustCompile(`^ +\w+\.go:\d+: |^panic: `)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// report turns events into the lines of a plain `go test`: the last line of a package that
// passed, and the output of failed tests.
type report struct {
	out      io.Writer
	packages map[string]*results
	missing  []string
	// faults are the messages of tests that failed or did not end. They are repeated at the end, because a test may
	// print a long log after its message.
	faults []string

	passed, failed, skipped int
}

type results struct {
	order []string
	tests map[string]*test
}

type test struct {
	output []string
	action string
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*results{}}
}

func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil {
				r.take(e)
			} else {
				fmt.Fprint(r.out, line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	if e.Action == "build-output" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	t := r.test(e.Package, e.Test)
	switch e.Action {
	case "output":
		t.output = append(t.output, e.Output)
	case "pass", "fail", "skip":
		t.action = e.Action
		if e.Test == "" {
			r.closePackage(e.Package)
			return
		}
		r.count(e, t)
	}
}

// test returns the results of a test, or with "" of the package itself.
func (r *report) test(pkg, name string) *test {
	p, ok := r.packages[pkg]
	if !ok {
		p = &results{tests: map[string]*test{}}
		r.packages[pkg] = p
	}
	t, ok := p.tests[name]
	if !ok {
		t = &test{}
		p.tests[name] = t
		p.order = append(p.order, name)
	}
	return t
}

func (r *report) count(e event, t *test) {
	switch e.Action {
	case "pass":
		r.passed++
		t.output = nil
	case "fail":
		r.failed++
	case "skip":
		r.skipped++
		for _, line := range t.output {
			if _, why, ok := strings.Cut(line, notRun); ok {
				r.missing = append(r.missing, fmt.Sprintf("%s %s (%s in %s)", notRun, strings.TrimSpace(why), e.Test, e.Package))
			}
		}
		t.output = nil
	}
}

// closePackage prints a failed package as go test does: the output of its tests that did not
// pass, then its own.
func (r *report) closePackage(pkg string) {
	p := r.packages[pkg]
	delete(r.packages, pkg)
	own := p.tests[""]
	if own.action != "fail" {
		if n := len(own.output); n > 0 {
			fmt.Fprint(r.out, own.output[n-1])
		}
		return
	}
	for _, name := range p.order {
		if t := p.tests[name]; name != "" && t.action != "pass" && t.action != "skip" {
			printTest(r.out, t)
			r.noteFaults(t, name+" in "+pkg)
		}
	}
	printTest(r.out, own)
	r.noteFaults(own, pkg)
}

func (r *report) noteFaults(t *test, place string) {
	for _, line := range t.output {
		if message.MatchString(line) {
			r.faults = append(r.faults, fmt.Sprintf("FAIL: %s (%s)", strings.TrimSpace(line), place))
		}
	}
}

func printTest(out io.Writer, t *test) {
	for _, line := range t.output {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(out, line)
		}
	}
}

func (r *report) close() {
	for pkg := range r.packages {
		r.test(pkg, "").action = "fail"
		r.closePackage(pkg)
	}
	fmt.Fprintf(r.out, "\n%d tests passed, %d failed, %d skipped.\n", r.passed, r.failed, r.skipped)
	for _, line := range r.faults {
		fmt.Fprintln(r.out, line)
	}
	for _, line := range r.missing {
		fmt.Fprintln(r.out, line)
	}
	if len(r.missing) > 0 {
		fmt.Fprintln(r.out, "GATEHOUSE_REQUIRE=<name>,… makes a missing program a failure.")
	}
}
