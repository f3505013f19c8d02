package folder

import (
	"bytes"
	"path"
	"strings"
)

var imageTypes = map[string]string{
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif",
}

func isImage(name string) bool { return imageTypes[strings.ToLower(path.Ext(name))] != "" }

// checkImage returns an image's media type. The content must be what the extension says, so
// that browsers take it for nothing else.
func checkImage(name string, data []byte) (mediaType string, because *fault) {
	mediaType = imageTypes[strings.ToLower(path.Ext(name))]
	fail := func(format string, args ...any) (string, *fault) {
		f := faultf(0, format, args...)
		return "", &f
	}
	switch {
	case mediaType == "":
		return fail("%s is not an image that the portal shows. Use SVG, PNG, JPEG, WebP or AVIF.", path.Base(name))
	case mediaType == "image/svg+xml":
		return mediaType, checkSVG(data)
	case !isOfType(mediaType, data):
		return fail("The content of the file is not %s. Save the image in the format that its name ends with.", strings.ToUpper(strings.TrimPrefix(mediaType, "image/")))
	}
	return mediaType, nil
}

func isOfType(mediaType string, data []byte) bool {
	begins := func(at int, with string) bool {
		return len(data) >= at+len(with) && bytes.Equal(data[at:at+len(with)], []byte(with))
	}
	switch mediaType {
	case "image/png":
		return begins(0, "\x89PNG\r\n\x1a\n")
	case "image/jpeg":
		return begins(0, "\xff\xd8\xff")
	case "image/webp":
		return begins(0, "RIFF") && begins(8, "WEBP")
	case "image/avif":
		return begins(4, "ftypavif") || begins(4, "ftypavis")
	}
	return false
}
