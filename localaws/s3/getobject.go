package s3

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func (s *Service) getObject(c call) error {
	var o object
	var content []byte
	err := s.env.DB.View(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		var found bool
		var err error
		if o, found, err = store.GetJSON[object](objectsIn(tx, c.bucket), c.key); err != nil {
			return err
		}
		if !found {
			return noSuchKey(c.key)
		}
		if c.Method == http.MethodGet {
			content = bytes.Clone(contentsIn(tx, c.bucket).Get([]byte(c.key)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Etag", o.quotedETag())
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	switch err := c.mayRead(o, s.env.Now()); {
	case errors.Is(err, errNotModified):
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	case err != nil:
		return err
	}
	return c.send(o, content)
}

func (c call) send(o object, content []byte) error {
	from, to, part, err := byteRange(c.Header.Get("Range"), o.Size)
	if err != nil {
		return err
	}
	h := c.w.Header()
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.Itoa(to-from))
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	status := http.StatusOK
	switch {
	case part:
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, o.Size))
		status = http.StatusPartialContent
	case c.Header.Get("X-Amz-Checksum-Mode") == "ENABLED":
		o.writeChecksum(h)
	}
	c.w.WriteHeader(status)
	if c.Method == http.MethodGet {
		_, _ = c.w.Write(content[from:to])
	}
	return nil
}

var errNotModified = errors.New("the object was not modified")

// mayRead checks the request's conditions, on the ETag before those on time (RFC 9110, section
// 13.2.2). It ignores a future time.
func (c call) mayRead(o object, now time.Time) error {
	ifMatch, ifNoneMatch := c.Header.Get("If-Match"), c.Header.Get("If-None-Match")
	since := func(header string) (modified, given bool) {
		at, err := http.ParseTime(c.Header.Get(header))
		return o.Modified.After(at), err == nil && !at.After(now)
	}
	if ifMatch != "" {
		if !matches(ifMatch, o) {
			return preconditionFailed("If-Match")
		}
	} else if modified, given := since("If-Unmodified-Since"); given && modified {
		return preconditionFailed("If-Unmodified-Since")
	}
	if ifNoneMatch != "" {
		if matches(ifNoneMatch, o) {
			return errNotModified
		}
	} else if modified, given := since("If-Modified-Since"); given && !modified {
		return errNotModified
	}
	return nil
}

// matches compares a condition with the object's ETag, quoted or not.
func matches(condition string, o object) bool {
	return condition == "*" || strings.Trim(condition, `"`) == o.ETag
}

// byteRange parses a Range header: bytes from..to-1. It ignores what S3 does not
// support, such as several ranges. A range that starts after the end is an error.
func byteRange(header string, size int) (from, to int, part bool, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, size, false, nil
	}
	begin, beginErr := strconv.ParseUint(first, 10, 62)
	end, endErr := strconv.ParseUint(last, 10, 62)
	switch {
	case first == "" && endErr == nil: // the last end bytes
		if end == 0 || size == 0 {
			return 0, 0, false, invalidRange(header, size)
		}
		return max(0, size-int(end)), size, true, nil
	case beginErr != nil, last != "" && (endErr != nil || end < begin):
		return 0, size, false, nil
	case begin >= uint64(size):
		return 0, 0, false, invalidRange(header, size)
	case last == "":
		return int(begin), size, true, nil
	}
	return int(begin), min(int(end)+1, size), true, nil
}

func invalidRange(header string, size int) error {
	e := refusal(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	e.Fields = map[string]any{"ActualObjectSize": size, "RangeRequested": header}
	e.Header = http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", size)}}
	return e
}
