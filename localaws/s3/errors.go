package s3

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func refusal(status int, code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

func about(e *wire.Error, element string, value any) *wire.Error {
	e.Fields = map[string]any{element: value}
	return e
}

// notImplemented has S3's own code.
func notImplemented(what string) *wire.Error {
	return refusal(http.StatusNotImplemented, "NotImplemented", "%s is not implemented by this local AWS.", what)
}

func noSuchBucket(name string) *wire.Error {
	return about(refusal(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"), "BucketName", name)
}

func noSuchKey(key string) *wire.Error {
	return about(refusal(http.StatusNotFound, "NoSuchKey", "The specified key does not exist."), "Key", key)
}

func preconditionFailed(condition string) *wire.Error {
	return about(refusal(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold"), "Condition", condition)
}

func invalidArgument(name, value, format string, args ...any) *wire.Error {
	e := refusal(http.StatusBadRequest, "InvalidArgument", format, args...)
	e.Fields = map[string]any{"ArgumentName": name, "ArgumentValue": value}
	return e
}

func invalidRequest(format string, args ...any) *wire.Error {
	return refusal(http.StatusBadRequest, "InvalidRequest", format, args...)
}

func malformedXML() *wire.Error {
	return refusal(http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema")
}

type element struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// refuse answers an error. HEAD gets only the status.
func (c call) refuse(e *wire.Error) {
	body := struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		About     []element
		RequestID string `xml:"RequestId"`
		HostID    string `xml:"HostId"`
	}{Code: e.Code, Message: e.Message, RequestID: c.w.Header().Get("X-Amz-Request-Id"), HostID: c.w.Header().Get("X-Amz-Id-2")}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		body.About = append(body.About, element{xml.Name{Local: name}, fmt.Sprint(e.Fields[name])})
	}
	maps.Copy(c.w.Header(), e.Header)
	if c.Method == http.MethodHead {
		c.w.WriteHeader(e.HTTPStatus())
		return
	}
	c.answer(e.HTTPStatus(), body)
}

func (c call) answer(status int, document any) {
	body, err := xml.Marshal(document)
	if err != nil {
		panic(err) // this package's types cannot fail
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append([]byte(xml.Header), body...))
}

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// knownHeaders are the x-amz- headers of operations, signatures or the transport.
// accepted have only one valid value, without effect.
var (
	knownHeaders = []string{
		"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-User-Agent",
		"X-Amz-Decoded-Content-Length", "X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Mode",
		"X-Amz-Expected-Bucket-Owner", "X-Amz-Checksum-Type", "X-Amz-Checksum-Algorithm", "X-Amz-Mp-Object-Size",
	}
	accepted = map[string]string{
		"X-Amz-Acl":                    "bucket-owner-full-control",
		"X-Amz-Storage-Class":          "STANDARD",
		"X-Amz-Server-Side-Encryption": "AES256",
		"X-Amz-Object-Ownership":       "BucketOwnerEnforced",
	}
)

// checkHeaders refuses unknown x-amz- headers.
func (c call) checkHeaders() error {
	for name := range c.Header {
		if !strings.HasPrefix(name, "X-Amz-") || slices.Contains(knownHeaders, name) ||
			strings.HasPrefix(name, metaPrefix) || checksumNamed(name) != nil {
			continue
		}
		value, known := accepted[name]
		switch {
		case !known:
			return notImplemented("The header " + strings.ToLower(name))
		case name == "X-Amz-Acl" && c.key == "" && c.Header.Get(name) == "private":
			// New buckets are private anyway.
		case c.Header.Get(name) != value && name == "X-Amz-Acl":
			return refusal(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
		case c.Header.Get(name) != value:
			return notImplemented(strings.ToLower(name) + ": " + c.Header.Get(name))
		}
	}
	return nil
}
