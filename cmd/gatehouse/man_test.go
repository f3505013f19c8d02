package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each command has an example that the parser takes, and there are no examples of other commands.
func TestEveryCommandHasAnExampleThatParses(t *testing.T) {
	t.Parallel()
	shell := regexp.MustCompile(` [|<>].*$`)
	quoted := regexp.MustCompile(`'[^']*'`)
	left := map[string]bool{}
	for name := range examples {
		left[name] = true
	}
	parser := newParser(context.Background(), io.Discard, io.Discard)
	for _, leaf := range parser.Model.Leaves(true) {
		name := nameOf(leaf)
		if len(examples[name]) == 0 {
			t.Errorf("%s has no example", name)
		}
		delete(left, name)
		for _, e := range examples[name] {
			args := strings.Fields(quoted.ReplaceAllString(shell.ReplaceAllString(e.line, ""), "text"))
			parsed, err := newParser(context.Background(), io.Discard, io.Discard).Parse(args)
			if err != nil {
				t.Errorf("gatehouse %s: %v", e.line, err)
				continue
			}
			if got := nameOf(parsed.Selected()); got != name {
				t.Errorf("the example %q of %s runs %s", e.line, name, got)
			}
		}
	}
	for name := range left {
		t.Errorf("there are examples of %s, which is no command", name)
	}
}

// The page has every command with its flags and examples.
func TestTheManualHasWhatHelpHas(t *testing.T) {
	t.Parallel()
	code, page, errs := said(t, nil, "man")
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, %q", code, errs)
	}
	parser := newParser(context.Background(), io.Discard, io.Discard)
	for _, leaf := range parser.Model.Leaves(true) {
		wants := []string{".SS " + escaped(leaf.Summary())}
		for _, flag := range leaf.Flags {
			if !flag.Hidden && flag.Name != "help" && flag.Name != "version" {
				wants = append(wants, escaped("--"+flag.Name))
			}
		}
		for _, e := range examples[nameOf(leaf)] {
			wants = append(wants, escaped("  gatehouse "+e.line))
		}
		_, section, _ := strings.Cut(page, wants[0]+"\n")
		section, _, _ = strings.Cut(section, "\n.SS ")
		for _, want := range wants[1:] {
			if !strings.Contains(section, want) {
				t.Errorf("the manual's part on %s lacks %q", nameOf(leaf), want)
			}
		}
	}
}

func TestRoffReadsTheManual(t *testing.T) {
	t.Parallel()
	groff, err := exec.LookPath("groff")
	switch {
	case err == nil:
	case slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "groff"):
		t.Fatal("groff is not installed, and GATEHOUSE_REQUIRE lists it")
	default:
		t.Skip("NOT RUN: groff is not installed")
	}
	cmd := exec.Command(groff, "-man", "-ww", "-z", "-Tutf8")
	cmd.Stdin = bytes.NewReader(manual(newParser(context.Background(), io.Discard, io.Discard).Model))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff says %v: %s", err, out)
	}
}

func TestTextIsEscapedForRoff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		".gatehouse": `\&.gatehouse`,
		"'quoted'":   `\&'quoted'`,
		`a\b --all`:  `a\eb \-\-all`,
		"l-…":        `l\-\[u2026]`,
	} {
		if got := escaped(text); got != want {
			t.Errorf("%q is escaped as %q, want %q", text, got, want)
		}
	}
}
