package identity

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// maxReturnTo bounds the path to come back to, bytes.
const maxReturnTo = 2048

// CanReturnTo says whether a sign-in may lead to this path, with or without a query.
func CanReturnTo(path string) bool {
	_, err := localPath(path)
	return err == nil
}

// localPath is the path to send a browser to after the sign-in, "/" for none. All
// but a plain path of this portal, with or without a query, is Invalid. Browsers
// read "//host", "/\host" and, having dropped the control character, "/\t/host" as
// another site (URL Standard, section 4.4), and what is escaped here some proxy
// unescapes, so both forms are looked at.
func localPath(raw string) (string, error) {
	if raw == "" {
		return "/", nil
	}
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxReturnTo || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!plainPath(u.Path) || !utf8.ValidString(raw) || strings.ContainsFunc(raw, unsafeRune) {
		return "", portal.Fail(portal.Invalid, "return_to must be a path of this portal, such as /dashboard.")
	}
	switch u.Path {
	case SignInPath, CallbackPath, SignOutPath:
		return "/", nil // it would go round in circles
	}
	return raw, nil
}

func plainPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") && !strings.ContainsFunc(path, unsafeRune)
}

func unsafeRune(r rune) bool { return r == '\\' || unicode.IsControl(r) }
