package branding

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	keyAccent     = "accent"
	keyAccentText = "accent_text"
	keyBackground = "background"
	keySurface    = "surface"
	keyText       = "text"
	keyFocus      = "focus"
)

// colourKeys is sorted by how likely an operator sets the key.
var colourKeys = []string{keyAccent, keyText, keyBackground, keySurface, keyFocus, keyAccentText}

// follow lists the stylesheet's colours that each key sets or that derive from it.
var follow = map[string][]string{
	keyAccent:     {"accent", "accent-strong", "on-accent", "glow"},
	keyAccentText: {"on-accent"},
	keyText:       {"ink", "muted", "line", "edge"},
	keyBackground: {"paper", "card", "sunk", "glow", "line", "edge", "muted"},
	keySurface:    {"card"},
	keyFocus:      {"focus"},
}

type given map[string]Colour

func (g given) with(key string, c Colour) given {
	changed := given{}
	maps.Copy(changed, g)
	changed[key] = c
	return changed
}

// palette applies the file's colours to the stylesheet's. An accent for one scheme only is made
// lighter or darker for the other, until it is readable.
func palette(own Palette, light, dark given) Palette {
	light, dark = borrowAccent(own.Light, light, dark), borrowAccent(own.Dark, dark, light)
	return Palette{Light: derive(own.Light, light), Dark: derive(own.Dark, dark)}
}

func borrowAccent(own Scheme, here, there given) given {
	accent, ok := there[keyAccent]
	if _, has := here[keyAccent]; has || !ok {
		return here
	}
	readable, ok := accent.nearest(func(c Colour) bool { return len(failing(derive(own, here.with(keyAccent, c)), keyAccent)) == 0 })
	if !ok {
		return here
	}
	return here.with(keyAccent, readable)
}

func derive(own Scheme, g given) Scheme {
	s := maps.Clone(own)
	set := func(name, key string) bool {
		c, ok := g[key]
		if ok {
			s[name] = c
		}
		return ok
	}
	background, text := set("paper", keyBackground), set("ink", keyText)
	dark := s["paper"].luminance() < s["ink"].luminance()
	if background {
		s["card"], s["sunk"] = s["paper"].mix(white, 0.7), s["paper"].mix(black, 0.035)
		if dark {
			s["card"], s["sunk"] = s["paper"].mix(white, 0.05), s["paper"].mix(black, 0.25)
		}
	}
	set("card", keySurface)
	if background || text {
		s["line"] = s["paper"].mix(s["ink"], 0.12)
		s["muted"], _ = s["ink"].mix(s["paper"], 0.32).toward(s["ink"], func(c Colour) bool { return s.passes("muted", c) })
		s["edge"], _ = s["paper"].mix(s["ink"], 0.5).toward(s["ink"], func(c Colour) bool { return s.passes("edge", c) })
	}
	accent := set("accent", keyAccent)
	if accent {
		s["accent-strong"] = s["accent"].mix(black, 0.26)
		if dark {
			s["accent-strong"] = s["accent"].mix(white, 0.33)
		}
		s["on-accent"] = onAccent(s)
	}
	set("on-accent", keyAccentText)
	if accent || background {
		s["glow"] = s["paper"].mix(s["accent"], 0.07)
	}
	if !set("focus", keyFocus) && background {
		if focus, ok := s["focus"].nearest(func(c Colour) bool { return s.passes("focus", c) }); ok {
			s["focus"] = focus
		}
	}
	return s
}

// onAccent prefers the stylesheet's colour for text on buttons, then white, then black.
func onAccent(s Scheme) Colour {
	for _, c := range []Colour{s["on-accent"], white} {
		if s.passes("on-accent", c) {
			return c
		}
	}
	return black
}

func failing(s Scheme, key string) []Pair {
	var pairs []Pair
	for _, pair := range Pairs {
		concerned := slices.Contains(follow[key], pair.Front) || slices.Contains(follow[key], pair.Back)
		if concerned && Contrast(s[pair.Front], s[pair.Back]) < pair.Least {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// contrastFaults has one sentence for each given colour that makes a pair too hard to read. It
// reports each pair once.
func contrastFaults(own Scheme, g given, scheme string) []string {
	derived, reported := derive(own, g), map[Pair]bool{}
	var faults []string
	for _, key := range colourKeys {
		if _, ok := g[key]; !ok {
			continue
		}
		var says []string
		for _, pair := range failing(derived, key) {
			if reported[pair] {
				continue
			}
			reported[pair] = true
			front, back := derived[pair.Front], derived[pair.Back]
			says = append(says, fmt.Sprintf("%s (%s on %s) has %.2f : 1 and needs %g : 1", pair.What, front, back, floor2(Contrast(front, back)), pair.Least))
		}
		if len(says) > 0 {
			faults = append(faults, fmt.Sprintf("colours.%s.%s %s has too little contrast: %s. %s",
				scheme, key, g[key], strings.Join(says, "; "), remedy(own, g, key)))
		}
	}
	return faults
}

// floor2 keeps 4.499 from being printed as 4.50.
func floor2(ratio float64) float64 { return float64(int(ratio*100)) / 100 }

func remedy(own Scheme, g given, key string) string {
	c, ok := g[key].nearest(func(c Colour) bool { return len(failing(derive(own, g.with(key, c)), key)) == 0 })
	if ok {
		return c.String() + " would pass."
	}
	return "No colour would pass: change the colours that it is combined with, too."
}
