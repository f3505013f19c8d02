package conformance

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

type report struct {
	mu sync.Mutex
	// answers are by step and target.
	answers map[string]map[string]outcome
	// ended holds the step at which moto could not go on with a scene.
	ended map[string]step
}

func (r *report) add(target string, s step, got outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers == nil {
		r.answers = map[string]map[string]outcome{}
	}
	if r.answers[s.place()] == nil {
		r.answers[s.place()] = map[string]outcome{}
	}
	r.answers[s.place()][target] = got
}

func (r *report) lacks(sc scene, s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = map[string]step{}
	}
	r.ended[sc.service+sc.title] = s
}

var columns = []struct {
	title string
	width int
}{{"case", 40}, {"localaws", 36}, {"moto", 36}, {"why", 60}}

func (r *report) print(w io.Writer, scenes []scene) {
	asked, same, differing := map[string]int{}, map[string]int{}, 0
	for _, sc := range scenes {
		for _, s := range sc.steps {
			answers := r.answers[s.place()]
			for target, got := range answers {
				asked[target]++
				if got.same {
					same[target]++
				}
			}
			got, played := answers["moto"]
			if !played || got.same {
				continue
			}
			if differing == 0 {
				row(w, "case", "localaws", "moto", "why")
			}
			differing++
			row(w, sc.service+": "+s.does, answers["localaws"].shown, got.shown, r.why(sc, s))
		}
	}
	for _, target := range slices.Sorted(maps.Keys(asked)) {
		fmt.Fprintf(w, "%s: %d answers, of which %d match the tables.\n", target, asked[target], same[target])
	}
}

func (r *report) why(sc scene, s step) string {
	if end, ok := r.ended[sc.service+sc.title]; ok && end.place() == s.place() {
		return fmt.Sprintf("%s (The other steps of %q are not played.)", sc.moto, sc.title)
	}
	return s.moto
}

func row(w io.Writer, cells ...string) {
	wrapped := make([][]string, len(cells))
	lines := 0
	for i, cell := range cells {
		wrapped[i] = wrap(cell, columns[i].width)
		lines = max(lines, len(wrapped[i]))
	}
	for line := range lines {
		var b strings.Builder
		for i := range cells {
			text := ""
			if line < len(wrapped[i]) {
				text = wrapped[i][line]
			}
			b.WriteString(text + strings.Repeat(" ", columns[i].width-utf8.RuneCountInString(text)) + "  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	fmt.Fprintln(w)
}

// wrap keeps the first six lines.
func wrap(text string, width int) []string {
	const most = 6
	var lines []string
	line := []rune{}
	for _, word := range strings.Fields(text) {
		r := []rune(word)
		if len(line) > 0 && len(line)+1+len(r) > width {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		line = append(line, r...)
		for len(line) > width {
			lines, line = append(lines, string(line[:width])), line[width:]
		}
	}
	lines = append(lines, string(line))
	if len(lines) > most {
		lines = append(lines[:most-1], "…")
	}
	return lines
}

func (s step) place() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

func (w want) String() string {
	members := ""
	if w.members != nil {
		members = compact(w.members)
	}
	if w.code == "" {
		return members
	}
	text := fmt.Sprintf("%s %d", w.code, w.status)
	switch {
	case w.message != "":
		text += ": " + w.message
	case members != "":
		text += " " + members
	}
	return text
}
