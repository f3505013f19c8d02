package s3

import (
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// object is stored without its content.
type object struct {
	Key  string
	Size int
	// ETag is the content's MD5 in hexadecimal, without quotes.
	ETag     string
	Modified time.Time // to the second, as everywhere in S3
	// Headers are returned with the object: system headers and user metadata.
	Headers map[string]string
	// Checksum is the algorithm. Sum is in base64.
	Checksum, Sum string
}

func (o object) quotedETag() string { return `"` + o.ETag + `"` }

const (
	metaPrefix = "X-Amz-Meta-"
	maxKey     = 1024
	maxMeta    = 2048
	noType     = "binary/octet-stream"
)

// systemHeaders are stored and returned unchanged.
var systemHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

// putObject replaces the whole object. If-None-Match: * requires that none exists, If-Match
// one with this ETag.
func (s *Service) putObject(c call) error {
	o, content, err := c.newObject()
	if err != nil {
		return err
	}
	o.Modified = s.env.Now().UTC().Truncate(time.Second)
	err = s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		have, found, err := store.GetJSON[object](objectsIn(tx, c.bucket), c.key)
		if err != nil {
			return err
		}
		if err := c.mayWrite(have, found); err != nil {
			return err
		}
		if err := store.PutJSON(objectsIn(tx, c.bucket), c.key, o); err != nil {
			return err
		}
		contents := contentsIn(tx, c.bucket)
		return contents.Put([]byte(c.key), content)
	})
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Etag", o.quotedETag())
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	o.writeChecksum(h)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c call) newObject() (object, []byte, error) {
	o := object{Key: c.key, Headers: c.metadata()}
	switch {
	case len(c.key) > maxKey:
		return o, nil, refusal(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	case metaSize(o.Headers) > maxMeta:
		return o, nil, refusal(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	case c.ContentLength < 0:
		return o, nil, refusal(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	p, err := c.body()
	if err != nil {
		return o, nil, err
	}
	sum := md5.Sum(p.content)
	o.Size, o.ETag = len(p.content), hex.EncodeToString(sum[:])
	if p.checksum == nil {
		p.checksum = checksumCalled(defaultChecksum)
		p.sum = p.checksum.of(p.content)
	}
	o.Checksum, o.Sum = p.checksum.name, p.sum
	return o, p.content, nil
}

// metadata returns the headers to store. It removes the transport's aws-chunked.
func (c call) metadata() map[string]string {
	kept := map[string]string{"Content-Type": noType}
	for _, name := range systemHeaders {
		if value := c.Header.Get(name); value != "" {
			kept[name] = value
		}
	}
	var encodings []string
	for encoding := range strings.SplitSeq(kept["Content-Encoding"], ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != "aws-chunked" {
			encodings = append(encodings, encoding)
		}
	}
	delete(kept, "Content-Encoding")
	if len(encodings) > 0 {
		kept["Content-Encoding"] = strings.Join(encodings, ",")
	}
	for name, values := range c.Header {
		if strings.HasPrefix(name, metaPrefix) {
			kept[name] = strings.Join(values, ",")
		}
	}
	return kept
}

func metaSize(headers map[string]string) (n int) {
	for name, value := range headers {
		if key, ok := strings.CutPrefix(name, metaPrefix); ok {
			n += len(key) + len(value)
		}
	}
	return n
}

func (c call) mayWrite(have object, found bool) error {
	ifMatch, ifNoneMatch := c.Header.Get("If-Match"), c.Header.Get("If-None-Match")
	switch {
	case ifNoneMatch != "" && ifNoneMatch != "*", ifMatch != "" && ifNoneMatch != "":
		return notImplemented("A condition of If-None-Match other than * alone")
	case ifNoneMatch == "*" && found:
		return preconditionFailed("If-None-Match")
	case ifMatch != "" && !found:
		return noSuchKey(c.key)
	case ifMatch != "" && !matches(ifMatch, have):
		return preconditionFailed("If-Match")
	}
	return nil
}

func (o object) writeChecksum(h http.Header) {
	h.Set(checksumCalled(o.Checksum).header(), o.Sum)
	h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
}
