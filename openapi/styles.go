package openapi

import (
	"strings"
)

type value struct {
	shape  shape
	single string
	list   []string
	fields []field
}

type shape uint8

const (
	singleShape shape = iota
	listShape
	objectShape
)

type field struct {
	name   string
	values []string
}

func (f field) text(write func(string) string) string { return join(f.values, ",", write) }

// The styles are those of OpenAPI 3.0.4, 4.7.12.3 and 4.7.12.4.

func (p *Parameter) pathValue(v value) string {
	switch p.Style {
	case "label":
		return "." + p.joined(v, map[bool]string{true: ".", false: ","}[p.Explode], escape)
	case "matrix":
		return p.matrix(v)
	}
	return p.joined(v, ",", escape)
}

func (p *Parameter) simple(v value) string {
	return p.joined(v, ",", func(s string) string { return s })
}

func (p *Parameter) joined(v value, separator string, write func(string) string) string {
	switch v.shape {
	case listShape:
		return join(v.list, separator, write)
	case objectShape:
		equals := separator
		if p.Explode {
			equals = "="
		}
		var parts []string
		for _, f := range v.fields {
			parts = append(parts, write(f.name)+equals+f.text(write))
		}
		return strings.Join(parts, separator)
	}
	return write(v.single)
}

func (p *Parameter) matrix(v value) string {
	name := ";" + escape(p.Name)
	switch {
	case v.shape == listShape && p.Explode:
		var out string
		for _, s := range v.list {
			out += name + "=" + escape(s)
		}
		return out
	case v.shape == objectShape && p.Explode:
		var out string
		for _, f := range v.fields {
			out += ";" + escape(f.name) + "=" + f.text(escape)
		}
		return out
	}
	flat := Parameter{}
	return name + "=" + flat.joined(v, ",", escape)
}

func (p *Parameter) query(v value) []string {
	name := escape(p.Name)
	switch {
	case v.shape == objectShape && p.Style == "deepObject":
		var pairs []string
		for _, f := range v.fields {
			for _, s := range f.values {
				pairs = append(pairs, name+escape("["+f.name+"]")+"="+escape(s))
			}
		}
		return pairs
	case v.shape == objectShape && p.Explode:
		var pairs []string
		for _, f := range v.fields {
			pairs = append(pairs, escape(f.name)+"="+f.text(escape))
		}
		return pairs
	case v.shape == listShape && p.Explode:
		var pairs []string
		for _, s := range v.list {
			pairs = append(pairs, name+"="+escape(s))
		}
		return pairs
	}
	separator := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C"}[p.Style]
	if separator == "" {
		separator = ","
	}
	flat := Parameter{}
	return []string{name + "=" + flat.joined(v, separator, escape)}
}

func join(values []string, separator string, write func(string) string) string {
	written := make([]string, len(values))
	for i, s := range values {
		written[i] = write(s)
	}
	return strings.Join(written, separator)
}
