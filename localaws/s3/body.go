package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type payload struct {
	content []byte
	// checksum and sum are the client's, or nil and "".
	checksum *checksum
	sum      string
	// byMD5: the client sent Content-MD5.
	byMD5 bool
}

// body reads and unchunks the body, and checks every digest and length in the
// request.
func (c call) body() (payload, error) {
	var p payload
	raw, err := wire.ReadBody(c.Request)
	switch {
	case wire.IsCode(err, "RequestEntityTooLarge"):
		return p, refusal(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return p, incompleteBody()
	case err != nil:
		return p, err
	}
	p.content = raw
	headers := c.Header
	digest := c.Header.Get("X-Amz-Content-Sha256")
	switch {
	case strings.HasPrefix(digest, "STREAMING-"):
		var trailer http.Header
		if p.content, trailer, err = unchunk(raw, c.Header.Get("X-Amz-Decoded-Content-Length")); err != nil {
			return p, err
		}
		headers = trailer
		for name, values := range c.Header {
			if checksumNamed(name) != nil {
				headers[name] = values
			}
		}
	case digest != "" && digest != "UNSIGNED-PAYLOAD":
		if sum := sha256.Sum256(raw); digest != hex.EncodeToString(sum[:]) {
			return p, refusal(http.StatusBadRequest, "XAmzContentSHA256Mismatch",
				"The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	}
	if err := p.checkMD5(c.Header.Get("Content-Md5")); err != nil {
		return p, err
	}
	return p, p.checkSum(headers)
}

func (p *payload) checkMD5(given string) error {
	if given == "" {
		return nil
	}
	p.byMD5 = true
	want, err := base64.StdEncoding.DecodeString(given)
	if err != nil || len(want) != md5.Size {
		return refusal(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	if sum := md5.Sum(p.content); !bytes.Equal(sum[:], want) {
		return refusal(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

func (p *payload) checkSum(headers http.Header) error {
	for name := range headers {
		k := checksumNamed(name)
		if k == nil {
			continue
		}
		if p.checksum != nil {
			return invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		p.checksum, p.sum = k, headers.Get(name)
		raw, err := base64.StdEncoding.DecodeString(p.sum)
		if err != nil || len(raw) != k.size {
			return invalidRequest("Value for %s header is invalid.", strings.ToLower(name))
		}
		if p.sum != k.of(p.content) {
			return refusal(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", k.name)
		}
	}
	return nil
}

func incompleteBody() error {
	return refusal(http.StatusBadRequest, "IncompleteBody",
		"You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// unchunk decodes aws-chunked: chunks of
//
//	hexadecimal size [";chunk-signature=" signature] CRLF bytes CRLF
//
// then an empty chunk and trailing headers, one per line (Amazon S3 API Reference, "Signature
// calculations: transferring a payload in multiple chunks"). It does not check signatures.
func unchunk(raw []byte, length string) (content []byte, trailer http.Header, err error) {
	want, err := strconv.Atoi(length)
	if err != nil || want < 0 {
		return nil, nil, refusal(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	in := bufio.NewReader(bytes.NewReader(raw))
	for {
		head, err := line(in)
		if err != nil {
			return nil, nil, incompleteBody()
		}
		head, _, _ = strings.Cut(head, ";")
		size, err := strconv.ParseUint(head, 16, 31)
		if err != nil {
			return nil, nil, incompleteBody()
		}
		if size == 0 {
			break
		}
		chunk := make([]byte, min(int(size), len(raw)))
		if _, err := io.ReadFull(in, chunk); err != nil || len(chunk) != int(size) {
			return nil, nil, incompleteBody()
		}
		if end, err := line(in); err != nil || end != "" {
			return nil, nil, incompleteBody()
		}
		content = append(content, chunk...)
	}
	if len(content) != want {
		return nil, nil, incompleteBody()
	}
	trailer, err = trailing(in)
	return content, trailer, err
}

func trailing(in *bufio.Reader) (http.Header, error) {
	trailer := http.Header{}
	for {
		text, err := line(in)
		if text == "" {
			return trailer, nil
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok || err != nil && !errors.Is(err, io.EOF) {
			return nil, refusal(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
		trailer.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
}

// line returns what it read even with an error.
func line(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	if err != nil {
		err = fmt.Errorf("reading a line: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), err
}
