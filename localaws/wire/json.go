package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// MaxBody limits request bodies, in bytes. It exceeds every limit of AWS that a service
// checks itself (SQS 1 MiB, DynamoDB 16 MiB), and leaves room for the zip with the programs in S3.
const MaxBody = 64 << 20

// Operation answers one call. A json.Marshaler's output is sent as it is.
type Operation func(ctx context.Context, body []byte) (any, error)

// Op turns a typed function into an Operation. It refuses members that In lacks, so that
// nothing is silently ignored.
func Op[In, Out any](f func(context.Context, *In) (*Out, error)) Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		in := new(In)
		if body = bytes.TrimSpace(body); len(body) > 0 {
			if string(body) == "null" {
				return nil, &Error{Code: "SerializationException", Message: "The request body is null; it must be a JSON object."}
			}
			if err := decode(body, in); err != nil {
				return nil, decodeError(err)
			}
		}
		out, err := f(ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

func decodeError(err error) *Error {
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return NotImplemented("The request member " + name)
	}
	text := "The request body is not valid JSON."
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped) && mistyped.Field != "":
		text = "The request member " + mistyped.Field + " can not be read from a JSON " + mistyped.Value + "."
	case errors.As(err, &mistyped):
		text = "The request body must be a JSON object."
	}
	return &Error{Code: "SerializationException", Message: text}
}

// JSONService is a service with the AWS JSON protocol.
type JSONService struct {
	// Target precedes the operation in X-Amz-Target, e.g. "AmazonSQS".
	Target string
	// Shape is the namespace in an error's __type, e.g. "com.amazonaws.sqs".
	Shape      string
	Operations map[string]Operation
	// MaxBody is the largest body in bytes; 0 means the package's MaxBody.
	MaxBody int64
}

// ServeHTTP runs the operation named in X-Amz-Target.
func (s JSONService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), s.Target+".")
	contentType := r.Header.Get("Content-Type")
	if !strings.HasPrefix(contentType, "application/x-amz-json-1.") {
		contentType = "application/x-amz-json-1.0"
	}
	out, err := s.call(r, name)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-Requestid", NewUUID())
	if err != nil {
		s.writeError(w, asError(r.Context(), err))
		return
	}
	body, err := encode(out)
	if err != nil {
		s.writeError(w, asError(r.Context(), err))
		return
	}
	writeChecked(w, http.StatusOK, body)
}

// encode calls MarshalJSON itself; encoding/json would go over the result again.
func encode(out any) ([]byte, error) {
	if m, ok := out.(json.Marshaler); ok {
		return m.MarshalJSON()
	}
	return json.Marshal(out)
}

// writeChecked adds the checksum that DynamoDB clients compare, and the length, as AWS
// does: the SDK retries a broken response only if it was not chunked.
func writeChecked(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s JSONService) call(r *http.Request, name string) (any, error) {
	op, ok := s.Operations[name]
	if !ok {
		return nil, NotImplemented(s.Target + "." + name)
	}
	body, err := ReadBody(r)
	if err == nil && r.Header.Get("Content-Encoding") == "gzip" {
		body, err = unzip(body)
	}
	if err == nil && s.MaxBody > 0 && int64(len(body)) > s.MaxBody {
		err = tooLarge()
	}
	if err != nil {
		return nil, err
	}
	return op(WithRequest(r.Context(), r), body)
}

// ReadBody reads the request's body. More than MaxBody is an error.
func ReadBody(r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= MaxBody {
		body.Grow(int(r.ContentLength) + bytes.MinRead) // room for ReadFrom to finish without growing
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, MaxBody+1)); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if body.Len() > MaxBody {
		return nil, tooLarge()
	}
	return body.Bytes(), nil
}

func tooLarge() *Error {
	return &Error{Code: "RequestEntityTooLarge", Message: "The request is too large.", Status: http.StatusRequestEntityTooLarge}
}

func unzip(zipped []byte) ([]byte, error) {
	notGzip := &Error{Code: "SerializationException", Message: "The request body is not the gzip stream that its Content-Encoding names."}
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, notGzip
	}
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	switch {
	case err != nil:
		return nil, notGzip
	case len(body) > MaxBody:
		return nil, tooLarge()
	}
	return body, nil
}

func (s JSONService) writeError(w http.ResponseWriter, e *Error) {
	fields := map[string]any{"__type": s.Shape + "#" + e.Code, "message": e.Message}
	for k, v := range e.Fields {
		fields[k] = v
	}
	for k, v := range e.Header {
		w.Header()[k] = v
	}
	if e.QueryCode != "" {
		w.Header().Set("X-Amzn-Query-Error", e.QueryCode+";Sender")
	}
	body, err := json.Marshal(fields)
	if err != nil {
		body = []byte(`{"__type":"InternalFailure"}`)
	}
	writeChecked(w, e.HTTPStatus(), body)
}

// IsCode reports whether err is an Error with that code.
func IsCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
