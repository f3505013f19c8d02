package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// deleteObject ignores a missing object. If-Match requires that ETag.
func (s *Service) deleteObject(c call) error {
	err := s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		if condition := c.Header.Get("If-Match"); condition != "" {
			have, found, err := store.GetJSON[object](objectsIn(tx, c.bucket), c.key)
			switch {
			case err != nil:
				return err
			case found && !matches(condition, have):
				return preconditionFailed("If-Match")
			}
		}
		return drop(tx, c.bucket, c.key)
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func drop(tx *store.Tx, bucket, key string) error {
	if err := objectsIn(tx, bucket).Delete([]byte(key)); err != nil {
		return err
	}
	return contentsIn(tx, bucket).Delete([]byte(key))
}

// deletion is the document of DeleteObjects. It refuses versions and conditions.
type deletion struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Object  []struct {
		Key                          string
		VersionID                    *string `xml:"VersionId"`
		ETag, LastModifiedTime, Size *string
	}
}

type keyElement struct{ Key string }

type deletionAnswer struct {
	XMLName   xml.Name `xml:"DeleteResult"`
	Namespace string   `xml:"xmlns,attr"`
	Deleted   []keyElement
}

func (s *Service) deleteObjects(c call) error {
	d, err := c.deletion()
	if err != nil {
		return err
	}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		for _, o := range d.Object {
			if err := drop(tx, c.bucket, o.Key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	answer := deletionAnswer{Namespace: namespace}
	for _, o := range d.Object {
		if !d.Quiet {
			answer.Deleted = append(answer.Deleted, keyElement{o.Key})
		}
	}
	c.answer(http.StatusOK, answer)
	return nil
}

func (c call) deletion() (d deletion, err error) {
	p, err := c.body()
	switch {
	case err != nil:
		return d, err
	case p.checksum == nil && !p.byMD5:
		return d, invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	case xml.Unmarshal(p.content, &d) != nil, len(d.Object) == 0, len(d.Object) > maxKeys:
		return d, malformedXML()
	}
	for _, o := range d.Object {
		switch {
		case o.Key == "":
			return d, malformedXML()
		case o.VersionID != nil || o.ETag != nil || o.LastModifiedTime != nil || o.Size != nil:
			return d, notImplemented("Deleting a version, or on a condition,")
		}
	}
	return d, nil
}
