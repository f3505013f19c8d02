package s3

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

const maxKeys = 1000

type objectElement struct {
	Key, LastModified, ETag string
	ChecksumAlgorithm       string
	ChecksumType            string
	Size                    int
	StorageClass            string
	Owner                   *ownerElement `xml:",omitempty"`
}

type prefixElement struct{ Prefix string }

type listObjectsAnswer struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Namespace             string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	Contents              []objectElement
	CommonPrefixes        []prefixElement
}

// listObjects answers ListObjectsV2, ordered by the keys' bytes. It skips a group with a common
// prefix in one step.
func (s *Service) listObjects(c call) error {
	l, err := c.newList()
	if err != nil {
		return err
	}
	if c.query.Get("fetch-owner") == "true" {
		owner := s.owner()
		l.owner = &owner
	}
	err = s.env.DB.View(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		return l.fill(objectsIn(tx, c.bucket))
	})
	if err != nil {
		return err
	}
	if l.answer.EncodingType == "url" {
		l.answer.encode()
	}
	c.answer(http.StatusOK, l.answer)
	return nil
}

type list struct {
	answer *listObjectsAnswer
	// from is the first key that may be listed.
	from  string
	owner *ownerElement
}

func (c call) newList() (*list, error) {
	if c.query.Get("list-type") != "2" {
		return nil, invalidArgument("list-type", c.query.Get("list-type"), "Invalid List Type specified in Request")
	}
	a := &listObjectsAnswer{
		Namespace: namespace, Name: c.bucket, MaxKeys: maxKeys,
		Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), StartAfter: c.query.Get("start-after"),
		ContinuationToken: c.query.Get("continuation-token"), EncodingType: c.query.Get("encoding-type"),
	}
	l := &list{answer: a, from: a.Prefix}
	if a.EncodingType != "" && a.EncodingType != "url" {
		return nil, invalidArgument("encoding-type", a.EncodingType, "Invalid Encoding Method specified in Request")
	}
	if text := c.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, invalidArgument("max-keys", text, "Provided max-keys not an integer or within integer range")
		}
		a.MaxKeys = min(n, maxKeys)
	}
	if a.StartAfter != "" {
		l.from = max(l.from, a.behind(a.StartAfter))
	}
	if c.query.Has("continuation-token") {
		from, err := base64.URLEncoding.DecodeString(a.ContinuationToken)
		if err != nil || len(from) == 0 {
			return nil, invalidArgument("continuation-token", a.ContinuationToken, "The continuation token provided is incorrect")
		}
		l.from = max(a.Prefix, string(from))
	}
	return l, nil
}

func (l *list) fill(objects store.Bucket) error {
	a := l.answer
	if a.MaxKeys == 0 {
		return nil
	}
	cursor := objects.Cursor()
	key, value := cursor.Seek([]byte(l.from))
	for key != nil && strings.HasPrefix(string(key), a.Prefix) {
		if a.KeyCount == a.MaxKeys {
			a.IsTruncated = true
			a.NextContinuationToken = base64.URLEncoding.EncodeToString(key)
			return nil
		}
		common, grouped := a.common(string(key))
		if grouped {
			a.KeyCount++
			a.CommonPrefixes = append(a.CommonPrefixes, prefixElement{common})
			key, value = cursor.Seek([]byte(common + pastGroup))
			continue
		}
		var o object
		if err := json.Unmarshal(value, &o); err != nil {
			return fmt.Errorf("decoding object %s: %w", key, err)
		}
		a.KeyCount++
		a.Contents = append(a.Contents, objectElement{
			Key: o.Key, LastModified: stamp(o.Modified), ETag: o.quotedETag(), Size: o.Size, StorageClass: "STANDARD",
			ChecksumAlgorithm: o.Checksum, ChecksumType: "FULL_OBJECT", Owner: l.owner,
		})
		key, value = cursor.Next()
	}
	return nil
}

// behind returns the first key that may follow a listed key or its group.
func (a *listObjectsAnswer) behind(key string) string {
	if strings.HasPrefix(key, a.Prefix) {
		if common, grouped := a.common(key); grouped {
			return common + pastGroup
		}
	}
	return key + "\x00"
}

// pastGroup sorts behind every key of a group, because UTF-8 does not contain the byte 0xFF.
const pastGroup = "\xff"

// common returns the key up to the first delimiter after the prefix, inclusive.
func (a *listObjectsAnswer) common(key string) (prefix string, grouped bool) {
	if a.Delimiter == "" {
		return "", false
	}
	at := strings.Index(key[len(a.Prefix):], a.Delimiter)
	if at < 0 {
		return "", false
	}
	return key[:len(a.Prefix)+at+len(a.Delimiter)], true
}

// encode implements encoding-type=url, because XML cannot hold every key.
func (a *listObjectsAnswer) encode() {
	escape := func(s *string) { *s = strings.ReplaceAll(url.QueryEscape(*s), "%2F", "/") }
	escape(&a.Prefix)
	escape(&a.Delimiter)
	escape(&a.StartAfter)
	for i := range a.Contents {
		escape(&a.Contents[i].Key)
	}
	for i := range a.CommonPrefixes {
		escape(&a.CommonPrefixes[i].Prefix)
	}
}
