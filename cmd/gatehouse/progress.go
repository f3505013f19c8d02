package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// progress tells how far work has come: in one line that changes on a terminal, otherwise in a line
// for every tenth.
type progress struct {
	to       io.Writer
	terminal bool
	label    string
	said     int
	width    int
}

func newProgress(to *os.File) *progress {
	return &progress{to: to, terminal: term.IsTerminal(int(to.Fd()))}
}

const barWidth = 30

// bar shows done of total things.
func (p *progress) bar(label string, done, total int) {
	tenth := 10
	if total > 0 {
		tenth = done * 10 / total
	}
	if p.terminal {
		full := tenth * barWidth / 10
		if total > 0 {
			full = done * barWidth / total
		}
		p.overwrite(fmt.Sprintf("%s [%s%s] %d of %d", label, strings.Repeat("#", full), strings.Repeat(" ", barWidth-full), done, total))
		return
	}
	if label == p.label && tenth == p.said {
		return
	}
	p.label, p.said = label, tenth
	fmt.Fprintf(p.to, "%s: %d of %d\n", label, done, total)
}

const linesEvery = 1000

// count shows done things of an unknown total.
func (p *progress) count(label string, done int) {
	if p.terminal {
		p.overwrite(fmt.Sprintf("%s: %d", label, done))
		return
	}
	if label == p.label && done/linesEvery == p.said {
		return
	}
	p.label, p.said = label, done/linesEvery
	fmt.Fprintf(p.to, "%s: %d\n", label, done)
}

func (p *progress) overwrite(text string) {
	fmt.Fprintf(p.to, "\r%-*s", p.width, text)
	p.width = len(text)
}

// end ends the line on a terminal.
func (p *progress) end() {
	if p.terminal && p.width > 0 {
		fmt.Fprintf(p.to, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}
