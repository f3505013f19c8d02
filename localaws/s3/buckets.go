package s3

import (
	"encoding/xml"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type bucket struct {
	Name, Region string
	Created      time.Time
}

const defaultRegion = "us-east-1"

func findBucket(tx *store.Tx, name string) (bucket, error) {
	b, found, err := store.GetJSON[bucket](bucketsIn(tx), name)
	if err == nil && !found {
		err = noSuchBucket(name)
	}
	return b, err
}

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// validBucketName applies the rules for new buckets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validBucketName(name string) bool {
	if !bucketForm.MatchString(name) || strings.Contains(name, "..") {
		return false
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}

// createBucket uses the signed Region. Creating an existing bucket does nothing in
// us-east-1 and fails elsewhere.
func (s *Service) createBucket(c call) error {
	var wanted struct {
		LocationConstraint string
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body.content) > 0 && xml.Unmarshal(body.content, &wanted) != nil {
		return malformedXML()
	}
	region := wire.CallerOf(c.Request).Region
	switch {
	case !validBucketName(c.bucket):
		return about(refusal(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid."), "BucketName", c.bucket)
	case wanted.LocationConstraint == defaultRegion:
		return about(refusal(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid"),
			"LocationConstraint", wanted.LocationConstraint)
	case region != defaultRegion && wanted.LocationConstraint == "":
		return refusal(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case wanted.LocationConstraint != "" && wanted.LocationConstraint != region:
		return refusal(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", wanted.LocationConstraint)
	}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		switch _, found, err := store.GetJSON[bucket](bucketsIn(tx), c.bucket); {
		case err != nil:
			return err
		case found && region == defaultRegion:
			return nil
		case found:
			return about(refusal(http.StatusConflict, "BucketAlreadyOwnedByYou",
				"Your previous request to create the named bucket succeeded and you already own it."), "BucketName", c.bucket)
		}
		return store.PutJSON(bucketsIn(tx), c.bucket, bucket{Name: c.bucket, Region: region, Created: s.env.Now()})
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) find(name string) (b bucket, err error) {
	err = s.env.DB.View(func(tx *store.Tx) error {
		b, err = findBucket(tx, name)
		return err
	})
	return b, err
}

func (s *Service) headBucket(c call) error {
	b, err := s.find(c.bucket)
	if err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", b.Region)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) bucketLocation(c call) error {
	b, err := s.find(c.bucket)
	if err != nil {
		return err
	}
	location := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{}
	if b.Region != defaultRegion {
		location.Region = b.Region
	}
	c.answer(http.StatusOK, location)
	return nil
}

func (s *Service) deleteBucket(c call) error {
	err := s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		if key, _ := objectsIn(tx, c.bucket).Cursor().First(); key != nil {
			return about(refusal(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty"), "BucketName", c.bucket)
		}
		return bucketsIn(tx).Delete([]byte(c.bucket))
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

type ownerElement struct{ ID string }

// owner is the account as 64 hexadecimal digits.
func (s *Service) owner() ownerElement { return ownerElement{strings.Repeat(s.env.Account, 6)[:64]} }

type bucketElement struct{ Name, CreationDate, BucketRegion string }

// listBuckets does not page.
func (s *Service) listBuckets(c call) error {
	var all []bucket
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[bucket](bucketsIn(tx))
		return err
	})
	if err != nil {
		return err
	}
	answer := struct {
		XMLName   xml.Name `xml:"ListAllMyBucketsResult"`
		Namespace string   `xml:"xmlns,attr"`
		Owner     ownerElement
		Buckets   struct {
			Bucket []bucketElement
		}
	}{Namespace: namespace, Owner: s.owner()}
	for _, b := range all {
		answer.Buckets.Bucket = append(answer.Buckets.Bucket, bucketElement{b.Name, stamp(b.Created), b.Region})
	}
	c.answer(http.StatusOK, answer)
	return nil
}

// stamp has S3's precision, seconds.
func stamp(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
}
