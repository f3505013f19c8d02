package cloudformation

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// form reads a request in Query encoding.
type form struct{ values url.Values }

func (f form) text(name string) string { return f.values.Get(name) }

// structures returns the names of a list's elements, to which ".Member" is added.
func (f form) structures(name string) []string {
	var all []string
	for i := 1; ; i++ {
		element := fmt.Sprintf("%s.member.%d", name, i)
		if !slices.ContainsFunc(f.names(), func(key string) bool { return key == element || strings.HasPrefix(key, element+".") }) {
			return all
		}
		all = append(all, element)
	}
}

func (f form) names() []string {
	all := make([]string, 0, len(f.values))
	for name := range f.values {
		all = append(all, name)
	}
	return all
}

func (f form) texts(name string) []string {
	var all []string
	for _, element := range f.structures(name) {
		all = append(all, f.text(element))
	}
	return all
}

func (f form) only(members []string) error {
	for _, name := range f.names() {
		member, _, _ := strings.Cut(name, ".")
		if member != "Action" && member != "Version" && !slices.Contains(members, member) {
			return wire.NotImplemented("The request member " + member)
		}
	}
	return nil
}

// members is a list in an answer. Its XML element is present even if empty.
type members[T any] struct {
	Items []T `xml:"member"`
}

const pageSize = 100

// page returns the items after the token, and the next token.
func page[T any](all []T, token string) (items []T, next string, err error) {
	from := 0
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(all) {
			return nil, "", invalid("The token %s is not valid.", token)
		}
	}
	to := min(from+pageSize, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}
