// Package s3 imitates as much of Amazon S3 as Gatehouse needs: buckets, whole objects with
// metadata, conditional reads and writes, ranges, lists, and multipart uploads, which it does not
// list. An object or a part is at most as large as a request (20 MiB). Versions, access control
// lists and other sub-resources are not implemented.
//
// The protocol is REST with XML. The bucket is in the path, or in the host as bucket.localhost,
// which clients use with the endpoint http://localhost.
package s3

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the buckets.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// Buckets within "s3" of the data file. Objects and contents have one per S3 bucket; they are
// separate, so that a list does not read contents.
func bucketsIn(tx *store.Tx) store.Bucket { return tx.Bucket("s3", "buckets") } // name -> bucket

func objectsIn(tx *store.Tx, bucket string) store.Bucket { return tx.Bucket("s3", "objects", bucket) } // key -> object
func contentsIn(tx *store.Tx, bucket string) store.Bucket {
	return tx.Bucket("s3", "contents", bucket) // key -> bytes
}

type call struct {
	*http.Request
	w           http.ResponseWriter
	query       url.Values
	bucket, key string
}

// parameters are the query parameters that an operation knows.
type operation struct {
	run        func(call) error
	parameters []string
}

// ServeHTTP answers a request signed for S3.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call{Request: r, w: w, query: r.URL.Query()}
	c.bucket, c.key = Address(r)
	w.Header().Set("X-Amz-Request-Id", strings.ToUpper(wire.NewID(16)))
	w.Header().Set("X-Amz-Id-2", wire.NewID(64))
	if err := s.serve(c); err != nil {
		var refused *wire.Error
		if !errors.As(err, &refused) {
			zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local S3 failed")
			refused = &wire.Error{Code: "InternalError", Message: "The local AWS failed; its log says why.", Status: http.StatusInternalServerError}
		}
		c.refuse(refused)
	}
}

// Address returns the bucket and key of a request, or "".
func Address(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok && bucket != "s3" {
		return strings.TrimSuffix(bucket, ".s3"), path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func (s *Service) serve(c call) error {
	if !utf8.ValidString(c.key) {
		return refusal(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	op := s.operation(c)
	if op.run == nil {
		return notImplemented(fmt.Sprintf("%s with the parameters %q", c.Method, c.URL.RawQuery))
	}
	for name := range c.query {
		// x-id is the operation's name, for logs.
		if name != "x-id" && !slices.Contains(op.parameters, name) {
			return notImplemented("The parameter " + name)
		}
	}
	if err := c.checkHeaders(); err != nil {
		return err
	}
	if owner := c.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != s.env.Account {
		return &wire.Error{Code: "AccessDenied", Message: "Access Denied", Status: http.StatusForbidden}
	}
	return op.run(c)
}

func (s *Service) operation(c call) operation {
	has := func(method, parameter string) bool {
		return c.Method == method && (parameter == "" || c.query.Has(parameter))
	}
	switch {
	case c.bucket == "" && has("GET", ""):
		return operation{s.listBuckets, nil}
	case c.bucket == "":
		return operation{}
	case c.key != "":
		return s.objectOperation(c)
	case has("GET", "list-type"):
		return operation{s.listObjects, []string{
			"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner",
		}}
	case has("GET", "location"):
		return operation{s.bucketLocation, []string{"location"}}
	case has("POST", "delete"):
		return operation{s.deleteObjects, []string{"delete"}}
	case has("PUT", ""):
		return operation{s.createBucket, nil}
	case has("HEAD", ""):
		return operation{s.headBucket, nil}
	case has("DELETE", ""):
		return operation{s.deleteBucket, nil}
	}
	return operation{}
}

func (s *Service) objectOperation(c call) operation {
	uploading := c.query.Has("uploadId")
	switch {
	case c.Method == "POST" && c.query.Has("uploads"):
		return operation{s.beginUpload, []string{"uploads"}}
	case c.Method == "PUT" && uploading:
		return operation{s.uploadPart, []string{"uploadId", "partNumber"}}
	case c.Method == "POST" && uploading:
		return operation{s.completeUpload, []string{"uploadId"}}
	case c.Method == "DELETE" && uploading:
		return operation{s.abortUpload, []string{"uploadId"}}
	}
	switch c.Method {
	case "PUT":
		return operation{s.putObject, nil}
	case "GET", "HEAD":
		return operation{s.getObject, nil}
	case "DELETE":
		return operation{s.deleteObject, nil}
	}
	return operation{}
}
