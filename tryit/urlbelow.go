package tryit

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const maxURL = 8 << 10

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// urlBelow returns the URL of a path below an endpoint, or Invalid if the path would lead anywhere
// else. An unusable endpoint is the operator's mistake, and an error without a code.
func urlBelow(endpoint, below string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSuffix(endpoint, "/"))
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Hostname() == "" || base.User != nil || base.Opaque != "" ||
		base.RawQuery != "" || base.ForceQuery || base.Fragment != "" {
		return nil, portal.Fail(portal.Conflict, "The address of this API cannot be called. Tell the operator of this portal: it must be an http or https URL without credentials, query or fragment.")
	}
	if err := checkPath(below); err != nil {
		return nil, err
	}
	full, err := url.Parse(base.String() + below)
	switch {
	case err != nil:
		return nil, portal.Fail(portal.Invalid, `The path cannot be read. Write "%" as "%25" and a space as "%20".`)
	case full.Scheme != base.Scheme || full.Host != base.Host || full.User != nil || !within(base.Path, full.Path):
		return nil, errOutside()
	}
	return full, nil
}

func checkPath(below string) error {
	switch {
	case len(below) > maxURL:
		return portal.Fail(portal.Invalid, "The path and query are longer than 8 KB. Make them shorter.")
	case below != "" && below[0] != '/' && below[0] != '?':
		return portal.Fail(portal.Invalid, `The path must begin with "/".`)
	case strings.HasPrefix(below, "//"), strings.HasPrefix(below, `/\`):
		return errOutside()
	case strings.ContainsFunc(below, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return portal.Fail(portal.Invalid, "The path has spaces, control characters or letters outside ASCII. Percent-encode them.")
	case strings.Contains(below, "#"):
		return portal.Fail(portal.Invalid, `The path has a "#", which is never sent. Write "%23", or leave it out.`)
	}
	before, _, _ := strings.Cut(below, "?")
	if climbs(before) {
		return errOutside()
	}
	return nil
}

// climbs reports whether a path has a ".." for any server: encoded once or more often, between
// backslashes, or with parameters, as in "..;x".
func climbs(encoded string) bool {
	for range 8 {
		parts := strings.FieldsFunc(encoded, func(r rune) bool { return r == '/' || r == '\\' })
		if slices.ContainsFunc(parts, func(part string) bool {
			name, _, _ := strings.Cut(part, ";")
			return name == ".." || name == "."
		}) {
			return true
		}
		decoded, err := url.PathUnescape(encoded)
		if err != nil || decoded == encoded {
			return false
		}
		encoded = decoded
	}
	return true
}

func within(base, full string) bool {
	cleaned := path.Clean("/" + full)
	return base == "" || cleaned == path.Clean(base) || strings.HasPrefix(cleaned, path.Clean(base)+"/")
}

func errOutside() error {
	return portal.Fail(portal.Invalid, `The path leads outside the API. Leave out ".", ".." and "//".`)
}
