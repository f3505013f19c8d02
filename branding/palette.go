package branding

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Scheme maps names of the stylesheet's colours, such as "paper" for --paper.
type Scheme map[string]Colour

// Palette has the stylesheet's light and dark colours.
type Palette struct{ Light, Dark Scheme }

var (
	rootBlock  = regexp.MustCompile(`(?s):root \{(.*?)\}`)
	colourRule = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	codeRule   = regexp.MustCompile(`\.(hl-[a-z]+) \{ color: (#[0-9a-f]{6}); \}`)
)

// ParsePalette reads the colours of the portal's stylesheet. Its first :root block is the
// light scheme; the second, under prefers-color-scheme, is the dark one. code is
// highlight.Stylesheet.
func ParsePalette(stylesheet, code string) (Palette, error) {
	blocks := rootBlock.FindAllStringSubmatch(stylesheet, -1)
	if len(blocks) != 2 {
		return Palette{}, fmt.Errorf("the stylesheet has %d :root blocks, want one for light and one for dark", len(blocks))
	}
	schemes := [2]Scheme{{}, {}}
	for i, block := range blocks {
		for _, rule := range colourRule.FindAllStringSubmatch(block[1], -1) {
			schemes[i][rule[1]], _ = parseColour(rule[2])
		}
	}
	light, dark, _ := strings.Cut(code, "@media")
	for i, rules := range []string{light, dark} {
		for _, rule := range codeRule.FindAllStringSubmatch(rules, -1) {
			schemes[i][rule[1]], _ = parseColour(rule[2])
		}
	}
	for _, pair := range Pairs {
		for _, name := range []string{pair.Front, pair.Back} {
			if _, ok := schemes[0][name]; !ok {
				return Palette{}, fmt.Errorf("the stylesheet has no colour --%s", name)
			}
		}
	}
	return Palette{Light: schemes[0], Dark: schemes[1]}, nil
}

// Pair is two colours that the stylesheet combines.
type Pair struct {
	Front, Back string
	// Least is the contrast that WCAG 2.2 AA demands: 4.5 for text (1.4.3), 3 for the shapes of
	// controls and the focus (1.4.11).
	Least float64
	// Messages to operators call the pair What.
	What string
}

const (
	forText  = 4.5
	forShape = 3.0
)

// Pairs lists every combination in the stylesheet.
var Pairs = pairs([]Pair{
	{"ink", "paper", forText, "text on the background"},
	{"ink", "card", forText, "text on cards and the header"},
	{"ink", "sunk", forText, "text on code and hovered controls"},
	{"ink", "line", forText, "text on a hovered copy button"},
	{"ink", "busy-soft", forText, "text in notices"},
	{"ink", "bad-soft", forText, "text in notices about errors"},
	{"ink", "warn-soft", forText, "text in warnings, and marked words"},
	{"muted", "paper", forText, "muted text on the background"},
	{"muted", "card", forText, "muted text on cards and the header"},
	{"muted", "sunk", forText, "muted text on code and badges"},
	{"muted", "glow", forText, "muted text in the quickstart"},
	{"accent", "paper", forText, "links on the background"},
	{"accent", "card", forText, "links on cards"},
	{"accent", "sunk", forText, "links on code"},
	{"accent", "glow", forText, "links in the quickstart"},
	{"accent", "busy-soft", forText, "links in notices"},
	{"accent", "bad-soft", forText, "links in notices about errors"},
	{"accent-strong", "paper", forText, "hovered links on the background"},
	{"accent-strong", "card", forText, "hovered links on cards"},
	{"on-accent", "accent", forText, "text of buttons"},
	{"on-accent", "accent-strong", forText, "text of hovered buttons"},
	{"card", "bad", forText, "text of hovered red buttons"},
	{"ok", "ok-soft", forText, "green badges"},
	{"busy", "busy-soft", forText, "blue badges"},
	{"warn", "warn-soft", forText, "yellow badges"},
	{"bad", "bad-soft", forText, "red badges"},
	{"edge", "paper", forShape, "borders of fields on the background"},
	{"edge", "card", forShape, "borders of fields on cards"},
	{"focus", "paper", forShape, "the focus ring on the background"},
	{"focus", "card", forShape, "the focus ring on cards"},
	{"busy", "paper", forShape, "the border of notices"},
	{"warn", "card", forShape, "the border of warnings"},
})

var colouredCode = []string{"comment", "keyword", "string", "number", "name", "variable", "inserted", "deleted"}

// pairs adds coloured code, on code's own background and on cards.
func pairs(listed []Pair) []Pair {
	for _, kind := range colouredCode {
		listed = append(listed,
			Pair{"hl-" + kind, "sunk", forText, "code coloured as " + kind},
			Pair{"hl-" + kind, "card", forText, "code coloured as " + kind + ", on cards"})
	}
	return listed
}

func (s Scheme) passes(name string, c Colour) bool {
	for _, pair := range Pairs {
		switch name {
		case pair.Front:
			if Contrast(c, s[pair.Back]) < pair.Least {
				return false
			}
		case pair.Back:
			if Contrast(s[pair.Front], c) < pair.Least {
				return false
			}
		}
	}
	return true
}

func (s Scheme) css(b *strings.Builder, own Scheme, indent string) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name] != own[name] {
			fmt.Fprintf(b, "%s--%s: %s;\n", indent, name, s[name])
		}
	}
}
