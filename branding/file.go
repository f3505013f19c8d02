package branding

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The limits of texts, in characters, and of lists.
const (
	maxName    = 60
	maxTagline = 200
	maxLabel   = 60
	maxURL     = 500
	maxLinks   = 20
)

// Link is a linked text. URL is https or mailto, or a path of the portal.
type Link struct{ Text, URL string }

type file struct {
	name, tagline    string
	logoContainsName bool
	light, dark      given
	action           Link
	footer           []Link
	terms, privacy   string
	status           string
}

type parser struct {
	faults []string
}

func parse(source []byte) (file, []string) {
	read := file{light: given{}, dark: given{}}
	var p parser
	decoder := yaml.NewDecoder(strings.NewReader(string(source)))
	var document yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF):
		return read, nil
	case err != nil:
		return read, []string{fmt.Sprintf("%s: this is not valid YAML: %s", fileName, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return read, []string{fileName + ": the file must hold one YAML document only"}
	}
	p.mapping(document.Content[0], "", field{
		"name":               p.text(&read.name, maxName),
		"tagline":            p.text(&read.tagline, maxTagline),
		"logo_contains_name": p.flag(&read.logoContainsName),
		"colours":            p.group(field{"light": p.colours(read.light), "dark": p.colours(read.dark)}),
		"home":               p.group(field{"action": p.link(&read.action)}),
		"footer":             p.links(&read.footer),
		"links":              p.group(field{"terms": p.url(&read.terms), "privacy": p.url(&read.privacy), "status": p.url(&read.status)}),
	})
	return read, p.faults
}

// reading reads the value of a key; path is the key with its parents.
type reading func(value *yaml.Node, path string)

type field map[string]reading

func (p *parser) fail(at *yaml.Node, path, format string, args ...any) {
	if path != "" {
		path += ": "
	}
	p.faults = append(p.faults, fmt.Sprintf("%s:%d: %s%s", fileName, at.Line, path, fmt.Sprintf(format, args...)))
}

func (p *parser) mapping(node *yaml.Node, path string, fields field) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return
	}
	if node.Kind != yaml.MappingNode {
		p.fail(node, path, "%s; want keys with values", kindOf(node))
		return
	}
	known, seen := sortedKeys(fields), map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		read, ok := fields[key.Value]
		switch {
		case !ok:
			p.fail(key, path, "unknown key %q%s", shortened(key.Value), suggestion(key.Value, known))
		case seen[key.Value]:
			p.fail(key, path, "the key %q appears twice", key.Value)
		default:
			read(value, strings.TrimPrefix(path+"."+key.Value, "."))
		}
		seen[key.Value] = true
	}
}

func (p *parser) group(fields field) reading {
	return func(node *yaml.Node, path string) { p.mapping(node, path, fields) }
}

func (p *parser) text(into *string, most int) reading {
	return func(node *yaml.Node, path string) {
		if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
			p.fail(node, path, "%s; want a text", kindOf(node))
			return
		}
		text := strings.TrimSpace(node.Value)
		switch {
		case text == "":
			p.fail(node, path, "the text is empty; write one or remove the key")
		case utf8.RuneCountInString(text) > most:
			p.fail(node, path, "the text has %d characters; at most %d are allowed", utf8.RuneCountInString(text), most)
		case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }):
			p.fail(node, path, "the text must be one line without control characters")
		default:
			*into = text
		}
	}
}

func (p *parser) flag(into *bool) reading {
	return func(node *yaml.Node, path string) {
		if node.Kind != yaml.ScalarNode || node.Tag != "!!bool" {
			p.fail(node, path, "%s; want true or false", kindOf(node))
			return
		}
		*into = strings.EqualFold(node.Value, "true")
	}
}

func (p *parser) colours(into given) reading {
	return func(node *yaml.Node, path string) {
		fields := field{}
		for _, key := range colourKeys {
			fields[key] = func(node *yaml.Node, path string) {
				c, ok := parseColour(node.Value)
				if !ok {
					p.fail(node, path, "%q is not a colour; want six hexadecimal digits in quotes, like \"#0b6650\"", shortened(node.Value))
					return
				}
				into[key] = c
			}
		}
		p.mapping(node, path, fields)
	}
}

func (p *parser) url(into *string) reading {
	return func(node *yaml.Node, path string) {
		before := len(p.faults)
		if p.text(into, maxURL)(node, path); len(p.faults) > before {
			return
		}
		if !linkable(*into) {
			p.fail(node, path, "%q cannot be linked; want an https or mailto URL, or a path of the portal such as /pages/terms", shortened(*into))
			*into = ""
		}
	}
}

func (p *parser) link(into *Link) reading {
	return func(node *yaml.Node, path string) {
		before := len(p.faults)
		p.mapping(node, path, field{"text": p.text(&into.Text, maxLabel), "url": p.url(&into.URL)})
		if len(p.faults) == before && (into.Text == "" || into.URL == "") {
			p.fail(node, path, "a link needs both text and url")
		}
	}
}

func (p *parser) links(into *[]Link) reading {
	return func(node *yaml.Node, path string) {
		if node.Kind != yaml.SequenceNode {
			p.fail(node, path, "%s; want a list of links, each with text and url", kindOf(node))
			return
		}
		if len(node.Content) > maxLinks {
			p.fail(node, path, "there are %d links; at most %d are allowed", len(node.Content), maxLinks)
			return
		}
		for i, item := range node.Content {
			var link Link
			p.link(&link)(item, fmt.Sprintf("%s[%d]", path, i))
			*into = append(*into, link)
		}
	}
}

// linkable reports whether pages may link to the address. It refuses javascript: and the like,
// and paths such as //evil.example that browsers take for another host.
func linkable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(address, "\\ ") {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Host != "" && u.User == nil
	case "mailto":
		return u.Opaque != ""
	case "":
		return u.Host == "" && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
	}
	return false
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "this has keys of its own"
	case yaml.SequenceNode:
		return "this is a list"
	case yaml.AliasNode:
		return "anchors and aliases are not supported"
	}
	if node.Tag == "!!null" {
		return "the value is missing"
	}
	return fmt.Sprintf("this is %q", shortened(node.Value))
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

func sortedKeys(fields field) []string {
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
