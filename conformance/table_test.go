package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type scene struct {
	service, title string
	// moto is why moto cannot play the scene, and real why a real account should not.
	moto, real string
	steps      []step
}

type step struct {
	file       string
	line       int
	does       string
	eventually bool
	service    string
	operation  string
	input      any
	want       want
	// moto is why moto answers otherwise, or "".
	moto string
}

// want is an answer in a table: members of the output, or an error.
type want struct {
	// code is empty for a success.
	code    string
	status  int
	message string
	members any
}

func readTables(t testing.TB) []scene {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the tables: %v, %d files", err, len(files))
	}
	var scenes []scene
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read, err := parse(filepath.Base(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		scenes = append(scenes, read...)
	}
	return scenes
}

type parser struct {
	file    string
	service string
	line    int
	scenes  []scene
}

func parse(file, text string) ([]scene, error) {
	p := parser{file: file, service: strings.TrimSuffix(file, ".txt")}
	var item string // may span several lines
	begun := 0
	flush := func() error {
		defer func() { item = "" }()
		if item == "" {
			return nil
		}
		p.line = begun
		if err := p.item(item); err != nil {
			return fmt.Errorf("%s:%d: %w", file, begun, err)
		}
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		rest, deeper := strings.CutPrefix(line, "     ")
		switch {
		case deeper && item != "":
			item += " " + strings.TrimSpace(rest)
			continue
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			line = ""
		}
		if err := flush(); err != nil {
			return nil, err
		}
		item, begun = line, i+1
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return p.scenes, p.check()
}

func (p *parser) item(item string) error {
	if title, ok := strings.CutPrefix(item, "== "); ok {
		p.scenes = append(p.scenes, scene{service: p.service, title: title})
		return nil
	}
	if len(p.scenes) == 0 {
		return fmt.Errorf("a step before the first title")
	}
	sc := &p.scenes[len(p.scenes)-1]
	text, below := strings.CutPrefix(item, "    ")
	if !below {
		sc.steps = append(sc.steps, step{file: p.file, line: p.line, does: item})
		return nil
	}
	if len(sc.steps) == 0 {
		return sc.remark(text)
	}
	return sc.steps[len(sc.steps)-1].add(text, p.service)
}

func (sc *scene) remark(text string) error {
	kind, why, _ := strings.Cut(text, ": ")
	switch kind {
	case "moto":
		sc.moto = why
	case "real":
		sc.real = why
	default:
		return fmt.Errorf("%q is not about a scene", text)
	}
	return nil
}

func (s *step) add(text, service string) (err error) {
	if why, ok := strings.CutPrefix(text, "moto: "); ok {
		s.moto = why
		return nil
	}
	if answer, ok := strings.CutPrefix(text, "-> "); ok {
		s.want, err = parseWant(answer)
		return err
	}
	if s.operation != "" {
		return fmt.Errorf("%q has two calls", s.does)
	}
	text, s.eventually = strings.CutPrefix(text, "eventually ")
	name, input, _ := strings.Cut(text, " ")
	s.service, s.operation, _ = strings.Cut(name, ":")
	if s.operation == "" {
		s.service, s.operation = service, name
	}
	return unmarshal(input, &s.input)
}

var errorForm = regexp.MustCompile(`^(\S+) (\d{3})(?:: (.+)| (\{.+))?$`)

func parseWant(text string) (w want, err error) {
	if strings.HasPrefix(text, "{") {
		return w, unmarshal(text, &w.members)
	}
	parts := errorForm.FindStringSubmatch(text)
	if parts == nil {
		return w, fmt.Errorf("%q is not an answer", text)
	}
	w.code, w.message = parts[1], parts[3]
	w.status, _ = strconv.Atoi(parts[2])
	if parts[4] != "" {
		err = unmarshal(parts[4], &w.members)
	}
	return w, err
}

func unmarshal(text string, v *any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("%w in %s", err, text)
	}
	return nil
}

// check finds missing parts and repeated sentences.
func (p *parser) check() error {
	var titles, sentences []string
	for _, sc := range p.scenes {
		if slices.Contains(titles, sc.title) {
			return fmt.Errorf("%s: two scenes are called %q", p.file, sc.title)
		}
		titles = append(titles, sc.title)
		for _, s := range sc.steps {
			switch {
			case s.operation == "" || s.want.code == "" && s.want.members == nil:
				return fmt.Errorf("%s:%d: %q has no call or no answer", p.file, s.line, s.does)
			case slices.Contains(sentences, sc.title+s.does):
				return fmt.Errorf("%s:%d: %q twice in one scene", p.file, s.line, s.does)
			}
			sentences = append(sentences, sc.title+s.does)
		}
	}
	return nil
}
