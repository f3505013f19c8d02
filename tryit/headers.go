package tryit

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	maxHeaders     = 50
	maxHeaderBytes = 16 << 10
	// maxAnswerHeader bounds the headers of an answer, informational ones included.
	maxAnswerHeader = 64 << 10
)

// dropped are headers that a person cannot set: the connection's (RFC 9110, section
// 7.6.1), cookies, the key, and those that tell backends where a request comes from.
var dropped = map[string]bool{
	"Host": true, "Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Http2-Settings": true, "Content-Length": true, "Expect": true, "Accept-Encoding": true, "Cookie": true, "Cookie2": true,
	"X-Api-Key": true, "Forwarded": true, "Via": true, "X-Real-Ip": true, "X-Client-Ip": true, "X-Cluster-Client-Ip": true,
	"True-Client-Ip": true, "Cf-Connecting-Ip": true, "Fastly-Client-Ip": true, "X-Original-Url": true, "X-Rewrite-Url": true,
	"Client-Ip": true, "X-Proxyuser-Ip": true, "X-Remote-Ip": true, "X-Remote-Addr": true, "X-Originating-Ip": true, "X-Host": true,
	"X-Original-Host": true, "X-Original-Forwarded-For": true, "X-Azure-Clientip": true, "X-Azure-Socketip": true, "X-Appengine-User-Ip": true,
	"X-Envoy-External-Address": true, "X-Forwarded": true, "Wl-Proxy-Client-Ip": true,
}

var droppedPrefixes = []string{"Proxy-", "X-Forwarded-", "Sec-", "Cloudfront-Viewer-"}

func isDropped(name string) bool {
	name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-")) // to CGI and its heirs these are the same
	return dropped[name] || slices.ContainsFunc(droppedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func sendable(given http.Header) (header http.Header, names []string, err error) {
	header, names = http.Header{}, []string{}
	count, size := 0, 0
	for name, values := range given {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, nil, portal.Fail(portal.Invalid, "The name of a header is not valid. Use letters, digits and hyphens.")
		}
		canonical := http.CanonicalHeaderKey(name)
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, nil, portal.Fail(portal.Invalid, fmt.Sprintf("The value of the header %s has control characters or line breaks. Remove them.", canonical))
			}
			count, size = count+1, size+len(name)+len(value)
		}
		if isDropped(canonical) {
			names = append(names, canonical)
			continue
		}
		header[canonical] = append(header[canonical], values...)
	}
	if count > maxHeaders || size > maxHeaderBytes {
		return nil, nil, portal.Fail(portal.Invalid, fmt.Sprintf("More than %d headers, or more than %d KB of them. Send fewer.", maxHeaders, maxHeaderBytes>>10))
	}
	slices.Sort(names)
	return header, slices.Compact(names), nil
}

func masked(header http.Header) []Header {
	listed := listHeaders(header, func(string) bool { return true })
	for i, h := range listed {
		switch h.Name {
		case "X-Api-Key":
			listed[i].Value = Mask
		case "Authorization":
			listed[i].Value = maskCredentials(h.Value)
		}
	}
	return listed
}

// maskCredentials keeps the scheme (RFC 9110, section 11.4).
func maskCredentials(value string) string {
	scheme, _, ok := strings.Cut(value, " ")
	if !ok {
		return Mask
	}
	return scheme + " " + Mask
}

func shown(header http.Header) []Header {
	return listHeaders(header, func(name string) bool { return name != "Set-Cookie" && name != "Set-Cookie2" })
}

func listHeaders(header http.Header, keep func(name string) bool) []Header {
	list := []Header{}
	for name, values := range header {
		for _, value := range values {
			if keep(http.CanonicalHeaderKey(name)) {
				list = append(list, Header{Name: name, Value: strings.ToValidUTF8(value, "\uFFFD")})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return list
}
