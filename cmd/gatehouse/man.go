package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-portal/gatehouse/app"
)

type manCommand struct{}

func (manCommand) Help() string {
	return `The page is made from the same texts as --help. To install it:

  gatehouse man > /usr/local/share/man/man1/gatehouse.1`
}

// Run prints a manual page in the man macros of roff.
func (manCommand) Run(k *kong.Context) error {
	_, err := os.Stdout.Write(manual(k.Model))
	return err
}

func manual(model *kong.Application) []byte {
	var page roff
	title := strings.ToUpper(model.Name)
	page.line(".TH %s 1 %q %q %q", title, "", model.Name+" "+app.Build(), "Gatehouse")
	page.section("NAME", model.Name+` \- a developer portal for Amazon API Gateway`)
	page.section("SYNOPSIS", `\fB`+model.Name+`\fR \fIcommand\fR [\fIflags\fR]`)
	page.line(".SH DESCRIPTION")
	page.text(description)
	page.line(".SH COMMANDS")
	for _, command := range model.Leaves(true) {
		page.command(command)
	}
	page.line(".SH FILES")
	page.text("docs/configuration.md lists the environment variables, and docs/runbook.md says what to do when something is wrong.")
	return page.Bytes()
}

type roff struct{ bytes.Buffer }

func (p *roff) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// section takes text that may have font escapes.
func (p *roff) section(title, text string) {
	p.line(".SH %s", title)
	p.line("%s", text)
}

// text prints paragraphs; indented lines keep their breaks.
func (p *roff) text(text string) {
	literal := false
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !literal:
			p.line(".nf")
		case !indented && literal:
			p.line(".fi")
		}
		literal = indented
		if strings.TrimSpace(line) == "" {
			p.line(".PP")
			continue
		}
		p.line("%s", escaped(line))
	}
	if literal {
		p.line(".fi")
	}
}

func (p *roff) command(node *kong.Node) {
	p.line(".SS %s", escaped(node.Summary()))
	p.text(node.Help)
	if node.Detail != "" {
		p.line(".PP")
		p.text(node.Detail)
	}
	for _, argument := range node.Positional {
		p.entry(argument.Summary(), argument.Help)
	}
	for _, flags := range node.AllFlags(true) {
		for _, flag := range flags {
			if flag.Name != "help" && flag.Name != "version" {
				p.entry(flag.String(), flag.Help)
			}
		}
	}
	for _, e := range examples[nameOf(node)] {
		p.line(".PP")
		p.text("Example: " + e.does)
		p.text("  " + processName + " " + e.line)
	}
}

func (p *roff) entry(name, help string) {
	p.line(".TP")
	p.line(`\fB%s\fR`, escaped(name))
	p.text(help)
}

// escaped returns text so that roff prints it unchanged. A backslash would begin an escape, a period or an
// apostrophe at the start of a line would be a request, and a plain hyphen may become another character.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	var ascii strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			ascii.WriteRune(r)
		} else {
			fmt.Fprintf(&ascii, `\[u%04X]`, r)
		}
	}
	return ascii.String()
}
