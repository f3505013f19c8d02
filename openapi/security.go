package openapi

import (
	"net/url"
	"slices"
	"strings"
)

func securityScheme(name string, n *node) SecurityScheme {
	return SecurityScheme{
		Name:        name,
		Type:        n.str("type"),
		Description: n.str("description"),
		In:          n.str("in"),
		Parameter:   n.str("name"),
		Scheme:      strings.ToLower(n.str("scheme")),
	}
}

func (b *builder) secure(op *Operation, requirements *node, at *place) {
	alternatives := requirements.list()
	for _, requirement := range alternatives[:min(len(alternatives), maxChoices)] {
		names, schemes := []string{}, []SecurityScheme{}
		for name := range requirement.members {
			if len(names) == maxChoices {
				break
			}
			names = append(names, name)
			scheme, ok := b.security[name]
			if !ok {
				b.warn.add(at, "the security scheme %q is not in components", shorten(name, 100))
				continue
			}
			schemes = append(schemes, scheme)
		}
		op.Security = append(op.Security, names)
		op.schemes = append(op.schemes, schemes)
	}
	b.keyParameter(op)
	if len(op.Security) == 1 && len(op.Security[0]) == 0 {
		op.Security, op.schemes = nil, nil
	}
}

func (b *builder) keyParameter(op *Operation) {
	if op.key == keyAbsent || op.TakesKey() {
		return
	}
	scheme := b.keyScheme()
	if len(op.Security) == 0 {
		op.Security, op.schemes = [][]string{{}}, [][]SecurityScheme{{}}
	}
	if op.key == keyOptional {
		op.Security = append(op.Security, []string{scheme.Name})
		op.schemes = append(op.schemes, []SecurityScheme{scheme})
		return
	}
	for i := range op.Security {
		op.Security[i] = append(op.Security[i], scheme.Name)
		op.schemes[i] = append(op.schemes[i], scheme)
	}
}

func (b *builder) keyScheme() SecurityScheme {
	if at := slices.IndexFunc(b.doc.Security, SecurityScheme.APIKey); at >= 0 {
		return b.doc.Security[at]
	}
	name := "x-api-key"
	for b.security[name].Name != "" {
		name += "_"
	}
	scheme := keySchemeNamed(name)
	b.doc.Security = append(b.doc.Security, scheme)
	b.security[name] = scheme
	return scheme
}

func keySchemeNamed(name string) SecurityScheme {
	return SecurityScheme{Name: name, Type: "apiKey", In: "header", Parameter: "x-api-key"}
}

// WithKey returns the document as if each operation needs API Gateway's API key. A document with
// security schemes is returned as it is. JSON stays the same.
func (d *Document) WithKey() *Document {
	if len(d.Security) > 0 {
		return d
	}
	scheme, keyed := keySchemeNamed("x-api-key"), *d
	keyed.Security, keyed.list, keyed.operations = []SecurityScheme{scheme}, nil, map[string]*Operation{}
	made := map[*Operation]*Operation{}
	for _, op := range d.list {
		one := op.withKey(scheme)
		made[op], keyed.operations[op.ID] = one, one
		keyed.list = append(keyed.list, one)
	}
	keyed.Tags = slices.Clone(d.Tags)
	for i, tag := range keyed.Tags {
		keyed.Tags[i].Operations = make([]*Operation, len(tag.Operations))
		for j, op := range tag.Operations {
			keyed.Tags[i].Operations[j] = made[op]
		}
	}
	return &keyed
}

// withKey adds the scheme to each alternative of an operation. Its document has no schemes, so
// alternatives can only name missing ones.
func (o *Operation) withKey(scheme SecurityScheme) *Operation {
	one := *o
	one.Security, one.schemes = nil, nil
	alternatives := o.Security
	if len(alternatives) == 0 {
		alternatives = [][]string{nil}
	}
	for _, names := range alternatives {
		if !slices.Contains(names, scheme.Name) {
			names = append(slices.Clip(names), scheme.Name)
		}
		one.Security, one.schemes = append(one.Security, names), append(one.schemes, []SecurityScheme{scheme})
	}
	return &one
}

// Schemes returns Security with the schemes.
func (o *Operation) Schemes() [][]SecurityScheme { return o.schemes }

// Open reports whether the operation can be called without authentication.
func (o *Operation) Open() bool {
	return len(o.Security) == 0 || slices.ContainsFunc(o.Security, func(names []string) bool { return len(names) == 0 })
}

// TakesKey reports whether the operation accepts API Gateway's API key.
func (o *Operation) TakesKey() bool { return slices.ContainsFunc(o.schemes, hasKey) }

// NeedsKey reports whether the operation requires it.
func (o *Operation) NeedsKey() bool {
	for _, schemes := range o.schemes {
		if !hasKey(schemes) {
			return false
		}
	}
	return len(o.schemes) > 0
}

func hasKey(schemes []SecurityScheme) bool {
	return slices.ContainsFunc(schemes, SecurityScheme.APIKey)
}

// servers returns the servers that people can call. It keeps relative URLs.
func (b *builder) servers(n *node, at *place) []Server {
	var servers []Server
	list := n.list()
	for _, s := range list[:min(len(list), maxChoices)] {
		address, ok := serverURL(s)
		if !ok {
			b.warn.add(at, "the server URL %q is not one that can be called; it is not shown", shorten(s.str("url"), 200))
			continue
		}
		servers = append(servers, Server{URL: address, Description: s.str("description")})
	}
	return servers
}

// serverURL replaces the variables. API Gateway repeats a slash before the base path, so double
// slashes in the path become one.
func serverURL(s *node) (string, bool) {
	address := s.str("url")
	var pairs []string
	for name, variable := range s.get("variables").members {
		pairs = append(pairs, "{"+name+"}", variable.str("default"))
	}
	address = strings.NewReplacer(pairs...).Replace(address)
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(address, "{}\\<>\"'` \t\r\n") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	if u.Host != "" {
		if u.Scheme != "https" && u.Scheme != "http" {
			return "", false
		}
	} else if u.Scheme != "" || strings.HasPrefix(address, "//") {
		return "", false
	}
	path := u.EscapedPath()
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	path = strings.TrimRight(path, "/")
	if u.Host == "" {
		return path, true
	}
	return u.Scheme + "://" + u.Host + path, true
}
