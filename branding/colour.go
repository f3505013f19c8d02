package branding

import (
	"fmt"
	"math"
	"strconv"
)

// Colour is an opaque sRGB colour.
type Colour struct{ R, G, B uint8 }

var (
	black = Colour{}
	white = Colour{255, 255, 255}
)

func parseColour(text string) (Colour, bool) {
	if len(text) == 4 && text[0] == '#' {
		text = string([]byte{'#', text[1], text[1], text[2], text[2], text[3], text[3]})
	}
	if len(text) != 7 || text[0] != '#' {
		return Colour{}, false
	}
	rgb, err := strconv.ParseUint(text[1:], 16, 32)
	return Colour{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb)}, err == nil
}

// String returns the colour as #rrggbb.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// luminance is WCAG 2.2's "relative luminance".
func (c Colour) luminance() float64 {
	linear := func(channel uint8) float64 {
		v := float64(channel) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// Contrast returns the contrast ratio, from 1 to 21 (WCAG 2.2, definition of "contrast
// ratio").
func Contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c Colour) mix(other Colour, part float64) Colour {
	channel := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part)) }
	return Colour{channel(c.R, other.R), channel(c.G, other.G), channel(c.B, other.B)}
}

const mixSteps = 256

// toward returns the first colour from c to the goal that passes, or the goal.
func (c Colour) toward(goal Colour, passes func(Colour) bool) (Colour, bool) {
	for step := range mixSteps + 1 {
		if mixed := c.mix(goal, float64(step)/mixSteps); passes(mixed) {
			return mixed, true
		}
	}
	return goal, false
}

// nearest returns the colour of c's hue that passes and differs least in brightness.
func (c Colour) nearest(passes func(Colour) bool) (Colour, bool) {
	for step := range mixSteps + 1 {
		for _, goal := range []Colour{black, white} {
			if mixed := c.mix(goal, float64(step)/mixSteps); passes(mixed) {
				return mixed, true
			}
		}
	}
	return Colour{}, false
}
