package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// names are the values of $name in one scene at one target.
type names map[string]string

func newNames(account, region string) names {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	drawn := hex.EncodeToString(random)
	now := time.Now().UTC()
	return names{
		"prefix": "conformance-" + drawn[:8], "random": drawn[8:],
		"account": account, "region": region,
		"now": now.Format(time.RFC3339), "today": now.Format(time.DateOnly),
		"yesterday": now.AddDate(0, 0, -1).Format(time.DateOnly),
	}
}

var (
	nameForm   = regexp.MustCompile(`\$[a-z][A-Za-z0-9]*`)
	repetition = regexp.MustCompile(`\$\{(\d+) ([^}]+)\}`)
	timesForm  = regexp.MustCompile(`^<(\d+) times>$`)
)

// expand replaces names by their values. It leaves unknown names, and returns them.
func (n names) expand(text string) (expanded string, unknown []string) {
	const seam = "\x00" // ends a name that a letter follows
	text = repetition.ReplaceAllStringFunc(text, func(all string) string {
		parts := repetition.FindStringSubmatch(all)
		count, _ := strconv.Atoi(parts[1])
		var b strings.Builder
		for i := range count {
			b.WriteString(seam + strings.ReplaceAll(parts[2], "$i", strconv.Itoa(i+1)))
		}
		return b.String()
	})
	expanded = nameForm.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := n[name[1:]]
		if !ok {
			unknown = append(unknown, name)
			return name
		}
		return value
	})
	return strings.ReplaceAll(expanded, seam, ""), unknown
}

// fill is expand for an input. An unknown name is an error.
func (n names) fill(input any) (any, error) {
	switch in := input.(type) {
	case string:
		text, unknown := n.expand(in)
		if len(unknown) > 0 {
			return nil, fmt.Errorf("%s is not known: no earlier answer had it", strings.Join(unknown, ", "))
		}
		return text, nil
	case []any:
		return n.fillAll(in, nil)
	case map[string]any:
		if item, count := times(in); count > 0 {
			return n.fillAll(slices.Repeat([]any{item}, count), n)
		}
		filled := make(map[string]any, len(in))
		for key, value := range in {
			text, err := n.fill(key)
			if err != nil {
				return nil, err
			}
			if filled[text.(string)], err = n.fill(value); err != nil {
				return nil, err
			}
		}
		return filled, nil
	}
	return input, nil
}

// If counted is not nil, $i is the place of an item, from 1.
func (n names) fillAll(list []any, counted names) ([]any, error) {
	filled := make([]any, len(list))
	for i, item := range list {
		if counted != nil {
			n = maps.Clone(counted)
			n["i"] = strconv.Itoa(i + 1)
		}
		var err error
		if filled[i], err = n.fill(item); err != nil {
			return nil, err
		}
	}
	return filled, nil
}

// times recognises {"<11 times>": item}.
func times(in map[string]any) (item any, count int) {
	for key, value := range in {
		if parts := timesForm.FindStringSubmatch(key); parts != nil && len(in) == 1 {
			count, _ = strconv.Atoi(parts[1])
			return value, count
		}
	}
	return nil, 0
}

// hide replaces values by their names, so that answers of different targets read the same.
func (n names) hide(text string) string {
	known := slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if d := len(n[b]) - len(n[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range known {
		if len(n[name]) >= 4 {
			text = strings.ReplaceAll(text, n[name], "$"+name)
		}
	}
	return text
}
