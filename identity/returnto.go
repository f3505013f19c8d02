package identity

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const maxReturnTo = 2048

// CanReturnTo reports whether a sign-in may lead to this path, with or without a query.
func CanReturnTo(path string) bool {
	_, err := localPath(path)
	return err == nil
}

// localPath returns where to send a browser after the sign-in: "/" for "", and for the paths of signing in and out.
// Anything but a path of
// this portal is Invalid. Browsers read "//host", "/\host" and, since they drop control
// characters, "/\t/host" as another site (URL Standard, section 4.4). A proxy may unescape the
// path, so both forms are checked.
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
		return "/", nil // going there would sign in again or sign out
	}
	return raw, nil
}

func plainPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") && !strings.ContainsFunc(path, unsafeRune)
}

func unsafeRune(r rune) bool { return r == '\\' || unicode.IsControl(r) }
