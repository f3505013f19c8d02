package folder

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxYAMLDepth = 20
	maxYAMLNodes = 20_000
)

// mapping is a parsed YAML file. Value has only maps, lists, strings, booleans and nil: numbers
// and dates are strings as written.
type mapping struct {
	value map[string]any
	// lines has the line of each value and key, by path.
	lines map[string]int
}

// line returns the line of the value at a path, else of the innermost value around it.
func (m mapping) line(path ...string) int {
	for n := len(path); n > 0; n-- {
		if line, ok := m.lines[pathKey(path[:n])]; ok {
			return line
		}
	}
	return 1
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// parseYAML reads one YAML mapping. It refuses what makes YAML dangerous or hard to report on by
// line: anchors and aliases, tags, keys that are not plain, duplicate keys and several documents.
func parseYAML(text string) (mapping, []fault) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF):
		return mapping{}, []fault{faultf(0, "The file is empty. Write at least a name and a list of apis or plans.")}
	case err != nil:
		return mapping{}, []fault{explainYAML(text, err)}
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return mapping{}, []fault{explainYAML(text, err)}
		}
		return mapping{}, []fault{faultf(second.Line, "A second YAML document begins here. Keep one, and remove the line \"---\".")}
	}
	m := mapping{lines: map[string]int{}}
	w := &yamlWalk{lines: m.lines}
	root := document.Content[0]
	value := w.walk(root, nil, 0)
	if len(w.faults) > 0 {
		return mapping{}, slices.Compact(w.faults)
	}
	var ok bool
	if m.value, ok = value.(map[string]any); !ok {
		return mapping{}, []fault{faultf(root.Line, "The file must consist of keys and values, such as \"name: Harbour Tides\".")}
	}
	return m, nil
}

type yamlWalk struct {
	lines  map[string]int
	nodes  int
	faults []fault
}

func (w *yamlWalk) fail(line int, format string, args ...any) any {
	w.faults = append(w.faults, faultf(line, format, args...))
	return nil
}

func (w *yamlWalk) walk(n *yaml.Node, path []string, depth int) any {
	w.nodes++
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return w.fail(n.Line, "Gatehouse does not read YAML anchors (&name) and aliases (*name). Write the value out, or put it in quotes.")
	case w.nodes > maxYAMLNodes:
		if w.nodes == maxYAMLNodes+1 {
			w.fail(n.Line, "The file has more than %d values. Shorten it.", maxYAMLNodes)
		}
		return nil
	case depth > maxYAMLDepth:
		return w.fail(n.Line, "The values are nested more than %d levels deep here. Check the indentation.", maxYAMLDepth)
	case n.Style&yaml.TaggedStyle != 0:
		return w.fail(n.Line, "Gatehouse does not read YAML tags (%s). Remove the tag, or put the value in quotes.", clip(n.Tag))
	}
	switch n.Kind {
	case yaml.MappingNode:
		return w.walkMapping(n, path, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			at := child(path, strconv.Itoa(i))
			w.lines[pathKey(at)] = item.Line
			list[i] = w.walk(item, at, depth+1)
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	if at := strings.IndexFunc(n.Value, isControl); at >= 0 {
		return w.fail(n.Line, "This value has an escaped control character (U+%04X). Remove it.", n.Value[at])
	}
	return n.Value
}

func (w *yamlWalk) walkMapping(n *yaml.Node, path []string, depth int) any {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			w.fail(key.Line, "A key must be plain text. Check the indentation, and put values that begin with [, {, & or * in quotes.")
			continue
		}
		at := child(path, key.Value)
		if _, twice := object[key.Value]; twice {
			w.fail(key.Line, "The key %s is also in line %d. Remove one of them.", clip(key.Value), w.lines[pathKey(at)])
			continue
		}
		w.lines[pathKey(at)] = key.Line
		object[key.Value] = w.walk(value, at, depth+1)
	}
	return object
}

// child returns the path of a member, in memory of its own.
func child(path []string, name string) []string {
	return append(path[:len(path):len(path)], name)
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func explainYAML(text string, err error) fault {
	line, complaint := 1, err.Error() // the parser names no line for the first
	if match := yamlLine.FindStringSubmatch(complaint); match != nil {
		line, _ = strconv.Atoi(match[1])
		complaint = match[2]
	}
	if tab := tabLine(text); tab > 0 {
		return faultf(tab, "This line is indented with a tab, which YAML does not allow. Use spaces.")
	}
	has := func(part string) bool { return strings.Contains(complaint, part) }
	switch {
	case has("mapping values are not allowed"):
		return faultf(line, "A colon followed by a blank is not allowed here. Put the value in quotes, or correct the indentation.")
	case has("could not find expected ':'"):
		return faultf(line, "A key without a colon is here or in the line before. Write \"key: value\", with a blank after the colon.")
	case has("unknown anchor"):
		return faultf(line, "A value that begins with * is an alias, which Gatehouse does not read. Put the value in quotes.")
	case has("unknown escape character"):
		return faultf(line, "A backslash in double quotes begins an escape that YAML does not know. Use single quotes, or write \\\\.")
	case has("unexpected end of stream"), has("unexpected document indicator"):
		return faultf(line, "A quotation mark is opened here or before, and never closed. Close it.")
	case has("expected ',' or ']'"):
		return faultf(line, "A list that began with [ is not closed. Separate its values with commas, and close it with ].")
	case has("expected ',' or '}'"):
		return faultf(line, "A group that began with { is not closed. Separate its members with commas, and close it with }.")
	case has("cannot start any token"):
		return faultf(line, "A value may not begin with this character. Put it in quotes.")
	case has("expected key"), has("expected '-' indicator"), has("did not find expected <document start>"):
		return faultf(line, "The indentation of this line or of one before does not fit. Keys of one group must begin in the same column.")
	}
	return faultf(line, "This is not valid YAML. Check the quotes and the indentation of this line and of the one before.")
}

func tabLine(text string) int {
	number := 0
	for line := range strings.Lines(text) {
		number++
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if strings.Contains(indent, "\t") && strings.TrimSpace(line) != "" {
			return number
		}
	}
	return 0
}

// clip makes text from a file fit for a message: short, on one line and in quotes.
func clip(text string) string {
	const longest = 60
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return strconv.Quote(text)
}
