// Package docs_test holds the pages of this folder to the code.
package docs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the package graph into architecture.md")

const (
	module     = "github.com/gatehouse-portal/gatehouse/"
	graphBegin = "<!-- package graph: written by make graph -->\n"
	graphEnd   = "<!-- end of package graph -->\n"
)

func TestArchitectureShowsThePackagesAsTheyImportEachOther(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), graphBegin)
	shown, after, ok2 := strings.Cut(rest, graphEnd)
	if !ok || !ok2 {
		t.Fatalf("architecture.md has no place for the package graph, between\n%s%s", graphBegin, graphEnd)
	}
	want := draw(reduce(imports(t)))
	if shown == want {
		return
	}
	if !*update {
		t.Fatalf("the package graph in architecture.md is out of date; run make graph. It should be:\n%s", want)
	}
	if err := os.WriteFile("architecture.md", []byte(before+graphBegin+want+graphEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAnImportThatFollowsFromOthersIsNotDrawn(t *testing.T) {
	t.Parallel()
	got := reduce(map[string][]string{"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": nil})
	want := map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": nil}
	if draw(got) != draw(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// imports lists what the packages that commands are built from import of this module. The
// packages below localaws count as one.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "../cmd/...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	graph := map[string][]string{}
	for packages := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := packages.Decode(&p); err == io.EOF {
			return graph
		} else if err != nil {
			t.Fatal(err)
		}
		name, ours := node(p.ImportPath)
		if !ours {
			continue
		}
		graph[name] = append(graph[name], []string{}...)
		for _, path := range p.Imports {
			if imported, ours := node(path); ours && imported != name && !slices.Contains(graph[name], imported) {
				graph[name] = append(graph[name], imported)
			}
		}
	}
}

func node(path string) (name string, ours bool) {
	name, ours = strings.CutPrefix(path, module)
	if strings.HasPrefix(name, "localaws/") {
		name = "localaws"
	}
	return name, ours
}

// reduce leaves out every import that follows from others: if a imports b and b imports c, an
// import of c by a is not drawn.
func reduce(graph map[string][]string) map[string][]string {
	reached := map[string]map[string]bool{}
	var reach func(string) map[string]bool
	reach = func(from string) map[string]bool {
		if reached[from] == nil {
			reached[from] = map[string]bool{}
			for _, to := range graph[from] {
				reached[from][to] = true
				maps.Copy(reached[from], reach(to))
			}
		}
		return reached[from]
	}
	reduced := map[string][]string{}
	for from, all := range graph {
		reduced[from] = slices.DeleteFunc(slices.Clone(all), func(to string) bool {
			return slices.ContainsFunc(all, func(over string) bool { return reach(over)[to] })
		})
	}
	return reduced
}

// draw is the graph as a Mermaid flowchart, which GitHub and GitLab draw.
func draw(graph map[string][]string) string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, from := range slices.Sorted(maps.Keys(graph)) {
		if to := slices.Sorted(slices.Values(graph[from])); len(to) > 0 {
			fmt.Fprintf(&b, "    %s --> %s\n", from, strings.Join(to, " & "))
		}
	}
	b.WriteString("```\n")
	return b.String()
}
