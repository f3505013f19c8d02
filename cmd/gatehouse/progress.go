package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// lineEvery is how often a progress bar prints a line where there is no terminal.
const lineEvery = 5 * time.Second

// progressBar shows how far a long command has come: as a bar in a terminal, elsewhere as a line now
// and then. It is safe for concurrent use.
type progressBar struct {
	mu sync.Mutex

	to       io.Writer
	terminal bool
	verb     string
	of       int
	now      func() time.Time

	began, told time.Time
	open        bool
}

func newProgressBar(to io.Writer, verb string, of int) *progressBar {
	file, ok := to.(*os.File)
	bar := &progressBar{to: to, terminal: ok && term.IsTerminal(int(file.Fd())), verb: verb, of: of, now: time.Now}
	bar.began = bar.now()
	bar.told = bar.began
	return bar
}

// begin starts the next part of the work. of is 0 if the number is not known.
func (b *progressBar) begin(verb string, of int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.verb != verb || b.of != of {
		b.verb, b.of, b.began = verb, of, b.now()
		b.told = b.began
	}
}

// tell shows how many are done.
func (b *progressBar) tell(done int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, over := b.now(), b.of > 0 && done >= b.of
	switch {
	case b.terminal:
		if b.open && !over && now.Sub(b.told) < 100*time.Millisecond {
			return
		}
		fmt.Fprintf(b.to, "\r\x1b[K%s%s", barOf(done, b.of), b.text(done, now))
		b.open = true
	case !over && now.Sub(b.told) < lineEvery:
		return
	case over && b.told.Equal(b.began):
		return // it was over before the first line
	default:
		fmt.Fprintln(b.to, b.text(done, now))
	}
	b.told = now
}

// end moves the cursor to the line below the bar.
func (b *progressBar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		fmt.Fprintln(b.to)
		b.open = false
	}
}

func (b *progressBar) text(done int, now time.Time) string {
	if b.of == 0 {
		return fmt.Sprintf("%s %d", b.verb, done)
	}
	text := fmt.Sprintf("%s %d of %d", b.verb, done, b.of)
	if took := now.Sub(b.began); done > 0 && done < b.of && took > time.Second {
		left := time.Duration(float64(took) / float64(done) * float64(b.of-done))
		text += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	return text
}

const barWidth = 30

func barOf(done, of int) string {
	if of == 0 {
		return ""
	}
	full := min(barWidth*done/of, barWidth)
	return "[" + strings.Repeat("#", full) + strings.Repeat(" ", barWidth-full) + "] "
}
