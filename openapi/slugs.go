package openapi

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
)

// slugs hands out unique names for path segments and HTML ids: letters, digits, hyphens and
// underscores. The value is the last number added to a name.
type slugs map[string]int

const maxSlug = 100

func (s slugs) take(names ...string) string {
	slug := ""
	for _, name := range names {
		slug = cmp.Or(slug, slugOf(name))
	}
	if _, taken := s[slug]; !taken {
		s[slug] = 1
		return slug
	}
	for {
		s[slug]++
		numbered := slug + "-" + strconv.Itoa(s[slug])
		if _, taken := s[numbered]; !taken {
			s[numbered] = 1
			return numbered
		}
	}
}

func slugOf(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = b.Len() > 0
			continue
		}
		if b.Len() >= maxSlug {
			break
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
