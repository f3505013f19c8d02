package openapi

import (
	"mime"
	"strings"
)

type format uint8

const (
	jsonFormat format = iota
	xmlFormat
	formFormat
	multipartFormat
	textFormat
	binaryFormat
)

// formatOf returns a media type's format. Types such as */* count as JSON.
func formatOf(mediaType string) format {
	base := baseType(mediaType)
	switch {
	case base == "application/x-www-form-urlencoded":
		return formFormat
	case strings.HasPrefix(base, "multipart/"):
		return multipartFormat
	case strings.HasSuffix(base, "/xml"), strings.HasSuffix(base, "+xml"):
		return xmlFormat
	case base == "application/json", strings.HasSuffix(base, "+json"), strings.HasSuffix(base, "/json"), strings.Contains(base, "*"), base == "":
		return jsonFormat
	case strings.HasPrefix(base, "text/"), strings.Contains(base, "yaml"), strings.Contains(base, "json"), strings.Contains(base, "javascript"):
		return textFormat
	}
	return binaryFormat
}

func baseType(mediaType string) string {
	base, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		base, _, _ = strings.Cut(mediaType, ";")
	}
	return strings.ToLower(strings.TrimSpace(base))
}

func (f format) write(value *node, s *Schema) string {
	switch {
	case value == nil:
		return ""
	case f == jsonFormat:
		return value.indented()
	case value.is(stringKind):
		return value.text
	case f == xmlFormat:
		return writeXML(value, s)
	case f == formFormat:
		return writeForm(value)
	case f == multipartFormat:
		return writeMultipart(value, s)
	}
	return value.indented()
}
